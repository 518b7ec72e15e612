// Tries a token request: sends what is typed in to the token endpoint, and nowhere
// else, and shows what comes back. It keeps nothing. Loaded, deferred, on the pages
// that have its form: the console's of the first token, where the page says most of
// the request, and the reference's, which shows what went over the wire.
(() => {
  "use strict";
  const byID = (id) => document.getElementById(id);
  const form = byID("try");
  if (!form) return;
  const secret = byID("try-secret");
  const time = new Intl.DateTimeFormat(document.documentElement.lang || "en-GB", { dateStyle: "medium", timeStyle: "long" });
  const telling = ["X-Request-Id", "Retry-After", "Tokenwright-Secret-Expires"];

  // A page has places for those parts of the answer that it shows.
  function put(id, text) {
    const place = byID(id);
    if (place) place.textContent = text;
  }

  function show(id, shown = true) {
    const part = byID(id);
    if (part) part.hidden = !shown;
  }

  // typed is what stands in a field of the form, or else what the page says.
  const typed = (id, said = "") => byID(id)?.value.trim() || said;

  // decode reads a part of a JWT (RFC 7515 section 2: base64url of JSON in UTF-8).
  function decode(part) {
    const bytes = Uint8Array.from(atob(part.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));
    return JSON.parse(new TextDecoder().decode(bytes));
  }

  function showClaims(token) {
    const cells = document.querySelectorAll("[data-claim]");
    if (!cells.length) return;
    const [header, payload] = token.split(".", 2).map(decode);
    const said = { ...header, ...payload };
    for (const cell of cells) {
      const value = cell.dataset.claim.split(".").reduce((object, name) => object?.[name], said);
      cell.textContent = value ?? "not in it";
      if (["iat", "exp"].includes(cell.dataset.claim)) cell.textContent += ` (${time.format(new Date(value * 1000))})`;
    }
  }

  function showToken(answer) {
    put("try-life", answer.expires_in);
    put("try-scope", answer.scope || "nothing");
    put("try-token", answer.access_token);
    showClaims(answer.access_token);
    show("try-good");
    secret.value = "";
  }

  function showError(error, description, link) {
    put("try-error", error);
    put("try-description", description);
    byID("try-link").hidden = !link?.startsWith(`${location.origin}/`);
    if (link) byID("try-link").href = link;
    show("try-bad");
  }

  // What is sent, and the same with the secret masked.
  function made() {
    const endpoint = typed("try-endpoint", form.dataset.endpoint);
    const type = typed("try-type", "application/json");
    const write = (value) => {
      const members = {
        grant_type: "client_credentials", client_id: typed("try-client", form.dataset.clientId), client_secret: value,
        scope: typed("try-asked"), resource: typed("try-resource"),
      };
      for (const name of ["scope", "resource"]) if (!members[name]) delete members[name];
      return type === "application/json" ? JSON.stringify(members, null, 2) : String(new URLSearchParams(members));
    };
    const { host, pathname } = new URL(endpoint, location.href);
    const masked = `POST ${pathname} HTTP/1.1\nHost: ${host}\nContent-Type: ${type}\n\n${write("********")}`;
    return { endpoint, type, masked, body: write(secret.value.trim()) };
  }

  async function request() {
    const { endpoint, type, masked, body } = made();
    put("try-request", masked);
    const response = await fetch(endpoint, {
      method: "POST",
      headers: { "Content-Type": type },
      body,
      credentials: "omit",
      cache: "no-store",
      redirect: "error",
      signal: AbortSignal.timeout(10_000),
    });
    const answer = await response.json();
    const fields = telling.filter((name) => response.headers.has(name)).map((name) => `${name}: ${response.headers.get(name)}\n`);
    put("try-head", `${response.status} ${response.statusText}\n${fields.join("")}`);
    put("try-answer", JSON.stringify(answer, null, 2));
    show("try-exchange");
    if (response.ok) showToken(answer);
    else showError(`${response.status} ${answer.error ?? ""}`, answer.error_description ?? answer.message, answer.error_uri);
  }

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const button = form.querySelector("button:not([type])");
    for (const part of ["try-good", "try-bad", "try-exchange"]) show(part, false);
    button.disabled = true;
    try {
      await request();
    } catch {
      showError("No answer", "The token endpoint did not answer, or not in its own words. Try again, or with the command below.");
    }
    button.disabled = false;
  });
  addEventListener("pagehide", () => { secret.value = ""; });
})();
