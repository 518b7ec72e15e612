import { readFile } from "node:fs/promises";
import { test, assert, open, button, press, signIn } from "./lib.mjs";

async function olga(t, options = {}) {
  const page = await open(t, { allowed: /status of 4/, ...options });
  await signIn(page, "olga@example.com");
  await page.waitForURL("**/console/merchants");
  return page;
}

test("a merchant is created, suspended and resumed by keyboard, without script", async (t) => {
  const page = await olga(t, { script: false });
  await page.goto("/console/merchants/new");
  await page.getByLabel("ID", { exact: true }).fill("contoso");
  await page.getByLabel("Name").fill("Contoso");
  await press(page, button(page, "Create merchant"));
  await page.getByRole("alert").waitFor();
  assert.equal(await page.evaluate(() => document.activeElement.className), "error-summary");
  await press(page, page.getByRole("alert").getByRole("link")); // the next stop
  assert.equal(await page.evaluate(() => document.activeElement.id), "merchantId");
  await page.getByLabel("ID", { exact: true }).fill("5000");
  await press(page, button(page, "Create merchant"));
  await page.getByRole("heading", { name: /Contoso.*active/ }).waitFor();
  await page.getByLabel("Type 5000 to confirm").first().fill("5000");
  await press(page, button(page, "Suspend merchant"));
  await page.getByText("No API key of this merchant works").waitFor();
  await press(page, button(page, "Resume merchant"));
  await page.getByText("The merchant was resumed").waitFor();
});

test("a form that is clicked twice is sent once", async (t) => {
  const page = await olga(t);
  const sent = [];
  page.on("request", (request) => { if (request.method() === "POST") sent.push(request.url()); });
  await page.goto("/console/scopes/new");
  await page.getByLabel("Scope", { exact: true }).fill("parcels:read");
  await page.getByRole("button", { name: "Create scope" }).dblclick();
  await page.getByText("The scope was created.").waitFor();
  assert.equal(sent.length, 1);
});

test("a form that was not answered can be sent again, once every five seconds", async (t) => {
  const page = await olga(t);
  await page.clock.install();
  await page.goto("/console/scopes/new");
  // A click without the browser's part: whether it would have been sent.
  const click = () => page.evaluate(() => document.querySelector("main form[method=post]").dispatchEvent(new SubmitEvent("submit", { bubbles: true, cancelable: true })));
  const sent = [];
  for (const pause of [4000, 2000, 3500, 2000]) {
    sent.push(await click());
    await page.clock.runFor(pause);
  }
  sent.push(await click());
  assert.deepEqual(sent, [true, false, true, false, true]);
});

test("what is typed into the search narrows the list, and the word guards the button", async (t) => {
  const page = await olga(t);
  await page.getByLabel("Search").pressSequentially("acm");
  await page.getByText("4711", { exact: true }).waitFor({ state: "detached" });
  await page.getByRole("link", { name: "Acme" }).click();
  await page.waitForURL("**/console/merchants/4259");
  const suspend = button(page, "Suspend merchant");
  assert.ok(await suspend.isDisabled());
  await page.getByLabel("Type 4259 to confirm").fill("4259");
  assert.ok(await suspend.isEnabled());
});

test("events are filtered, exported and verified", async (t) => {
  const page = await olga(t);
  await page.goto("/console/events");
  await page.getByLabel("What", { exact: true }).selectOption({ label: "API key created" });
  await press(page, button(page, "Show"));
  await page.waitForURL("**/console/events?*kind=api_key.created*");
  assert.match(await page.getByRole("list", { name: "Events, the newest first" }).innerText(), /^API key created/);
  await page.getByText("Details").click();
  await page.getByText("twc_demo_").first().waitFor();
  const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("link", { name: "Export CSV" }).click()]);
  const lines = (await readFile(await download.path(), "utf8")).trim().split("\r\n");
  assert.equal(lines.length, 2);
  assert.match(lines[1], /api_key\.created/);
  await page.goto("/console/events/verify");
  await press(page, button(page, "Verify"));
  await page.getByRole("heading", { name: /^\d+ events, unbroken$/ }).waitFor();
});
