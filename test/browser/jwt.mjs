import { createHmac, generateKeyPairSync, sign } from "node:crypto";
import { test, assert, open, look, fits, axe, tabTo, press, button, base, narrow } from "./lib.mjs";

const tokens = JSON.parse(process.env.TOKENS); // by environment
const { SECRET: secret, ELSEWHERE: elsewhere } = process.env;
const good = tokens.demo;

const field = (page) => page.getByLabel("Access token");
const verdict = (page) => page.locator("#jwt-verdict");
const problems = (page) => page.locator("#jwt-problems > li").evaluateAll((items) => items.map((item) => item.dataset.problem));

async function debug(t, options) {
  const page = await open(t, options);
  await page.goto("/docs/jwt");
  await keysFetched(page);
  return page;
}
const keysFetched = (page) => page.getByText("The signing keys of this server were fetched at").waitFor();

/** Puts a text into the field, and waits for a verdict. */
async function paste(page, text, expected) {
  await field(page).fill(text);
  await verdict(page).filter({ hasText: expected }).waitFor();
}

const encode = (value) => Buffer.from(typeof value === "string" ? value : JSON.stringify(value)).toString("base64url");
const decode = (token, n) => JSON.parse(Buffer.from(token.split(".")[n], "base64url"));
const header = decode(good, 0);
const claims = decode(good, 1);
/** A token with another payload or header, and the signature of the one that was. */
const altered = (changes, inHeader = {}) => [encode({ ...header, ...inHeader }), encode({ ...claims, ...changes }), good.split(".")[2]].join(".");

const stranger = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
function signedByStranger(inHeader, inPayload) {
  const signed = `${encode(inHeader)}.${encode(inPayload)}`;
  return `${signed}.${sign("sha256", Buffer.from(signed), { key: stranger, dsaEncoding: "ieee-p1363" }).toString("base64url")}`;
}

// C-502
test("it verifies a token of every algorithm, and says whose it is", async (t) => {
  const page = await debug(t);
  for (const [env, bytes] of Object.entries({ demo: 64, production: 256, staging: 256, sandbox: 64 })) {
    await paste(page, tokens[env], /^A good access token of merchant 4259 in /);
    assert.match(await verdict(page).textContent(), new RegExp(`^A good access token of merchant 4259 in ${env}, for (59|58) more minutes\\.$`));
    assert.match(await page.locator("#jwt-signature").textContent(), new RegExp(`Right: made with the signing key \\S+ of ${env}.*${bytes} bytes`));
    assert.deepEqual(await problems(page), []);
  }
  await paste(page, tokens.platform, /^A good access token of an operator key, for /);
  assert.deepEqual(await problems(page), []);
  assert.ok(await page.getByRole("link", { name: "introspection" }).first().isVisible());
});

// C-501
test("it shows the parts, and every claim in words, in the zone of the reader", async (t) => {
  const page = await debug(t, { timezoneId: "Asia/Tokyo" });
  await paste(page, `Bearer ${good.slice(0, 40)}\n  ${good.slice(40)}\n`, "A good access token");
  assert.equal(await page.locator("#jwt-removed").textContent(), "Left out: the word Bearer, white space.");
  assert.deepEqual(JSON.parse(await page.locator("#jwt-header-json").textContent()), header);
  assert.deepEqual(JSON.parse(await page.locator("#jwt-payload-json").textContent()), claims);
  const row = (name) => page.getByRole("row").filter({ has: page.getByRole("rowheader", { name, exact: true }) });
  const when = new Date(claims.exp * 1000).toLocaleTimeString("en-GB", { timeZone: "Asia/Tokyo" });
  assert.match(await row("exp").textContent(), new RegExp(`Expires in 5\\d minutes: .* ${when} .*\\. It lives 1 hour in all\\.`));
  assert.match(await row("claims.merchantId").textContent(), /4259.*Merchant 4259/);
  assert.match(await row("scope").textContent(), /customers:read.*What it may do: read customers, write customers\./);
  assert.match(await row("gen").textContent(), /The generation of the API key/);
  assert.match(await row("aud").textContent(), /For the API of demo/);
  await paste(page, altered({ groups: ["x"], strange: 1 }), "signature is wrong");
  assert.match(await row("strange unknown").textContent(), /Unknown here/);
});

// C-501
test("it names what is wrong, and what to do", async (t) => {
  const page = await debug(t);
  const feed = await (await fetch(`${base}/demo/oauth/revocations`)).text();
  const [h, p, s] = good.split(".");
  for (const [what, token, expected, named] of [
    ["altered", altered({ claims: { env: "demo", merchantId: 4260 } }), "Not to be accepted: its signature is wrong.", ["signature"]],
    ["of another server", signedByStranger({ ...header, kid: "other" }, { ...claims, iss: "https://auth.example.org/demo" }), "Not to be accepted: its issuer is none of this server's: https://auth.example.org/demo.", ["issuer"]],
    ["by an unknown key", signedByStranger({ ...header, kid: "other" }, claims), "Not to be accepted: its signing key is none that demo publishes.", ["kid"]],
    ["by a stranger, under our key ID", signedByStranger(header, claims), "Not to be accepted: its signature is wrong.", ["signature"]],
    ["unsigned", `${encode({ ...header, alg: "none" })}.${p}.`, "Not to be accepted: it is not signed: its alg is none.", ["unsigned"]],
    ["HS256", `${encode({ ...header, alg: "HS256" })}.${p}.${createHmac("sha256", "key").update("x").digest("base64url")}`, "Not to be accepted: its algorithm, \"HS256\", is not one of this server's.", ["foreign-alg"]],
    ["of the wrong algorithm", altered({}, { alg: "RS256" }), "Not to be accepted: its algorithm is RS256, but its signing key is for ES256.", ["other-alg"]],
    ["of the wrong type", altered({}, { typ: "JWT" }), "Not to be accepted: its signature is wrong.", ["signature", "type"]],
    ["an ID token", signedByStranger({ alg: "ES256", kid: "1", typ: "JWT" }, { iss: "https://accounts.example.com", aud: "app", nonce: "n", email: "ada@example.com", iat: claims.iat, exp: claims.exp }), "Not to be accepted: it looks like an ID token", ["id-token", "issuer"]],
    ["of another environment's key", signedByStranger({ ...header, kid: decode(tokens.production, 0).kid, alg: "RS256" }, claims), "Not to be accepted: its signature is wrong.", ["signature", "other-kid"]],
    ["with a member twice", `${h}.${encode(`{"sub":"x",${JSON.stringify(claims).slice(1)}`)}.${s}`, "Not to be accepted: its payload has a member twice: sub.", ["repeated", "signature"]],
    ["of two parts", `${h}.${p}`, "Not to be accepted: it has 2 of the three parts that dots divide.", ["parts"]],
    ["not base64url", `${h}.${p}.${s}=`, "Not to be accepted: its signature is not base64url.", ["base64"]],
    ["not JSON", `${h}.${encode("hello")}.${s}`, "Not an access token: its payload is not a JSON object.", ["json"]],
    ["no token", "hello", "Not an access token: it has 1 of the three parts", ["parts"]],
    ["a client ID", claims.client_id, "This is a client ID, not an access token.", ["client-id"]],
    ["a revocation feed", feed, "A revocation feed of demo, not an access token. Its signature is right.", []],
  ]) {
    await paste(page, token, expected);
    assert.deepEqual((await problems(page)).filter((id) => id !== "claim"), named, what);
  }
  const unsigned = encode({ ...header, alg: "none" });
  for (const [signature, answer] of [["", "Malformed token."], [s, "Token not signed by a key of the issuer."]]) { // as our verifiers do
    await paste(page, `${unsigned}.${p}.${signature}`, "Not to be accepted: it is not signed: its alg is none.");
    assert.match(await page.locator("#jwt-problems").textContent(), new RegExp(`An API answers ${answer}`));
  }
  await paste(page, altered({ claims: { env: "production", merchantId: 1 }, aud: "https://other.example.com" }), "Not to be accepted");
  assert.deepEqual(await problems(page), ["signature", "env", "audience"]);
  assert.match(await page.locator("[data-problem=audience]").textContent(), /Its audience is https:\/\/other\.example\.com; the API of demo is http:\/\/localhost:\d+\/demo\/api/);
});

// C-500
test("nothing leaves the browser, and nothing stays", async (t) => {
  const page = await debug(t);
  await page.waitForLoadState("networkidle");
  const requests = [];
  page.context().on("request", (request) => requests.push(request.url()));
  const before = await page.evaluate(() => [location.href, history.length]);
  for (const [text, expected] of [
    [good, "A good access token"], [altered({ iss: `${base}/elsewhere` }), "Not to be accepted"], [altered({}, { jku: `${base}/keys`, kid: "other" }), "Not to be accepted"], [secret, "This is a client secret"],
  ]) await paste(page, text, expected);
  assert.equal(await field(page).inputValue(), "");
  assert.ok(!(await page.content()).includes(secret.slice(-20)), "the secret is still on the page");
  await page.locator("[data-problem=secret]").getByText("It was taken off this page at once").waitFor();
  await paste(page, good, "A good access token");
  assert.deepEqual(await page.evaluate(() => [location.href, history.length]), before);
  assert.deepEqual(await page.evaluate(async () => [localStorage.length, sessionStorage.length, document.cookie, (await indexedDB.databases()).length, (await caches.keys()).length]), [0, 0, "", 0, 0]);
  assert.deepEqual(requests, []);

  await page.evaluate(() => dispatchEvent(new PageTransitionEvent("pagehide")));
  assert.equal(await field(page).inputValue(), "");
  await page.getByText("Paste an access token, and what it says appears here.").waitFor();
  assert.ok(!(await page.content()).includes(claims.jti));
  await paste(page, good, "A good access token");
  await page.goto("/docs");
  await page.goBack();
  await keysFetched(page);
  assert.equal(await field(page).inputValue(), "");
});

// C-501
test("while one looks time goes on, and the verdict is read out when it is another", async (t) => {
  const page = await open(t);
  await page.clock.install();
  await page.goto("/docs/jwt");
  await keysFetched(page);
  await paste(page, good, "A good access token");
  await page.evaluate(() => {
    window.said = 0; // aria-relevant="additions": what is added is read out
    new MutationObserver((list) => { window.said += list.reduce((n, { addedNodes }) => n + addedNodes.length, 0); }).observe(document.getElementById("jwt-verdict"), { childList: true, subtree: true });
  });
  await page.clock.fastForward("30:00");
  await verdict(page).filter({ hasText: /for 2\d more minutes\.$/ }).waitFor();
  assert.equal(await page.evaluate(() => window.said), 0);
  await page.clock.fastForward("42:00");
  await verdict(page).filter({ hasText: /^An access token of merchant 4259 in demo that expired 1\d minutes ago\.$/ }).waitFor();
  assert.deepEqual(await problems(page), ["expired"]);
  assert.ok(await page.evaluate(() => window.said) > 0);
  await page.clock.fastForward("05:00");
  await page.locator("[data-problem=expired]").filter({ hasText: /It expired 1[5-9] minutes ago/ }).waitFor();
  await page.clock.setSystemTime((claims.iat - 600) * 1000); // a slow clock
  await page.clock.runFor(1000);
  await verdict(page).filter({ hasText: "that is not valid yet" }).waitFor();
  assert.deepEqual(await problems(page), ["future"]);
});

// C-502
test("without signing keys it says so, and fetches them when told to", async (t) => {
  const page = await open(t, { allowed: /Failed to load resource/ });
  await page.route("**/oauth/jwks", (route) => route.abort());
  await page.goto("/docs/jwt");
  await page.getByText("The signing keys of demo, production, sandbox, staging, platform could not be fetched.").waitFor();
  await paste(page, good, "It cannot be told whether this is a good access token");
  assert.deepEqual(await problems(page), ["unchecked"]);
  await page.unroute("**/oauth/jwks");
  const requests = [];
  page.context().on("request", (request) => requests.push(`${request.method()} ${request.url()} ${request.postData()}`));
  await button(page, "Fetch the signing keys again").click();
  await verdict(page).filter({ hasText: "A good access token" }).waitFor();
  await keysFetched(page);
  const issuers = [...["demo", "platform", "production", "staging"].map((env) => `${base}/${env}`), base.replace("localhost", "sandbox.localhost")];
  assert.deepEqual(requests.sort(), issuers.map((issuer) => `GET ${issuer}/oauth/jwks null`).sort());
});

// C-503
test("it is used by keyboard alone", async (t) => {
  const page = await debug(t, { permissions: ["clipboard-read", "clipboard-write"] });
  await page.evaluate((token) => navigator.clipboard.writeText(token), good);
  await press(page, field(page), "Control+V");
  await verdict(page).filter({ hasText: "A good access token" }).waitFor();
  await press(page, button(page, "Copy the payload"));
  await page.getByRole("status").filter({ hasText: /^Copied$/ }).waitFor({ state: "attached" });
  assert.deepEqual(JSON.parse(await page.evaluate(() => navigator.clipboard.readText())), claims);
  await press(page, page.getByText("Signing keys of this server"));
  assert.ok(await page.getByText(`${base}/platform`, { exact: true }).isVisible());
  await tabTo(page, button(page, "Clear"), "Shift+Tab");
  await page.keyboard.press("Enter");
  assert.ok(await field(page).evaluate((element) => element === document.activeElement && element.value === ""));
  assert.ok(!await page.locator("#jwt-header").isVisible());
});

// C-503
test("it is for everybody: both themes, narrow and wide, and without script", async (t) => {
  const page = await debug(t, { allowed: /./ });
  await paste(page, good, "A good access token");
  await look(page, "jwt-good");
  const [painted, typed] = await page.evaluate(() => ["jwt-paint", "jwt-token"].map((id) => document.getElementById(id)).map((e) => [e.getBoundingClientRect().height, e.scrollHeight, e.clientWidth]));
  assert.deepEqual(painted, typed, "the colours are not under the text");
  await paste(page, altered({ claims: { env: "production", merchantId: 1 }, aud: "https://other.example.com", strange: { deep: ["\u202e"] } }, { typ: "JWT", jku: "https://example.com" }), "Not to be accepted");
  await look(page, "jwt-bad");
  await page.setViewportSize({ width: 320, height: 640 });
  await page.emulateMedia({ forcedColors: "active" });
  await fits(page);
  await axe(page);
  const plain = await open(t, { script: false, size: narrow });
  await plain.goto("/docs/jwt");
  assert.ok(!await field(plain).isVisible());
  await plain.getByRole("link", { name: "on your own machine", exact: true }).click();
  assert.ok(await plain.getByText("tokenwright token get | tokenwright token verify").isVisible());
});

// C-504
test("a debugger elsewhere reads what it needs to verify a token, and cannot ask for one", async (t) => {
  const page = await open(t, { allowed: /CORS policy|Failed to load resource/, baseURL: elsewhere });
  await page.goto("/");
  const verified = (token) => page.evaluate(async (text) => {
    const [h, p, s] = text.split(".");
    const bytes = (part) => Uint8Array.from(atob(part.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));
    const { iss } = JSON.parse(new TextDecoder().decode(bytes(p)));
    const { kid } = JSON.parse(new TextDecoder().decode(bytes(h)));
    const metadata = await (await fetch(`${iss}/.well-known/openid-configuration`)).json();
    const { keys } = await (await fetch(metadata.jwks_uri)).json();
    const key = await crypto.subtle.importKey("jwk", keys.find((key) => key.kid === kid), { name: "ECDSA", namedCurve: "P-256" }, false, ["verify"]);
    return [iss, metadata.issuer, await crypto.subtle.verify({ name: "ECDSA", hash: "SHA-256" }, key, bytes(s), new TextEncoder().encode(`${h}.${p}`))];
  }, token);
  for (const token of [good, tokens.platform]) {
    const { iss } = decode(token, 1);
    assert.deepEqual(await verified(token), [iss, iss, true]);
  }
  assert.equal((await verified(altered({ sub: "x" })))[2], false);
  for (const type of ["application/x-www-form-urlencoded", "application/json"]) {
    const refused = page.evaluate(([url, type]) => fetch(url, { method: "POST", headers: { "Content-Type": type }, body: "grant_type=client_credentials" }), [`${base}/demo/oauth/token`, type]);
    await assert.rejects(refused, /Failed to fetch/, type);
  }
  for (const method of ["POST", "OPTIONS"]) {
    const answer = await fetch(`${base}/demo/oauth/token`, { method, headers: { Origin: elsewhere, "Access-Control-Request-Method": "POST" } });
    assert.deepEqual([...answer.headers.keys()].filter((name) => name.startsWith("access-control-")), []);
  }
});
