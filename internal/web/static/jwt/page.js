// The page of the JWT debugger: what is pasted is read, checked and shown at once. It
// asks for the signing keys of all issuers when it is loaded, and again only when the
// button is pressed; never for anything that depends on a token. It keeps nothing.
(() => {
  "use strict";
  const byID = (id) => document.getElementById(id);
  const root = byID("jwt");
  if (!root) return;
  const field = byID("jwt-token");
  const status = byID("jwt-verdict");
  const here = {
    prefix: root.dataset.prefix,
    issuers: [...root.querySelectorAll("[data-issuer]")].map((line) => ({ line, ...line.dataset, platform: "platform" in line.dataset })),
  };
  const now = () => Date.now() / 1000;

  function element(name, attributes = {}, ...children) {
    const made = Object.assign(document.createElement(name), attributes);
    made.append(...children);
    return made;
  }

  // Signing keys.

  async function fetchKeys(cache) {
    byID("jwt-keys-again").disabled = true;
    await Promise.all(here.issuers.map((issuer) => fetchKeysOf(issuer, cache)));
    byID("jwt-keys-again").disabled = false;
    const failed = here.issuers.filter((issuer) => issuer.failed);
    const time = new Intl.DateTimeFormat("en-GB", { timeStyle: "medium" }).format();
    byID("jwt-keys-state").textContent = failed.length
      ? `The signing keys of ${failed.map((issuer) => issuer.env).join(", ")} could not be fetched.`
      : `The signing keys of this server were fetched at ${time}.`;
  }

  async function fetchKeysOf(issuer, cache) {
    issuer.loading = true;
    try {
      const response = await fetch(`${issuer.issuer}/oauth/jwks`, { cache, credentials: "omit", redirect: "error", signal: AbortSignal.timeout(10_000) });
      const { keys } = await response.json();
      issuer.keys = keys.filter((key) => key.kid && key.alg);
      issuer.failed = false;
    } catch {
      issuer.failed = true; // keys of before stay good
    }
    issuer.loading = false;
    const n = issuer.keys?.length ?? 0;
    issuer.line.querySelector("[data-state]").textContent = issuer.failed ? "could not be fetched" : `${n} signing ${n === 1 ? "key" : "keys"}`;
    update();
  }

  // What is shown now: the reading, what was found of its signature, and the judgement.
  let shown;
  let turn = 0;

  async function update() {
    const mine = ++turn;
    const reading = jwtToken.read(field.value, here.prefix);
    // A secret does not stay on the page; that it was there does, until something
    // else is pasted.
    if (reading.kind === "secret") field.value = "";
    if (reading.kind === "empty" && shown?.reading.kind === "secret") return;
    paint(reading);
    const signature = await jwtJudge.checkSignature(reading, here);
    if (mine !== turn) return; // something else stands there by now
    shown = { reading, signature };
    show();
  }

  function show() {
    const { reading, signature } = shown;
    const judgement = jwtJudge.judge(reading, signature, here, now());
    shown.state = stateOf(judgement);
    showProblems(judgement.problems);
    showVerdict(judgement);
    byID("jwt-removed").textContent = reading.removed?.length ? `Left out: ${reading.removed.join(", ")}.` : "";
    showPart("header");
    showPart("payload");
    showSignature();
    showTimes();
  }

  // stateOf is what makes one judgement another: not how many minutes are left.
  function stateOf({ verdict, problems }) {
    return JSON.stringify([verdict.id, problems.map((problem) => problem.id)]);
  }

  // Once a second: times in words go on, and a token may expire while one looks.
  function tick() {
    if (!shown || shown.reading.kind !== "token") return;
    if (stateOf(jwtJudge.judge(shown.reading, shown.signature, here, now())) !== shown.state) show();
    else showTimes();
  }

  function showTimes() {
    for (const element of root.querySelectorAll("[data-since]")) {
      const at = Number(element.dataset.since);
      const [ahead, over] = (element.dataset.verbs ?? "").split("|");
      const words = "left" in element.dataset ? left(at) : jwtWords.since(at, now());
      const verb = at > now() ? ahead : over;
      const text = verb ? `${verb} ${words}` : words;
      if (!element.firstChild) element.append(text);
      // The node stays: the verdict is read out when it is another, not each minute.
      else if (element.textContent !== text) element.firstChild.data = text;
    }
  }

  // left is how much longer: 47 more minutes.
  function left(at) {
    const words = jwtWords.span(Math.max(0, at - now())).split(" ");
    return words.length === 2 ? `${words[0]} more ${words[1]}` : `${words.join(" ")} more`;
  }

  // Problems. Their texts are templates of the page, filled with what was found.

  function fill(problem) {
    const made = byID(`jwt-problem-${problem.id}${problem.why ? `-${problem.why}` : ""}`).content.cloneNode(true);
    for (const part of made.querySelectorAll("[data-if]")) if (!problem[part.dataset.if]) part.remove();
    for (const part of made.querySelectorAll("[data-unless]")) if (problem[part.dataset.unless]) part.remove();
    for (const slot of made.querySelectorAll("[data-slot]")) {
      const value = problem[slot.dataset.slot];
      if (slot.dataset.as === "since") slot.dataset.since = value;
      else if (slot.dataset.as === "local") slot.textContent = jwtWords.local(value);
      else slot.textContent = plain([value].flat().join(", "));
    }
    return made;
  }

  // plain is a text of a token within ours.
  function plain(text) {
    const line = strictJSON.quote(text).slice(1, -1).replaceAll('\\"', '"');
    return line.length > 120 ? `${line.slice(0, 120)}…` : line;
  }

  function showProblems(problems) {
    const list = byID("jwt-problems");
    list.replaceChildren(...problems.map((problem) => {
      const harmless = jwtJudge.order.indexOf(problem.id) >= jwtJudge.order.indexOf("unchecked");
      const item = element("li", { className: harmless ? "jwt-note" : "jwt-wrong" }, fill(problem));
      item.dataset.problem = problem.id;
      item.prepend(element("span", { className: "jwt-level" }, harmless ? "Note" : "Problem"));
      return item;
    }));
    byID("jwt-problems-name").hidden = list.hidden = !problems.length;
  }

  // The verdict.

  function showVerdict({ verdict, problems }) {
    status.dataset.level = verdict.level;
    status.dataset.kind = verdict.id;
    byID("jwt-revocation").hidden = !["good", "unknown"].includes(verdict.id);
    const pieces = verdictOf(verdict, problems);
    const text = pieces.map((piece) => piece.textContent ?? piece).join("");
    if (status.dataset.said === text) return;
    status.dataset.said = text;
    status.replaceChildren(...pieces);
  }

  function verdictOf({ id, issuer }, [first]) {
    switch (id) {
      case "empty": return ["Paste an access token, and what it says appears here."];
      case "good": return [`A good access token of ${ownerOf(issuer)}, for `, sinceSpan(exp(), { left: "" }), "."];
      case "late":
        if (first.id === "expired") return [`An access token of ${ownerOf(issuer)} that expired `, sinceSpan(exp()), "."];
        return [`An access token of ${ownerOf(issuer)} that is not valid yet.`];
      case "feed": return [`A revocation feed of ${issuer.env}, not an access token. Its signature is right.`];
      case "unknown": return [first.why === "loading" ? "The signing keys are being fetched." : "It cannot be told whether this is a good access token: its signature was not checked."];
    }
    const title = fill(first).querySelector("strong");
    for (const slot of title.querySelectorAll("[data-since]")) slot.textContent = jwtWords.since(Number(slot.dataset.since), now());
    const clause = title.textContent.trim().replace(/\s+/g, " ");
    if (shown.reading.kind !== "token") return [`${clause}.`];
    return [`${shown.reading.payload ? "Not to be accepted" : "Not an access token"}: ${clause[0].toLowerCase()}${clause.slice(1)}.`];
  }

  const exp = () => jwtToken.whole(shown.reading.payload, "exp");

  function ownerOf(issuer) {
    const merchant = jwtWords.merchantOf(shown.reading.payload);
    if (issuer.platform) return "an operator key";
    return merchant === undefined ? `no merchant in ${issuer.env}` : `merchant ${plain(merchant)} in ${issuer.env}`;
  }

  function sinceSpan(at, data = {}) {
    const made = element("span");
    Object.assign(made.dataset, { since: at, ...data });
    return made;
  }

  // Header, payload, signature.

  function showPart(name) {
    const part = shown.reading.parts?.find((part) => part.name === name);
    byID(`jwt-${name}`).hidden = !part?.value;
    const pieces = part?.value ? strictJSON.print(part.value) : []; // what is hidden holds nothing
    byID(`jwt-${name}-json`).replaceChildren(...pieces.map((piece) => (piece.name ? element("span", { className: "jwt-name" }, piece.name) : piece)));
    byID(`jwt-${name}-claims`).replaceChildren(...jwtWords.rows(name, shown.reading, shown.signature, here).map(row));
  }

  function row({ name, value, known, meaning }) {
    const head = element("th", { scope: "row" }, element("code", {}, plain(name)));
    if (!known) head.append(" ", element("span", { className: "tag" }, "unknown"));
    return element("tr", {}, head, element("td", {}, valueOf(name, value)), element("td", {}, ...meaning.map(pieceOf)));
  }

  function valueOf(name, value) {
    if (name === "scope" && value.kind === "string") {
      return element("ul", { className: "list" }, ...value.value.split(" ").map((scope) => element("li", {}, element("span", { className: "scope" }, plain(scope)))));
    }
    const text = value.kind === "string" ? value.value : strictJSON.print(value).map((piece) => piece.name ?? piece).join("").replace(/\s+/g, " ");
    return element("span", { className: "jwt-value" }, plain(text));
  }

  function pieceOf(piece) {
    if (typeof piece === "string") return plainText(piece);
    if (piece.since !== undefined) return sinceSpan(piece.since, { verbs: piece.verbs.join("|") });
    return element("time", { dateTime: isoOf(piece.at) }, jwtWords.local(piece.at));
  }

  // plainText is a sentence of ours, in which a text of the token may stand.
  const plainText = (text) => strictJSON.quote(text).slice(1, -1).replaceAll('\\"', '"');

  function isoOf(at) {
    const when = new Date(at * 1000);
    return Number.isNaN(when.getTime()) ? "" : when.toISOString();
  }

  const signatureWords = {
    right: (s) => `Right: made with the signing key ${s.jwk.kid} of ${s.owner.env}, over exactly this header and payload.`,
    wrong: (s) => `Wrong: not made with the signing key ${s.jwk.kid} of ${s.owner.env} over this header and payload.`,
    loading: () => "Not checked yet: the signing keys are being fetched.",
  };

  function showSignature() {
    const { reading, signature } = shown;
    byID("jwt-signature").hidden = reading.parts?.length !== 3 || !reading.header;
    const bytes = reading.parts?.[2]?.bytes?.length;
    byID("jwt-signature-state").textContent = signatureWords[signature.state]?.(signature) ?? "Not checked: see above.";
    byID("jwt-signature-state").dataset.state = signature.state;
    byID("jwt-signature-size").textContent = bytes ? `${bytes} bytes.` : "There is none.";
  }

  // The parts in colours, under the text of the field, which is then seen through.

  function paint(reading) {
    const paper = byID("jwt-paint");
    const whole = field.value;
    const pieces = reading.kind === "token" && whole.length <= 16384 && !reading.removed.includes("the rest of the answer") ? painted(whole) : undefined;
    paper.replaceChildren(...(pieces ?? [whole.slice(0, 16384)]), "\u200b"); // a last line that is empty has its height
    paper.parentElement.classList.toggle("painted", pieces !== undefined);
  }

  function painted(whole) {
    const lead = /^[\s"'`]*(?:authorization\s*:\s*)?(?:bearer\s+)?[\s"'`]*/i.exec(whole)[0];
    const parts = whole.slice(lead.length).split(".");
    if (parts.length < 2) return undefined;
    const pieces = [lead];
    for (const [i, part] of parts.entries()) {
      if (i) pieces.push(".");
      pieces.push(element("span", { className: `jwt-in-${["header", "payload", "signature"][i] ?? "more"}` }, part));
    }
    return pieces;
  }

  function clear() {
    field.value = "";
    shown = undefined;
    update();
  }

  field.addEventListener("input", update);
  byID("jwt-clear").addEventListener("click", () => {
    clear();
    field.focus();
  });
  byID("jwt-keys-again").addEventListener("click", () => {
    byID("jwt-keys-state").setAttribute("role", "status"); // from now on it is asked for
    fetchKeys("reload");
  });
  addEventListener("pagehide", clear);
  setInterval(tick, 1000);
  clear(); // some browsers put back what stood in a field
  fetchKeys("default");
})();
