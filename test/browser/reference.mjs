import { test, assert, open, look, fits, shot, tabTo, press, button, copied, narrow, wide } from "./lib.mjs";

const { ID: id, SECRET: secret, SESSION: session, BASE_URL: base } = process.env;
const reference = "/docs/reference/access-tokens";
const payload = (jwt) => JSON.parse(Buffer.from(jwt.split(".")[1], "base64url"));

async function type(page, label, text) {
  await tabTo(page, page.getByLabel(label));
  await page.keyboard.type(text);
}

/** What the page has sent to token endpoints: addresses, and whether they had the secret. */
function sent(page) {
  const list = [];
  page.on("request", (request) => {
    if (request.url().includes(secret)) list.push("the secret is in an address");
    if (request.method() !== "GET") list.push(`${request.method()} ${new URL(request.url()).pathname} ${request.postData().includes(secret)}`);
  });
  return list;
}

/** Everything that the browser keeps for the page, as text. */
const kept = (page) => page.evaluate(async () => {
  const all = [JSON.stringify(localStorage), JSON.stringify(sessionStorage), document.cookie];
  const read = (request) => new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
  for (const { name } of await indexedDB.databases()) {
    const database = await read(indexedDB.open(name));
    for (const store of database.objectStoreNames) all.push(JSON.stringify(await read(database.transaction(store).objectStore(store).getAll())));
    database.close();
  }
  return all.join("\n");
});

// C-507
test("the form of the reference gets a token, by keyboard", async (t) => {
  const page = await open(t, { permissions: ["clipboard-read", "clipboard-write"] });
  const requests = sent(page);
  await page.goto(reference);
  await type(page, "Client ID", id);
  await type(page, "Client secret", secret);
  await press(page, button(page, "Send request"));
  await page.getByRole("heading", { name: "An access token", exact: true }).waitFor();
  const token = await page.locator("#try-token").textContent();
  assert.deepEqual([payload(token).client_id, payload(token).claims], [id, { env: "demo", merchantId: 4259 }]);
  assert.match(await page.locator("#try-head").textContent(), /^200 OK\nX-Request-Id: [\w-]{22}\n$/);
  assert.deepEqual(JSON.parse(await page.locator("#try-answer").textContent()), { access_token: token, expires_in: 3600, token_type: "bearer", scope: "customers:read customers:write" });
  const [head, body] = (await page.locator("#try-request").textContent()).split("\n\n");
  assert.equal(head, `POST /oauth/token HTTP/1.1\nHost: ${new URL(base).host}\nContent-Type: application/json`);
  assert.deepEqual(JSON.parse(body), { grant_type: "client_credentials", client_id: id, client_secret: "********" });
  assert.equal(await page.getByLabel("Client secret").inputValue(), "", "the secret is still there");
  await press(page, button(page, "Copy the token"), "Space");
  assert.equal(await copied(page), token);
  await look(page, "reference-try-token", [narrow], ["dark"]);
  await look(page, "reference-try-token", [wide], ["light"]);

  await page.getByLabel("Client secret").fill(secret);
  await page.getByLabel("Scope").fill("customers:read");
  await page.getByLabel("Resource").fill(`${base}/demo/api`);
  await page.getByLabel("Endpoint").selectOption("/demo/oauth/token");
  await page.getByLabel("Body", { exact: true }).selectOption("Form");
  await button(page, "Send request").click();
  await page.locator("#try-scope").getByText("customers:read", { exact: true }).waitFor();
  const form = new URLSearchParams((await page.locator("#try-request").textContent()).split("\n\n")[1]);
  assert.deepEqual(Object.fromEntries(form), { grant_type: "client_credentials", client_id: id, client_secret: "********", scope: "customers:read", resource: `${base}/demo/api` });
  assert.deepEqual(requests, ["POST /oauth/token true", "POST /demo/oauth/token true"]);
  assert.equal(await kept(page), "{}\n{}\n");
  assert.ok(!(await page.content()).includes(secret));
});

// C-507
test("a refusal leads to what to do about it", async (t) => {
  const page = await open(t, { allowed: /status of 40[01]|ERR_FAILED/ });
  await page.goto(reference);
  await page.getByLabel("Client ID").fill(id);
  await page.getByLabel("Client secret").fill(secret.slice(0, -1) + (secret.endsWith("x") ? "y" : "x"));
  await page.keyboard.press("Enter");
  await page.getByRole("status").getByRole("heading", { name: "401 invalid_client" }).waitFor();
  assert.match(await page.locator("#try-description").textContent(), /mistyped/);
  await look(page, "reference-try-refused", [narrow], ["light"]);
  await page.route("**/oauth/token", (route) => route.abort());
  await button(page, "Send request").click();
  await page.getByRole("heading", { name: "No answer" }).waitFor();
  assert.ok(!await page.locator("#try-exchange").isVisible(), "the exchange of before is still shown");
  await page.unroute("**/oauth/token");
  await page.getByLabel("Scope").fill("nothing:read");
  await page.getByLabel("Client secret").fill(secret);
  await button(page, "Send request").click();
  await page.getByRole("heading", { name: "400 invalid_scope" }).waitFor();
  await page.getByRole("link", { name: "What it means, and what to do" }).click();
  await page.waitForURL("**/docs/errors#invalid_scope");
});

// C-505, C-507
test("without script there are the endpoints, and a request to copy", async (t) => {
  const page = await open(t, { script: false });
  await page.goto("/docs");
  await page.getByRole("link", { name: "API reference", exact: true }).first().click();
  await page.getByRole("link", { name: "POST /oauth/token", exact: true }).click();
  await page.waitForURL(`**${reference}#requestToken`);
  assert.ok(!await page.locator("#try").isVisible());
  assert.ok(await page.getByText("With script, a form stands here").isVisible());
  assert.ok(await page.locator("#requestToken ~ figure pre").first().isVisible());
});

// C-508
test("the explorer shows every endpoint and gets a token, asking nobody else", async (t) => {
  const page = await open(t); // which fails at a request to another host, and at an error on the console
  await page.addInitScript(() => {
    // With credentials a refusal would open the browser's own box, which no test sees.
    const fetch = window.fetch;
    window.credentials = [];
    window.fetch = (input, init) => {
      window.credentials.push(init?.credentials ?? input.credentials ?? "same-origin");
      return fetch(input, init);
    };
    document.addEventListener("securitypolicyviolation", (event) => console.error(`the policy forbids ${event.violatedDirective} ${event.blockedURI}`));
  });
  const requests = sent(page);
  await page.goto("/docs/reference/explorer");
  const { paths, tags } = await (await fetch(`${base}/openapi.json`)).json();
  for (const { name } of tags) await page.getByRole("link", { name, exact: true }).first().waitFor();
  for (const { name } of tags) {
    const closed = page.getByRole("button", { name: `Open Group - ${name}`, exact: true });
    if (await closed.count()) await closed.click();
  }
  const shown = await page.getByRole("link").evaluateAll((links) => links.map(({ href }) => decodeURIComponent(new URL(href).hash)));
  for (const [path, item] of Object.entries(paths)) {
    for (const method of Object.keys(item).filter((name) => name !== "parameters")) {
      assert.ok(shown.some((hash) => hash.endsWith(`/${method.toUpperCase()}${path}`)), `${method} ${path} is not shown`);
    }
  }
  await shot(page, "reference-explorer", false);

  await page.goto("/docs/reference/explorer#tag/access-tokens/POST/oauth/token");
  await page.getByRole("button", { name: /^Test Request\s*\(post \/oauth\/token\)/ }).click();
  const dialog = page.getByRole("dialog");
  await dialog.locator(".cm-content").first().click();
  await page.keyboard.press("Control+A");
  await page.keyboard.insertText(JSON.stringify({ grant_type: "client_credentials", client_id: id, client_secret: secret }));
  await dialog.getByRole("button", { name: /^Send/ }).first().click();
  await dialog.getByText("200 OK").waitFor();
  await dialog.getByText('"access_token"').first().waitFor();
  await shot(page, "reference-explorer-token", false);
  assert.deepEqual(requests, ["POST /oauth/token true"]);
  assert.deepEqual(await page.evaluate(() => [...new Set(window.credentials)]), ["omit"]);
  const link = await page.getByText("Reference without script").boundingBox();
  const close = await page.locator(".app-exit-button").boundingBox();
  assert.ok(link.x + link.width <= close.x, "the button that closes covers a link");
  assert.ok(!(await kept(page)).includes(secret), "the browser keeps the secret");
});

// C-508
test("the explorer fits a narrow window, and says without script where else to look", async (t) => {
  const page = await open(t, { size: narrow, theme: "dark" });
  await page.goto("/docs/reference/explorer");
  await page.getByRole("heading", { name: "Tokenwright" }).waitFor();
  await fits(page);
  await shot(page, "reference-explorer-narrow", false);
  const plain = await open(t, { script: false, size: narrow });
  await plain.goto("/docs/reference/explorer");
  await plain.getByRole("link", { name: "The reference", exact: true }).click();
  await plain.waitForURL("**/docs/reference");
});

// C-467
test("the console's page of the first token gets one", async (t) => {
  const page = await open(t, { session, size: wide });
  const requests = sent(page);
  await page.goto("/console/merchants/4259/start");
  await page.getByLabel("Client secret").fill(secret);
  await button(page, "Request a token").click();
  await page.getByRole("heading", { name: "A token", exact: true }).waitFor();
  assert.equal(await page.locator("[data-claim=client_id]").textContent(), id);
  assert.equal(payload(await page.locator("#try-token").textContent()).client_id, id);
  assert.equal(await page.getByLabel("Client secret").inputValue(), "");
  assert.deepEqual(requests, ["POST /oauth/token true"]);
});
