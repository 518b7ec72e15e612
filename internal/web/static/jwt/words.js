// Says in words what each claim means for the token that has it. A meaning is a list
// of pieces: text, {at: a time in seconds}, {since: the same, as a distance from now,
// verbs: for what lies ahead and for what is over}. Whose server it is, it is told
// (here, as in judge.js).
const jwtWords = (() => {
  "use strict";
  const { member, text, whole, typeOf, algorithmName } = jwtToken;

  /** Lists what header or payload says: {name, value, meaning, known}, members of claims one by one. */
  function rows(part, reading, signature, here) {
    const object = part === "header" ? reading.header : reading.payload;
    const words = part === "header" ? ofHeader : typeOf(reading.header) === "revocations+jwt" ? ofFeed : ofPayload;
    const facts = { object, reading, here, ...signature };
    const all = [];
    for (const { name, value } of object?.members ?? []) {
      if (part === "payload" && name === "claims" && value.kind === "object") {
        for (const inner of value.members) all.push(row(`claims.${inner.name}`, inner.value, words, facts));
      } else {
        all.push(row(name, value, words, facts));
      }
    }
    return all;
  }

  function row(name, value, words, facts) {
    const say = words[name];
    const meaning = say?.(facts, value);
    const known = say !== undefined;
    return { name, value, known, meaning: meaning ?? (known ? ["Not of the form that it should have."] : unknown(name)) };
  }

  // What tokens of others often have.
  const foreign = {
    __proto__: null,
    azp: "the client that an ID token was issued to", nonce: "what ties an ID token to its request", auth_time: "when a person signed in", at_hash: "a hash of the access token beside an ID token",
    email: "an e-mail address", name: "the name of a person", roles: "roles", groups: "groups", tid: "a tenant of Microsoft Entra", scp: "scopes, in other servers' tokens", amr: "how a person signed in",
    acr: "how well a person signed in", cnf: "a key that the token is bound to", act: "who acts for somebody", sid: "a session",
  };

  function unknown(name) {
    return foreign[name] ? [`Elsewhere: ${foreign[name]}. Tokens of this server do not have it.`] : ["Unknown here. Tokens of this server do not have it; verifiers ignore it."];
  }

  const algorithmWords = {
    __proto__: null,
    ES256: "Signed by ECDSA on the curve P-256, with SHA-256.", RS256: "Signed by RSA (PKCS #1 v1.5), with SHA-256.", PS256: "Signed by RSA (PSS), with SHA-256.", EdDSA: "Signed by EdDSA on the curve Ed25519.",
    none: "Not signed at all.",
  };

  const ofHeader = {
    __proto__: null,
    alg: ({ object }) => [algorithmWords[algorithmName(text(object, "alg"))] ?? "Not an algorithm that tokens of this server have."],
    kid({ issuer, owner, state }) {
      if (owner) return [`The signing key: one of ${owner.env}'s, published in its JWKS.`];
      return [state === "none" && issuer ? `The signing key: none that ${issuer.env} publishes.` : "The signing key: not one that is known here."];
    },
    typ({ object }) {
      const type = typeOf(object);
      if (type === "at+jwt") return ["An access token, and no other kind of JWT (RFC 9068)."];
      return [type === "revocations+jwt" ? "A revocation feed." : "Not an access token's: that is at+jwt."];
    },
  };

  const time = (name, say) => ({ object }) => {
    const at = whole(object, name);
    return at === undefined ? undefined : say(at, object);
  };

  const ofPayload = {
    __proto__: null,
    iss: ({ issuer }) => [issuer ? ofIssuer(issuer) : "None of this server's issuers."],
    aud({ object, issuer, here }) {
      const aud = text(object, "aud");
      const owner = here.issuers.find((i) => i.audience === aud);
      if (aud === undefined) return undefined;
      if (!owner) return [issuer ? "For an API that this server does not describe. No other accepts it." : "The API that the token is for."];
      return [owner.platform ? "For the admin API of this server. No other accepts it." : `For the API of ${owner.env}. No other accepts it.`];
    },
    sub: ({ object }) => [text(object, "sub") === text(object, "client_id") ? "The API key: the same as client_id." : "Whom the token is about: not the API key of client_id."],
    client_id({ object, here }) {
      const found = new RegExp(`^${here.prefix}c_([a-z][a-z0-9]{0,15})_[0-9A-Za-z]{22}$`).exec(text(object, "client_id") ?? "");
      return [found ? `The API key that the token was issued to, of ${found[1]}.` : "Not a client ID of this server's form."];
    },
    iat: time("iat", (at) => [{ since: at, verbs: ["Issued", "Issued"] }, ": ", { at }, "."]),
    exp: time("exp", (at, object) => {
      const iat = whole(object, "iat");
      return [{ since: at, verbs: ["Expires", "Expired"] }, ": ", { at }, at > iat ? `. It lives ${span(at - iat)} in all.` : "."];
    }),
    nbf: time("nbf", (at) => [{ since: at, verbs: ["Becomes valid", "Became valid"] }, ": ", { at }, "."]),
    jti: ({ object }) => text(object, "jti") && ["The ID of this one token, by which it alone can be revoked."],
    gen: time("gen", (at) => ["The generation of the API key, of ", { at }, ": when it was made, or its tokens were last revoked. Once the key has a later one, this token is dead."]),
    scope: ({ object }) => text(object, "scope") && [`What it may do: ${text(object, "scope").split(" ").map(inWords).join(", ")}.`],
    "claims.env": (_, { value }) => value && [`The environment ${value}.`],
    "claims.merchantId": ({ object }) => merchantOf(object) && [`Merchant ${merchantOf(object)}: the API gives the data of this one and of no other.`],
  };

  const ofFeed = {
    __proto__: null,
    iss: ({ issuer }) => [issuer ? `It lists what is revoked of ${issuer.env}.` : "None of this server's issuers."],
    iat: time("iat", (at) => ["Complete up to ", { at }, "."]),
    exp: time("exp", (at) => [{ since: at, verbs: ["Expires", "Expired"] }, ": ", { at }, ". Not to be taken after that."]),
    lineage: () => ["Rises when the database is restored."],
    seq: () => ["Its place among the feeds of its lineage."],
    after: () => ["It lists only what is newer than this seq."],
    min_gen: time("min_gen", (at) => (at ? ["Tokens of a generation before ", { at }, " are dead."] : ["No generation is dead altogether."])),
    cutoffs: (_, value) => [count(value, "API key has", "API keys have"), " a new generation: older tokens of these are dead."],
    tokens: (_, value) => [count(value, "single token is", "single tokens are"), " dead."],
    signing_keys: (_, value) => [count(value, "signing key is", "signing keys are"), " revoked, with all that it has signed."],
  };

  function count(value, one, many) {
    const n = value.items?.length ?? 0;
    return `${n || "No"} ${n === 1 || !n ? one : many}`;
  }

  function ofIssuer(issuer) {
    return issuer.platform ? "Issued by this server's platform, for operator keys." : `Issued by the environment ${issuer.env} of this server.`;
  }

  // inWords says a scope: collection:level.
  function inWords(scope) {
    const [collection, level] = scope.split(":");
    return level ? `${level} ${collection}` : scope;
  }

  /** The merchant of a payload as text; undefined where there is none. */
  function merchantOf(payload) {
    const value = member(member(payload, "claims"), "merchantId");
    return value?.kind === "string" ? value.value : value?.kind === "number" ? value.text : undefined;
  }

  const units = [["year", 31557600], ["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];

  /** A span of seconds in words: at most two units, and those below a minute only alone. */
  function span(seconds) {
    const rest = Math.floor(Math.abs(seconds));
    const at = Math.max(0, units.findIndex(([, length]) => rest >= length));
    if (!rest) return "0 seconds";
    const [[unit, length], next] = [units[at], units[at + 1]];
    const words = [plural(Math.floor(rest / length), unit)];
    const more = next && unit !== "minute" ? Math.floor(rest % length / next[1]) : 0;
    if (more) words.push(plural(more, next[0]));
    return words.join(" ");
  }

  function plural(n, unit) {
    return `${n.toLocaleString("en-GB")} ${unit}${n === 1 ? "" : "s"}`;
  }

  /** How far a time is from now: "in 47 minutes", "12 minutes ago". */
  function since(at, now) {
    const seconds = Math.trunc(at - now);
    if (seconds === 0) return "now";
    return seconds > 0 ? `in ${span(seconds)}` : `${span(seconds)} ago`;
  }

  const long = new Intl.DateTimeFormat("en-GB", { weekday: "short", day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit", second: "2-digit", timeZoneName: "short" });

  /** A time in the reader's zone. */
  function local(at) {
    const when = new Date(at * 1000);
    return Number.isNaN(when.getTime()) ? "a time that no calendar has" : long.format(when);
  }

  return { rows, since, span, local, merchantOf };
})();
