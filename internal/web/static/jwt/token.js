// Takes a token apart, and checks its signature with a key that it is given. It
// judges nothing and asks nobody.
const jwtToken = (() => {
  "use strict";
  const names = ["header", "payload", "signature"];
  const longest = 8 << 10; // of an access token, as package jose
  const longestHeader = 512;
  const longestOfAll = 256 << 10; // revocation feeds are longer; beyond this nothing is looked at

  /**
   * Reads what somebody has pasted: {kind, …}. kind is empty, secret (of which nothing
   * is kept), client-id or token. A token has parts [{name, text, bytes, value}], header
   * and payload as values of JSON where they are such, what was left out of the text
   * (removed), and the flaws of its form [{id, …}].
   */
  function read(pasted, prefix) {
    if (isSecret(pasted, prefix)) return { kind: "secret", flaws: [{ id: "secret" }] };
    if (pasted.length > longestOfAll) return { kind: "token", removed: [], parts: [], flaws: [{ id: "long", what: `${longestOfAll} characters` }] };
    const { text, removed } = clean(pasted);
    if (!text) return { kind: "empty", flaws: [] };
    if (new RegExp(`^${prefix}c_[a-z]`).test(text)) return { kind: "client-id", flaws: [{ id: "client-id" }] };
    return readToken(text, removed);
  }

  // isSecret finds the beginning of a client secret anywhere: it may stand in the
  // line of a file.
  function isSecret(text, prefix) {
    return new RegExp(`(?:^|[^\\w-])(?:tw|${prefix})s_[a-z][a-z0-9]{0,15}_`).test(text);
  }

  // What is copied together with a token, and says nothing about it.
  const around = [
    [/^authorization\s*:\s*/i, "", "the name of the header"],
    [/^bearer\s+/i, "", "the word Bearer"],
    [/^(["'`])([^]*)\1$/, "$2", "quotation marks"],
  ];
  const white = /[\s\u200b-\u200d\u2060]+/g;

  /** Leaves out what tokens are copied with; says what. */
  function clean(pasted) {
    const removed = new Set();
    let text = pasted.trim();
    const answer = tokenOfAnswer(text);
    if (answer !== undefined) {
      removed.add("the rest of the answer");
      text = answer;
    }
    for (let before; before !== text;) {
      before = text;
      for (const [pattern, kept, what] of around) {
        const rest = text.replace(pattern, kept);
        if (rest !== text) removed.add(what);
        text = rest.trim();
      }
    }
    const joined = text.replace(white, "");
    if (joined !== text || pasted.trim() !== pasted) removed.add("white space");
    return { text: joined, removed: [...removed] };
  }

  // tokenOfAnswer is the access token of a whole answer of a token endpoint.
  function tokenOfAnswer(text) {
    if (!text.startsWith("{")) return undefined;
    try {
      const token = JSON.parse(text).access_token;
      return typeof token === "string" ? token : undefined;
    } catch {
      return undefined;
    }
  }

  function readToken(text, removed) {
    const flaws = [];
    const pieces = text.split(".");
    const parts = names.map((name, i) => ({ name, text: pieces[i] ?? "" }));
    const [header, payload] = parts;
    for (const part of [header, payload]) readPart(part, pieces.length === 3 ? flaws : []); // else that is flaw enough
    const signature = decode(parts[2].text);
    parts[2].bytes = signature.bytes;
    const unsigned = text.endsWith(".") && pieces.length === 3; // judged by its alg
    if (pieces.length !== 3) {
      flaws.unshift(pieces.length === 5 && member(header.value, "enc") ? { id: "encrypted" } : { id: "parts", count: pieces.length });
    } else if (!signature.strict && !unsigned) {
      flaws.push({ id: "base64", part: "signature" });
    }
    if (header.text.length > longestHeader) flaws.unshift({ id: "long", what: `${longestHeader} characters in its header` });
    if (text.length > longest && typeOf(header.value) !== "revocations+jwt") flaws.unshift({ id: "long", what: `${longest} characters` });
    return { kind: "token", removed, text, parts, header: header.value, payload: payload.value, unsigned, flaws };
  }

  // readPart decodes header or payload, as far as it goes.
  function readPart(part, flaws) {
    const { bytes, strict } = decode(part.text);
    if (!strict) flaws.push({ id: "base64", part: part.name });
    if (!bytes) return;
    try {
      const { value, repeated } = strictJSON.parse(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes));
      if (value.kind !== "object") throw new SyntaxError("it is no object");
      part.value = value;
      if (repeated.length) flaws.push({ id: "repeated", part: part.name, names: repeated });
    } catch (error) {
      if (strict) flaws.push({ id: "json", part: part.name, what: error instanceof SyntaxError ? error.message : "it is not UTF-8" });
    }
  }

  /** Decodes base64url. strict: it is the one accepted spelling (no padding, no + and /, no bits left over). */
  function decode(text) {
    const plain = text.replaceAll("-", "+").replaceAll("_", "/").replace(/={0,2}$/, "");
    if (!/^[A-Za-z0-9+/]+$/.test(plain) || plain.length % 4 === 1) return { strict: false };
    const binary = atob(plain);
    const strict = /^[A-Za-z0-9_-]+$/.test(text) && btoa(binary).replace(/=+$/, "") === plain;
    return { bytes: Uint8Array.from(binary, (c) => c.charCodeAt(0)), strict };
  }

  /** The member of that name of an object; of anything else undefined. */
  function member(object, name) {
    return object?.members?.find((m) => m.name === name)?.value;
  }

  /** The text of a member that is a string; of anything else undefined. */
  function text(object, name) {
    const value = member(object, name);
    return value?.kind === "string" ? value.value : undefined;
  }

  /** A member that is a whole number from 0 on, as a time is; of anything else undefined. */
  function whole(object, name) {
    const value = member(object, name);
    return value?.kind === "number" && /^\d+$/.test(value.text) && BigInt(value.text) < 2n ** 63n ? Number(value.text) : undefined;
  }

  /** typ of a header, as a media type is compared (RFC 7515 4.1.9): in lower case, without application/. */
  function typeOf(header) {
    return text(header, "typ")?.toLowerCase().replace(/^application\/(?=.)/, "");
  }

  // Each algorithm: the form of its keys (RFC 7518 6, RFC 8037 2), and its name for WebCrypto.
  const algorithms = {
    __proto__: null,
    ES256: { kty: "EC", crv: "P-256", members: ["x", "y"], key: { name: "ECDSA", namedCurve: "P-256" }, check: { name: "ECDSA", hash: "SHA-256" } },
    RS256: { kty: "RSA", members: ["n", "e"], key: { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" }, check: "RSASSA-PKCS1-v1_5" },
    PS256: { kty: "RSA", members: ["n", "e"], key: { name: "RSA-PSS", hash: "SHA-256" }, check: { name: "RSA-PSS", saltLength: 32 } },
    EdDSA: { kty: "OKP", crv: "Ed25519", members: ["x"], key: { name: "Ed25519" }, check: "Ed25519" },
  };

  /** The name that our signing keys have for an algorithm: RFC 9864 renames EdDSA to Ed25519. */
  function algorithmName(name) {
    return name === "Ed25519" ? "EdDSA" : name;
  }

  /**
   * Checks the signature of a token in three parts with a public JWK, which has an alg
   * that is known here. Resolves to right, wrong, insecure (the page came without TLS,
   * where browsers have no cryptography) or unsupported (nor has this browser that one).
   */
  async function check(token, jwk, subtle = globalThis.crypto?.subtle) {
    if (!subtle) return "insecure";
    const { kty, crv, members, key, check: how } = algorithms[algorithmName(jwk.alg)];
    const plain = { kty, crv, ...Object.fromEntries(members.map((name) => [name, jwk[name]])) }; // browsers differ about the rest
    let imported;
    try {
      imported = await subtle.importKey("jwk", plain, key, false, ["verify"]);
    } catch {
      return "unsupported";
    }
    const signed = new TextEncoder().encode(token.text.slice(0, token.text.lastIndexOf(".")));
    return await subtle.verify(how, imported, token.parts[2].bytes, signed) ? "right" : "wrong";
  }

  return { read, check, member, text, whole, typeOf, algorithms, algorithmName };
})();
