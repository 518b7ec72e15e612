import { execFileSync } from "node:child_process";
import { test, assert, open, look, press, narrow, wide } from "./lib.mjs";

const { IDP: idp, LINK: link, DATABASE: database } = process.env;
const button = (page, name = "Continue with Example Corp") => page.getByRole("button", { name, exact: true });

/** Signs in at the provider, and agrees to what it asks. */
async function signInThere(page, name) {
  await page.waitForURL(`${idp}/**`);
  await page.getByPlaceholder("Enter any login").fill(name);
  await page.getByPlaceholder("and password").fill("x");
  await page.getByRole("button", { name: "Sign-in" }).click();
  const agree = page.getByRole("button", { name: "Continue", exact: true });
  await Promise.race([agree.waitFor(), page.waitForURL(/\/console\//)]).catch(() => {});
  if (page.url().startsWith(idp)) await agree.click();
}

// What was typed goes along to the provider and back.
test("the first operator comes in by single sign-on", async (t) => {
  const page = await open(t);
  await page.goto(link);
  await look(page, "sso-link", [wide]);
  await page.getByLabel("E-mail address").fill("olga@example.com");
  await page.getByLabel("Your name").fill("Olga Operator");
  await button(page).click();
  await signInThere(page, "olga");
  await page.waitForURL("**/console/merchants");
  await page.getByText("Olga Operator").first().waitFor();
});

test("who signs in comes back to the page that was asked for, without script as well", async (t) => {
  for (const script of [true, false]) {
    const page = await open(t, { script, allowed: /status of 401/ });
    await page.goto("/console/scopes");
    if (script) await look(page, "sso-sign-in", [narrow]);
    await press(page, button(page));
    await signInThere(page, "olga");
    await page.waitForURL("**/console/scopes");
    assert.ok(await page.getByRole("heading", { level: 1 }).isVisible());
  }
});

test("a session ended elsewhere is out at the next click", async (t) => {
  const [here, elsewhere] = [await open(t, { allowed: /status of 401/ }), await open(t, { allowed: /status of 401/ })];
  for (const page of [here, elsewhere]) {
    await page.goto("/console/account");
    await button(page).click();
    await signInThere(page, "olga");
    await page.waitForURL("**/console/account");
  }
  assert.ok(await elsewhere.getByText("Example Corp").or(elsewhere.getByText("corp")).first().isVisible());
  const others = elsewhere.getByRole("button", { name: "End all others" });
  await others.click();
  await elsewhere.waitForURL("**/console/account?done=*");
  assert.ok(await here.getByRole("link", { name: "Scopes" }).isVisible()); // it still shows what it had
  await here.getByRole("link", { name: "Scopes" }).click();
  await here.getByRole("heading", { name: "Sign in" }).waitFor();
  await elsewhere.getByRole("link", { name: "Scopes" }).click();
  await elsewhere.waitForURL("**/console/scopes");
});

test("what gives power away is confirmed at the provider, by the same person", async (t) => {
  const page = await open(t, { allowed: /status of 40[13]/ });
  await page.goto("/console/merchants/new");
  await button(page).click();
  await signInThere(page, "olga");
  await page.waitForURL("**/console/merchants/new");
  execFileSync("sqlite3", [database, ".timeout 5000", "UPDATE sessions SET authenticated_at = authenticated_at - 3600000"]);
  const send = async () => {
    await page.getByLabel("ID", { exact: true }).fill("4259");
    await page.getByLabel("Name", { exact: true }).fill("Acme");
    await page.getByRole("button", { name: "Create merchant" }).click();
  };
  await send();
  await look(page, "sso-confirm", [narrow]);
  await button(page, "Confirm with Example Corp").click();
  await signInThere(page, "mallory");
  await page.getByRole("heading", { name: "That was somebody else" }).waitFor();
  await page.goto("/console/merchants/new");
  await send();
  await button(page, "Confirm with Example Corp").click();
  await signInThere(page, "olga");
  await page.getByText("You have confirmed that it is you. Send the form once more.").waitFor();
  await send();
  await page.waitForURL("**/console/merchants/4259**");
});
