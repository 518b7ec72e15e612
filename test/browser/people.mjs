import { createHmac } from "node:crypto";
import { test, assert, open, look, axe, fits, tabTo, button, press, signIn, narrow } from "./lib.mjs";

const password = process.env.PASSWORD;
const allowed = /status of 4(01|03|09)/;

/** Opens a page where somebody has signed in. */
async function as(t, email, options = {}) {
  const page = await open(t, { allowed, ...options });
  await signIn(page, email);
  await page.waitForURL(/console\/(merchants|account)/);
  return page;
}

/** What an authenticator app shows that has the key (RFC 6238). */
function codeOf(key) {
  const bits = [...key.replaceAll(" ", "")].map((c) => "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".indexOf(c).toString(2).padStart(5, "0")).join("");
  const secret = Buffer.from(bits.match(/.{8}/g).map((byte) => parseInt(byte, 2)));
  const step = Buffer.alloc(8);
  step.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000)));
  const sum = createHmac("sha1", secret).update(step).digest();
  return String((sum.readUInt32BE(sum[19] & 15) & 0x7fffffff) % 1_000_000).padStart(6, "0");
}

// Invites somebody without script, and returns the link.
async function invite(t, email, role) {
  const page = await as(t, "olga@example.com", { script: false });
  await page.goto("/console/merchants/4259/users/invite");
  await page.getByLabel("E-mail address").fill(email);
  await page.getByLabel(role, { exact: true }).check();
  await press(page, button(page, "Create invitation"));
  return page.locator("#made-link").textContent();
}

test("the invited join, see each other, and the viewer is told whom to ask", async (t) => {
  const olga = await as(t, "olga@example.com");
  await olga.goto("/console/merchants/4259/users");
  await olga.getByRole("link", { name: "Invite the first administrator" }).focus();
  await olga.keyboard.press("Enter");
  await olga.getByLabel("E-mail address").fill("dana@example.com");
  await tabTo(olga, olga.getByLabel("Viewer", { exact: true }));
  await olga.keyboard.press("ArrowDown"); // to Administrator
  await press(olga, button(olga, "Create invitation"));
  const first = await olga.locator("#made-link").textContent();
  await axe(olga);
  const links = { "Dana Vance": first, "Vic <b>Viewer</b> 🦦": await invite(t, "vic@example.com", "Viewer") };
  let page;
  for (const [name, link] of Object.entries(links)) {
    page = await open(t, { allowed });
    await page.goto(link);
    await axe(page);
    await fits(page);
    await page.getByLabel("Your name").fill(name);
    await page.getByLabel("Password").fill(password);
    await press(page, button(page, "Create account"));
    await page.waitForURL(/api-keys/);
  }
  await page.goto("/console/merchants/4259/users");
  assert.ok(await page.getByRole("button", { name: "Invite somebody" }).isDisabled());
  assert.ok(await page.getByText("Ask an administrator of Acme: Dana Vance.").isVisible());
  await page.goto(links["Dana Vance"]);
  await page.getByRole("heading", { name: "This link is of no use any more" }).waitFor();
  await axe(page);
});

test("an operator finds a user while typing, and resets it", async (t) => {
  const page = await as(t, "olga@example.com");
  await page.goto("/console/users");
  await page.locator("#q").pressSequentially("vic");
  await page.waitForFunction(() => document.querySelectorAll("#users tbody tr").length === 1);
  await page.getByRole("status").filter({ hasText: /^1 found$/ }).waitFor({ state: "attached" });
  await press(page, page.getByRole("link", { name: /^Vic/ }));
  await page.waitForURL("**/console/users/usr_*");
  await page.getByText("Add a role at a merchant").click();
  await page.getByText("Delete this user").click();
  assert.ok(await page.getByRole("button", { name: "Delete user" }).isDisabled());
  await press(page, button(page, "Reset sign-in"));
  await page.locator("#made-link").waitFor();
  await axe(page);
});

test("a second factor is set up by keyboard, and asked for", async (t) => {
  const page = await as(t, "dana@example.com");
  await page.goto("/console/account");
  await press(page, button(page, "Set up a second factor"));
  await page.getByText("It cannot be scanned?").click();
  await look(page, "second-factor", [narrow]); // the pages before stand in pages.mjs
  const key = await page.locator("#factor-key").textContent();
  await tabTo(page, page.getByLabel("Code", { exact: true }));
  await page.keyboard.type(codeOf(key));
  await page.keyboard.press("Enter");
  const codes = (await page.locator("#codes").textContent()).split("\n");
  assert.equal(codes.length, 10);
  await axe(page);

  const other = await open(t, { script: false, allowed });
  await other.goto("/console/account");
  await other.getByLabel("E-mail address").fill("dana@example.com");
  await other.getByLabel("Password").fill(password);
  await press(other, button(other, "Sign in"));
  await other.getByLabel("Code").fill(codes[0]);
  await press(other, button(other, "Continue"));
  await other.waitForURL("**/console/account");
  assert.equal(await other.getByRole("button", { name: /^End session/ }).count(), 1);
  await fits(other);
  await press(other, button(other, "End all others"));
  await other.waitForURL(/done=/);
  await page.goto("/console/account");
  await page.getByRole("heading", { name: "Sign in" }).waitFor();
});
