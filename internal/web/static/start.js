// Tries a first token: sends the secret that is typed in to the token endpoint, and
// nowhere else, and shows what comes back. It keeps nothing. Loaded, deferred, on
// the page of the first token alone.
(() => {
  "use strict";
  const byID = (id) => document.getElementById(id);
  const form = byID("try");
  if (!form) return;
  const secret = byID("try-secret");
  const time = new Intl.DateTimeFormat(document.documentElement.lang || "en-GB", { dateStyle: "medium", timeStyle: "long" });

  // decode reads a part of a JWT (RFC 7515 section 2: base64url of JSON in UTF-8).
  function decode(part) {
    const bytes = Uint8Array.from(atob(part.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));
    return JSON.parse(new TextDecoder().decode(bytes));
  }

  function showClaims(token) {
    const [header, payload] = token.split(".", 2).map(decode);
    const said = { ...header, ...payload };
    for (const cell of document.querySelectorAll("[data-claim]")) {
      const value = cell.dataset.claim.split(".").reduce((object, name) => object?.[name], said);
      cell.textContent = value ?? "not in it";
      if (["iat", "exp"].includes(cell.dataset.claim)) cell.textContent += ` (${time.format(new Date(value * 1000))})`;
    }
  }

  function showToken(answer) {
    byID("try-life").textContent = answer.expires_in;
    byID("try-scope").textContent = answer.scope || "nothing";
    byID("try-token").textContent = answer.access_token;
    byID("try-answer").textContent = JSON.stringify(answer, null, 2);
    showClaims(answer.access_token);
    byID("try-good").hidden = false;
    secret.value = "";
  }

  function showError(error, description, link) {
    byID("try-error").textContent = error;
    byID("try-description").textContent = description;
    byID("try-link").hidden = !link?.startsWith(`${location.origin}/`);
    if (link) byID("try-link").href = link;
    byID("try-bad").hidden = false;
  }

  async function request() {
    const response = await fetch(form.dataset.endpoint, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ grant_type: "client_credentials", client_id: form.dataset.clientId, client_secret: secret.value.trim() }),
      credentials: "omit",
      cache: "no-store",
      redirect: "error",
      signal: AbortSignal.timeout(10_000),
    });
    const answer = await response.json();
    if (response.ok) showToken(answer);
    else showError(`${response.status} ${answer.error}`, answer.error_description, answer.error_uri);
  }

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const button = form.querySelector("button:not([type])");
    byID("try-good").hidden = byID("try-bad").hidden = true;
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
