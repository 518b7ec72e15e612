import { execFileSync } from "node:child_process";
import { appendFileSync } from "node:fs";
import { test, assert, open, look, fits, shot, tabTo, button, press, signIn, copied, wide } from "./lib.mjs";

const { LINK: link, PASSWORD: password, NOTES: notes, BASE_URL: base } = process.env;
const allowed = /status of 40[0-9]/;

const anchor = (page, name) => page.getByRole("link", { name, exact: true });

/** Notes a secret, which nothing may keep: the harness looks for it everywhere. */
const note = (kind, text) => appendFileSync(notes, `${kind} ${text}\n`);

async function join(page, address, name) {
  await page.goto(address);
  if (await page.getByLabel("E-mail address").isEditable()) await page.getByLabel("E-mail address").fill("olga@example.com");
  await page.getByLabel("Your name").fill(name);
  await page.getByLabel("Password").fill(password);
  await button(page, "Create account").click();
  await page.waitForURL((url) => url.pathname !== "/console/link");
}

/** Reads the secret and the client ID of a page that shows them once. */
async function made(page) {
  await page.locator("#secret-value").waitFor();
  const key = { id: await page.locator("#client-id").textContent(), secret: await page.locator("#secret-value").textContent() };
  note("key", `${key.id} ${key.secret}`);
  return key;
}

/** Runs the sample of curl, with the secret in the environment; returns the answer. */
function curl(sample, secret) {
  const env = { PATH: process.env.PATH, HOME: process.env.HOME, TOKENWRIGHT_CLIENT_SECRET: secret };
  try {
    const answer = JSON.parse(execFileSync("sh", ["-c", sample], { env, encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }));
    note("token", answer.access_token);
    return answer;
  } catch (error) {
    return JSON.parse(error.stdout);
  }
}

const payload = (jwt) => JSON.parse(Buffer.from(jwt.split(".")[1], "base64url"));

// C-487
test("from the set-up link to an API key that gets tokens, is rotated and deleted", async (t) => {
  const olga = await open(t);
  await olga.goto(link);
  await look(olga, "link-set-up", [wide]);
  await join(olga, link, "Olga Operator");
  await olga.waitForURL("**/console/merchants");
  await anchor(olga, "Create merchant").click();
  await olga.getByLabel("ID", { exact: true }).fill("4259");
  await olga.getByLabel("Name", { exact: true }).fill("Acme");
  await button(olga, "Create merchant").click();
  await anchor(olga, "Users").first().click();
  await anchor(olga, "Invite the first administrator").click();
  await olga.getByLabel("E-mail address").fill("ada@example.com");
  await olga.getByLabel("Administrator", { exact: true }).check();
  await button(olga, "Create invitation").click();
  const invitation = await olga.locator("#made-link").textContent();
  await look(olga, "made-link", [wide]);

  const ada = await open(t, { permissions: ["clipboard-read", "clipboard-write"], allowed: /status of 503/ });
  await join(ada, invitation, "Ada Administrator");
  await ada.waitForURL("**/console/merchants/4259/api-keys/demo");
  await anchor(ada, "Create the first API key").click();
  await ada.getByLabel("Name", { exact: true }).fill("Orders sync");
  for (const scope of ["customers:read", "customers:write"]) {
    assert.ok(!await ada.getByLabel(scope, { exact: true }).isChecked());
    await ada.getByLabel(scope, { exact: true }).check();
  }
  await button(ada, "Create API key").click();
  const first = await made(ada);
  await look(ada, "secret", [wide]);
  await button(ada, "Copy the secret").click();
  assert.equal(await copied(ada), first.secret);
  const sample = await ada.locator("#code-curl").textContent();
  await anchor(ada, "I have saved the secret").click();
  const lastUsed = ada.locator("#use").getByRole("status");
  assert.equal(await lastUsed.textContent(), "never");
  await ada.evaluate(() => { window.same = true; });
  await ada.route("**/use?*", (route) => route.fulfill({ status: 503, body: "The database does not answer" }), { times: 1 });
  await ada.waitForResponse((response) => response.status() === 503); // the page asks again
  const { access_token: token, expires_in, scope } = curl(sample, first.secret);
  assert.deepEqual([expires_in, scope], [3600, "customers:read customers:write"]);
  assert.deepEqual(payload(token).claims, { env: "demo", merchantId: 4259 });
  await lastUsed.filter({ hasText: /just now|ago/ }).waitFor();
  assert.ok(await ada.evaluate(() => window.same), "the page was loaded again");

  await anchor(ada, "Rotate secret").click();
  await button(ada, "Rotate secret").click();
  const second = await made(ada);
  for (const { secret } of [first, second]) assert.ok(curl(sample, secret).access_token);
  await anchor(ada, "I have saved the secret").click();
  await ada.getByText("retiring").waitFor();
  await anchor(ada, "Rotate secret").click();
  await ada.locator("#overlap").selectOption("0");
  await button(ada, "Rotate secret").click();
  const third = await made(ada);
  assert.equal(curl(sample, second.secret).error, "invalid_client");
  assert.ok(curl(sample, third.secret).access_token);

  await anchor(ada, "I have saved the secret").click();
  await anchor(ada, "Delete API key").click();
  await ada.getByText("In use: not safe to delete").or(ada.getByText("Too early to say")).waitFor();
  await ada.getByLabel("Type Orders sync to confirm").fill("Orders sync");
  await button(ada, "Delete API key").click();
  await ada.getByText("The API key was deleted. No token of it is accepted any more.").waitFor();
  assert.equal(curl(sample, third.secret).error, "invalid_client");
  const feed = payload(await (await fetch(`${base}/demo/oauth/revocations`)).text());
  const cutoff = feed.cutoffs.find(({ client_id }) => client_id === first.id);
  assert.ok(cutoff.gen > payload(token).gen, "the token of before is still good");
});

async function type(page, label, text) {
  await tabTo(page, page.getByLabel(label, { exact: true }));
  await page.keyboard.press("Control+A");
  await page.keyboard.type(text);
}

// C-488
test("an API key by keyboard alone, from signing in to deleting it", async (t) => {
  const page = await open(t, { permissions: ["clipboard-read", "clipboard-write"] });
  await page.goto("/console/sign-in");
  await type(page, "E-mail address", "ada@example.com");
  await type(page, "Password", password);
  await page.keyboard.press("Enter");
  await page.waitForURL("**/api-keys/demo");
  await press(page, anchor(page, "Add new API key"));
  await page.waitForURL("**/new");
  await type(page, "Name", "By keyboard");
  await press(page, page.getByLabel("coupons:read", { exact: true }), "Space");
  await press(page, button(page, "Create API key"));
  const first = await made(page);
  await press(page, button(page, "Copy the secret"), "Space");
  assert.equal(await copied(page), first.secret);
  await press(page, anchor(page, "I have saved the secret"));
  await page.waitForURL(`**/${first.id}`);
  await press(page, anchor(page, "Rotate secret"));
  await page.waitForURL("**/rotate");
  await press(page, button(page, "Rotate secret"));
  const second = await made(page);
  assert.notEqual(second.secret, first.secret);
  await press(page, anchor(page, "I have saved the secret"));
  await page.waitForURL(`**/${first.id}`);
  await press(page, anchor(page, "Delete API key"));
  await page.waitForURL("**/delete");
  await type(page, "Type By keyboard to confirm", "By keyboard");
  await press(page, button(page, "Delete API key"));
  await page.getByText("The API key was deleted.").waitFor();
});

// C-488
test("without script: create, edit, rotate, disable and delete an API key, and invite", async (t) => {
  const page = await open(t, { script: false, allowed });
  await signIn(page, "ada@example.com");
  await anchor(page, "Add new API key").or(anchor(page, "Create the first API key")).first().click();
  await page.getByLabel("Name", { exact: true }).fill("Without script");
  await page.getByLabel("coupons:read", { exact: true }).check();
  await button(page, "Create API key").click();
  const key = await made(page);
  const sample = await page.locator("#code-curl").textContent();
  assert.ok(curl(sample, key.secret).access_token);
  await anchor(page, "I have saved the secret").click();
  await anchor(page, "Edit").click();
  await page.getByLabel("Name", { exact: true }).fill("Renamed");
  await page.getByLabel("customers:read", { exact: true }).check();
  await button(page, "Save changes").click();
  await page.getByText("The API key was changed.").waitFor();
  await anchor(page, "Rotate secret").click();
  await button(page, "Rotate secret").click();
  await made(page);
  await anchor(page, "I have saved the secret").click();
  await button(page, "Disable API key").click();
  await button(page, "Enable API key").waitFor();
  assert.equal(curl(sample, key.secret).error, "invalid_client");
  await button(page, "Enable API key").click();
  await anchor(page, "Delete API key").click();
  await button(page, "Delete API key").click();
  await page.getByText("This is not what was asked for. Nothing has happened.").waitFor();
  await page.getByLabel("Type Renamed to confirm").fill("Renamed");
  await button(page, "Delete API key").click();
  await page.getByText("The API key was deleted.").waitFor();
  await anchor(page, "Users").click();
  await anchor(page, "Invite somebody").click();
  await page.getByLabel("E-mail address").fill("somebody@example.com");
  await button(page, "Create invitation").click();
  assert.match(await page.locator("#made-link").textContent(), /\/console\/link\?token=/);
});

/** Rows of cells (RFC 4180). */
function readCSV(text) {
  const rows = [[]];
  for (const [, quoted, plain, end] of text.matchAll(/(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r?\n|$)/g)) {
    rows.at(-1).push(quoted === undefined ? plain : quoted.replaceAll('""', '"'));
    if (end !== ",") rows.push([]);
  }
  return rows.filter((row) => row.length > 1);
}

/** The name in a cell that is JSON. */
const nameIn = (cell) => (cell.startsWith('{"') ? JSON.parse(cell).name : undefined);

// C-450
test("a name that is one long word makes no page wider than its window", async (t) => {
  const page = await open(t, { session: process.env.VIEWER });
  const olga = await open(t);
  await signIn(olga, "olga@example.com");
  for (const [who, path] of [[page, "api-keys/demo"], [page, "users"], [olga, "users"], [olga, "api-keys/demo/new"], [olga, ""]]) {
    await who.goto(`/console/merchants/6020/${path}`.replace(/\/$/, ""));
    for (const width of [320, 375, 1280]) {
      await who.setViewportSize({ width, height: 800 });
      await fits(who);
      for (const box of width > 320 ? await who.locator(".scopes input").all() : []) {
        const { x, width: own } = await box.boundingBox();
        assert.ok(x + own < width, `at ${width} a scope cannot be chosen before the table is scrolled`);
      }
      await shot(who, `long-name-${path.replaceAll("/", "-") || "merchant"}-${width}`);
    }
  }
});

// C-489
test("whatever people are called is text: on every page, in titles and in exports", async (t) => {
  const { merchant, names, keys, pages } = JSON.parse(process.env.NAUGHTY);
  const page = await open(t, { allowed });
  page.on("dialog", (dialog) => assert.fail(`a dialog: ${dialog.message()}`));
  await signIn(page, "olga@example.com");
  const squeeze = (text) => text.replace(/\s+/g, " ");
  const read = async (path) => {
    await page.goto(path);
    assert.equal(await page.locator("script:not([src]), img:not([src^='/console/']), [onload], [onerror], [onmouseover]").count(), 0, path);
    const typed = await page.locator("input, textarea").evaluateAll((all) => all.map(({ value }) => value));
    return squeeze(`${await page.locator("body").evaluate((body) => body.textContent)} ${typed.join(" ")}`);
  };
  for (const path of pages) {
    const text = await read(path);
    for (const name of names) assert.ok(text.includes(squeeze(name)), `${path} has no ${name}`);
  }
  for (const [id, name] of Object.entries(keys)) {
    for (const part of ["/delete", "/edit", ""]) {
      assert.ok((await read(`/console/merchants/${merchant}/api-keys/demo/${id}${part}`)).includes(squeeze(name)), `${part} has no ${name}`);
    }
    assert.ok(squeeze(await page.title()).startsWith(squeeze(name)), name);
  }
  const get = (path) => page.evaluate(async (address) => (await fetch(address)).text(), path);
  for (const path of [`merchants/${merchant}/api-keys/demo/export.csv`, `merchants/${merchant}/events/export?format=csv`]) {
    const rows = readCSV(await get(`/console/${path}`));
    const cells = rows.flat();
    assert.deepEqual(rows.filter((row) => row.length !== rows[0].length), [], path);
    assert.deepEqual(cells.filter((cell) => /^[=+@\t\r]|^-(?!\d+$)/.test(cell)), [], path);
    for (const name of names) assert.ok(cells.some((cell) => cell === name || cell === `'${name}` || nameIn(cell) === name), `${path} has no ${name}`);
  }
  const events = (await get(`/console/merchants/${merchant}/events/export?format=ndjson`)).trim().split("\n").map((line) => JSON.parse(line));
  for (const name of names) assert.ok(events.some(({ details }) => details?.name === name), `no event has ${name}`);
});
