// The parts of the JWT debugger that are no page, in Node.
import { readFileSync } from "node:fs";
import vm from "node:vm";
import { test, assert } from "./lib.mjs";

const parts = ["json", "token", "judge", "words"].map((name) => readFileSync(`${process.env.PARTS}/${name}.js`, "utf8")).join("");
const { strictJSON, jwtToken, jwtJudge, jwtWords } = vm.runInThisContext(`${parts}; ({ strictJSON, jwtToken, jwtJudge, jwtWords })`);
const issuer = JSON.parse(process.env.ISSUER);
const here = { prefix: "tw", issuers: [issuer] };
const judged = JSON.parse(process.env.JUDGED);
const good = judged.find(({ Name }) => Name === "good").Token;

async function judge(pasted, { at = Date.now() / 1000, of = here, subtle } = {}) {
  const reading = jwtToken.read(pasted, of.prefix);
  const signature = await jwtJudge.checkSignature(reading, of, subtle);
  return { reading, signature, ...jwtJudge.judge(reading, signature, of, at) };
}
const ids = ({ problems }) => problems.map(({ id, why }) => (why ? `${id}-${why}` : id));

// C-501
test("it accepts what a verifier accepts, and nothing else", async () => {
  for (const { Name, Token, Accepted, Because } of judged) {
    const { verdict, problems } = await judge(Token);
    assert.equal(verdict.level === "good", Accepted, `a token ${Name}: ${JSON.stringify({ verdict, problems })}; the verifier: ${Because}`);
    for (const { id } of problems) assert.ok(jwtJudge.order.includes(id), `${id} has no rank`);
  }
});

// C-501
test("the worst problem is named first", async () => {
  const of = async (name) => ids(await judge(judged.find(({ Name }) => Name === name).Token));
  assert.deepEqual(await of("unsigned"), ["unsigned"]);
  assert.deepEqual(await of("altered"), ["signature"]);
  assert.deepEqual(await of("of another type"), ["type"]);
  assert.deepEqual(await of("of another algorithm"), ["foreign-alg"]);
  assert.deepEqual(await of("expired"), ["expired"]);
  assert.deepEqual(await of("of an unknown key ID"), ["kid"]);
  assert.deepEqual(await of("of another environment"), ["signature", "issuer"]);
  assert.deepEqual(await of("for another audience"), ["audience"]);
  assert.deepEqual(await of("of another environment in claims"), ["env"]);
  assert.deepEqual(await of("payload with twice"), ["repeated"]);
  assert.deepEqual(await of("without exp"), ["claim"]);
  assert.deepEqual(await of("no token at all"), ["parts"]);
});

// C-501
test("time decides, with the leeway of verifiers", async () => {
  const { exp, iat } = JSON.parse(Buffer.from(good.split(".")[1], "base64url"));
  assert.equal((await judge(good, { at: exp - 1 })).verdict.id, "good");
  assert.deepEqual(ids(await judge(good, { at: exp })), ["expired"]);
  assert.ok((await judge(good, { at: exp + 59 })).problems[0].recent);
  assert.ok(!(await judge(good, { at: exp + 61 })).problems[0].recent);
  const ahead = await judge(good, { at: iat - 59 });
  assert.deepEqual([ahead.verdict.id, ...ids(ahead)], ["good", "ahead"]);
  const future = await judge(good, { at: iat - 61 });
  assert.deepEqual([future.verdict.id, ...ids(future)], ["late", "future"]);
});

// C-500
test("of a secret nothing is kept, wherever it stands", async () => {
  const secret = `tws_demo_${"a".repeat(49)}`;
  for (const text of [secret, ` ${secret}\n`, `export TOKENWRIGHT_CLIENT_SECRET='${secret}'`, `{"client_secret":"${secret}"}`, "tws_demo_abc", `Bearer ${secret}`]) {
    const { reading, problems } = await judge(text);
    assert.deepEqual([reading.kind, ...problems.map(({ id }) => id)], ["secret", "secret"], text);
    assert.ok(!JSON.stringify(reading).includes("aaa"));
  }
  assert.equal(jwtToken.read(`acmes_demo_${"a".repeat(49)}`, "acme").kind, "secret");
  assert.equal(jwtToken.read(`${good.slice(0, -20)}tws_demo_${"a".repeat(11)}`, "tw").kind, "token"); // within a word
  assert.equal(jwtToken.read("twc_demo_0123456789abcdefghijkl", "tw").kind, "client-id");
});

// C-501
test("what tokens are copied with is left out, and said", async () => {
  for (const [text, removed] of [
    [good, []],
    [`  ${good}\n`, ["white space"]],
    [`Bearer ${good}`, ["the word Bearer"]],
    [`authorization: bearer ${good}`, ["the name of the header", "the word Bearer"]],
    [`"Authorization: Bearer ${good}"`, ["quotation marks", "the name of the header", "the word Bearer"]],
    [good.replaceAll(".", "\u200b.\r\n  "), ["white space"]],
    [JSON.stringify({ access_token: good, expires_in: 3600 }), ["the rest of the answer"]],
  ]) {
    const { reading, verdict } = await judge(text);
    assert.deepEqual([verdict.id, new Set(reading.removed)], ["good", new Set(removed)], text);
  }
  assert.equal((await judge(" \n ")).verdict.id, "empty");
});

// C-502
test("it says why a signature was not checked", async () => {
  const unknown = { ...here, issuers: [{ ...issuer, keys: undefined }] };
  assert.deepEqual(ids(await judge(good, { of: unknown })), ["unchecked-no-keys"]);
  unknown.issuers[0].loading = true;
  const { verdict, problems } = await judge(good, { of: unknown });
  assert.deepEqual([verdict.id, ...ids({ problems })], ["unknown", "unchecked-loading"]);
  const refusing = { importKey: () => Promise.reject(new DOMException("no", "NotSupportedError")) };
  assert.deepEqual(ids(await judge(good, { subtle: refusing })), ["unchecked-unsupported"]);
  assert.deepEqual(ids(await judge(good, { subtle: null })), ["unchecked-insecure"]);
  const other = { ...issuer, env: "production", issuer: "https://auth.example.com/production" };
  assert.deepEqual(ids(await judge(good, { of: { ...here, issuers: [other, { ...issuer, keys: [] }] } })), ["other-kid"]);
});

// C-501
test("JSON is shown as it was written, and nothing in it is invisible", () => {
  const text = '{"a":9007199254740993,"b":[],"a":{"c":[1.0,-0,true,null,"é\\u202e\\u0000"]}}';
  const { value, repeated } = strictJSON.parse(text);
  const lines = strictJSON.print(value).map((piece) => piece.name ?? piece).join("");
  assert.equal(lines, '{\n  "a": 9007199254740993,\n  "b": [],\n  "a": {\n    "c": [\n      1.0,\n      -0,\n      true,\n      null,\n      "é\\u202e\\u0000"\n    ]\n  }\n}');
  assert.deepEqual(repeated, ["a"]);
  for (const [bad, message] of [['{"a":1', /a comma or } is missing, at character 7/], ["", /a value is missing, at character 1/], ['{"a" 1}', /colon/], ["{'a':1}", /name of a member/], ["[1,]", /a value is missing/], ['"\n"', /string/], ['"\\x"', /string/], [`["${"\\\\a".repeat(50_000)}`, /string has no end/]]) {
    assert.throws(() => strictJSON.parse(bad), message);
  }
});

// C-501
test("times are said in words", () => {
  for (const [seconds, words] of [[0, "now"], [1, "in 1 second"], [-59, "59 seconds ago"], [60, "in 1 minute"], [47 * 60 + 59, "in 47 minutes"], [-3600, "1 hour ago"], [3660, "in 1 hour 1 minute"], [-90000, "1 day 1 hour ago"], [10 ** 12, "in 31,688 years 32 days"]]) {
    assert.equal(jwtWords.since(1764000000 + seconds, 1764000000), words);
  }
  assert.equal(jwtWords.local(2 ** 60), "a time that no calendar has");
});

// C-501
test("every claim is explained, for the token that has it", async () => {
  const said = (part, { reading, signature }) => Object.fromEntries(jwtWords.rows(part, reading, signature, here).map(({ name, meaning, known }) => [name, [known, meaning.map((piece) => (typeof piece === "string" ? piece : piece.verbs?.[0] ?? "AT")).join("")]]));
  const payload = said("payload", await judge(good));
  assert.deepEqual(Object.keys(payload), ["iss", "aud", "sub", "client_id", "iat", "exp", "jti", "gen", "scope", "claims.env", "claims.merchantId"]);
  for (const [name, [known, meaning]] of Object.entries(payload)) assert.ok(known && meaning.length > 10 && !/undefined|Unknown|Not of the form/.test(meaning), `${name}: ${meaning}`);
  assert.equal(payload.exp[1], "Expires: AT. It lives 1 hour in all.");
  assert.equal(payload["claims.merchantId"][1], "Merchant 4259: the API gives the data of this one and of no other.");
  assert.equal(payload.scope[1], "What it may do: read customers.");
  assert.equal(said("header", await judge(good)).kid[1], "The signing key: one of demo's, published in its JWKS.");
  const odd = said("payload", await judge(judged.find(({ Name }) => Name === "with a claim that nobody knows").Token));
  assert.deepEqual(odd.other, [false, "Unknown here. Tokens of this server do not have it; verifiers ignore it."]);
  const broken = said("payload", await judge(judged.find(({ Name }) => Name === "exp: true").Token));
  assert.deepEqual(broken.exp, [true, "Not of the form that it should have."]);
});
