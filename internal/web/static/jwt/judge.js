// Says what is to be thought of a token: which problems it has, worst first, by the
// names that the page has texts for; and the verdict. It must not know the page.
//
// here is the server: {prefix, issuers: [{env, issuer, audience, algorithm, platform,
// keys: [JWK], or undefined while they are not known, loading}]}. Times are seconds.
const jwtJudge = (() => {
  "use strict";
  const { member, text, whole, typeOf, algorithms, algorithmName } = jwtToken;
  const leeway = 60; // of verifiers, for clocks that differ

  // Worst first. What stands behind unchecked does not keep an API from accepting
  // the token.
  const order = ["secret", "client-id", "long", "encrypted", "parts", "base64", "json", "repeated", "unsigned", "foreign-alg", "signature", "other-alg", "no-kid", "other-kid", "kid",
    "header-member", "id-token", "type", "no-issuer", "issuer", "claim", "env", "expired", "not-before", "future", "unchecked", "ahead", "admin-audience", "audience"];
  const harmless = order.indexOf("unchecked");

  /**
   * Finds the key that a token names, among those of every issuer. issuer is the one
   * that iss names, owner the one whose key it is. state is found, or why there is
   * none to check the signature with.
   */
  function findKey(reading, here) {
    const issuer = issuerOf(reading, here);
    const kid = text(reading.header, "kid");
    const has = (i) => kid !== undefined && i.keys?.find((key) => key.kid === kid);
    const owner = issuer && has(issuer) ? issuer : here.issuers.find(has);
    if (owner) return { state: "found", issuer, owner, jwk: has(owner) };
    const without = here.issuers.filter((i) => !i.keys && (!issuer || i === issuer));
    if (!without.length) return { state: "none", issuer };
    return { state: without.some((i) => i.loading) ? "loading" : "no-keys", issuer };
  }

  function issuerOf(reading, here) {
    const iss = text(reading.payload, "iss");
    return here.issuers.find((i) => i.issuer === iss);
  }

  /** Checks the signature as far as it can be: {state, issuer, owner, jwk}; state is right, wrong, or why it was not checked. */
  async function checkSignature(reading, here, subtle) {
    if (reading.kind !== "token" || reading.flaws.some((flaw) => ["long", "parts", "encrypted", "base64"].includes(flaw.id))) return { state: "unread", issuer: issuerOf(reading, here) };
    const found = findKey(reading, here);
    if (found.state !== "found" || reading.unsigned) return found;
    if (!algorithms[algorithmName(found.jwk.alg)] || algorithmName(text(reading.header, "alg")) !== algorithmName(found.jwk.alg)) return { ...found, state: "none" };
    return { ...found, state: await jwtToken.check(reading, found.jwk, subtle) };
  }

  /** Judges a reading with what checkSignature found: {verdict: {id, level, issuer}, problems: [{id, …}]}. level is good, bad or unknown. */
  function judge(reading, signature, here, now) {
    if (reading.kind === "empty") return { verdict: { id: "empty", level: "unknown" }, problems: [] };
    const problems = [...reading.flaws];
    const add = (id, slots) => problems.push({ id, ...slots });
    const feed = typeOf(reading.header) === "revocations+jwt";
    if (reading.kind === "token") {
      if (reading.header) judgeHeader(reading, here, feed, add);
      if (reading.header && reading.payload) judgeKey(reading, signature, here, add);
      if (reading.payload) judgeClaims(reading.payload, signature.issuer, feed, here, now, add);
    }
    problems.sort((a, b) => order.indexOf(a.id) - order.indexOf(b.id));
    return { verdict: verdictOf(problems, signature, feed), problems };
  }

  function verdictOf([first], { issuer }, feed) {
    const worst = first ? order.indexOf(first.id) : Infinity;
    if (first?.id === "unchecked") return { id: "unknown", level: "unknown", issuer };
    if (worst > harmless) return { id: feed ? "feed" : "good", level: feed ? "unknown" : "good", issuer };
    const late = !feed && ["expired", "not-before", "future"].includes(first.id);
    return { id: late ? "late" : "bad", level: "bad", issuer };
  }

  // Extensions, encryption, nesting, and keys that whoever wrote the token brings
  // along: no verifier takes them.
  const refused = ["crit", "b64", "zip", "enc", "cty", "jwk", "jku", "x5u", "x5c", "x5t", "x5t#S256"];
  // What is in ID tokens of OpenID Connect, and in no access token of ours.
  const ofPeople = ["nonce", "at_hash", "c_hash", "auth_time", "email", "name", "preferred_username"];

  function judgeHeader(reading, here, feed, add) {
    const { header, payload } = reading;
    const alg = text(header, "alg");
    const none = alg?.toLowerCase() === "none";
    if (reading.unsigned || none) add("unsigned", { none, empty: reading.unsigned });
    else if (!algorithms[algorithmName(alg)]) add("foreign-alg", { alg: shown(member(header, "alg")) });
    const brought = refused.filter((name) => member(header, name));
    if (brought.length) add("header-member", { names: brought });
    const type = typeOf(header);
    if (feed || type === "at+jwt") return;
    const person = ofPeople.find((name) => member(payload, name));
    add(person ? "id-token" : "type", { type: shown(member(header, "typ")), claim: person });
  }

  function judgeKey(reading, signature, here, add) {
    const kid = text(reading.header, "kid");
    const alg = text(reading.header, "alg");
    const { state, issuer, owner, jwk } = signature;
    const env = issuer?.env;
    if (!kid || kid.length > 128 || /[^!#-[\]-~]/.test(kid)) return add("no-kid");
    if (owner && issuer && owner !== issuer) add("other-kid", { env, owner: owner.env });
    if (owner && algorithms[algorithmName(alg)] && algorithmName(alg) !== algorithmName(jwk.alg)) add("other-alg", { alg, keyAlg: jwk.alg });
    if (state === "wrong") add("signature", { owner: owner.env });
    if (state === "none" && issuer && !owner) add("kid", { env, kid });
    if (["loading", "no-keys", "insecure", "unsupported"].includes(state)) add("unchecked", { why: state, env, alg: jwk?.alg });
  }

  function judgeClaims(payload, issuer, feed, here, now, add) {
    const iss = text(payload, "iss");
    if (!iss) add("no-issuer");
    else if (!issuer) add("issuer", { iss });
    for (const claim of feed ? wrongFeedClaims(payload) : wrongClaims(payload)) add("claim", claim);
    judgeTimes(payload, now, add);
    if (feed || !issuer) return;
    const env = text(member(payload, "claims"), "env");
    if (env && env !== issuer.env) add("env", { claimed: env, env: issuer.env });
    const aud = text(payload, "aud");
    if (!aud || aud === issuer.audience) return;
    if (here.issuers.some((i) => i.platform && i.audience === aud)) add("admin-audience", { aud });
    else add("audience", { aud, audience: issuer.audience, env: issuer.env });
  }

  // wrongClaims are those that our verifiers refuse, as package accesstoken does:
  // missing, or of another type.
  function wrongClaims(payload) {
    const wrong = [];
    const claims = member(payload, "claims");
    for (const name of ["iss", "aud", "sub", "client_id", "jti", "scope"]) {
      if (!text(payload, name)) wrong.push({ name, found: shown(member(payload, name)), want: "a string that is not empty" });
    }
    wrong.push(...wrongNumbers(payload, ["iat", "exp", "gen", ...(member(payload, "nbf") ? ["nbf"] : [])]));
    if (claims?.kind !== "object") wrong.push({ name: "claims", found: shown(claims), want: "an object with env and merchantId" });
    else if (!text(claims, "env")) wrong.push({ name: "claims.env", found: shown(member(claims, "env")), want: "the name of an environment" });
    const merchant = member(claims, "merchantId");
    const fits = !merchant || text(claims, "merchantId") || whole(claims, "merchantId") >= 1 && whole(claims, "merchantId") <= Number.MAX_SAFE_INTEGER;
    if (!fits) wrong.push({ name: "claims.merchantId", found: shown(merchant), want: "a merchant's number or text" });
    return wrong;
  }

  function wrongFeedClaims(payload) {
    return wrongNumbers(payload, ["iat", "exp", "lineage", "seq", "min_gen"]);
  }

  function wrongNumbers(payload, names) {
    return names.filter((name) => whole(payload, name) === undefined)
      .map((name) => ({ name, found: shown(member(payload, name)), want: "a whole number" }));
  }

  function judgeTimes(payload, now, add) {
    const [exp, nbf, iat] = ["exp", "nbf", "iat"].map((name) => whole(payload, name));
    if (exp <= now) add("expired", { at: exp, recent: now - exp < leeway });
    if (nbf > now + leeway) add("not-before", { at: nbf });
    if (iat > now + leeway) add("future", { at: iat });
    else if (iat > now + 1 || nbf > now + 1) add("ahead", { at: Math.max(iat ?? 0, nbf ?? 0) }); // a second is the rounding of iat
  }

  // shown is a value in a sentence.
  function shown(value) {
    if (!value) return undefined;
    const line = strictJSON.print(value).map((piece) => piece.name ?? piece).join("").replace(/\s+/g, " ");
    return line.length > 60 ? `${line.slice(0, 60)}…` : line;
  }

  return { checkSignature, judge, order };
})();
