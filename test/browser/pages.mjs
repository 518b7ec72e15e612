import { test, assert, open, firstView, axe, fits, look, everything, narrow, wide } from "./lib.mjs";

const sessions = JSON.parse(process.env.SESSIONS);
const pages = JSON.parse(process.env.PAGES);
const forms = JSON.parse(process.env.FORMS); // every form there is: {Path, Status} of what a viewer gets
// LOOK=1 has everybody's pages looked at in both themes at both widths. Otherwise pages
// are, which are made of the same parts, in one theme at one width, in turn; those of viewers
// in the other theme at the other width than the operator's. What administrators and guests
// see is part of what operators do, and refusals look alike.
const turns = [[narrow, "dark"], [wide, "light"], [wide, "dark"], [narrow, "light"]]; // two by two, nothing is the same
const nameOfBoth = (name) => name.replace(/-viewer$/, "");
const names = [...new Set(pages.map(({ Name: name }) => nameOfBoth(name)))].sort();
const limit = 100 * 1024; // bytes of a first view
const atOnce = 3;

// Pages that somebody sees in one browser, one after the other: to start one for each would
// take longer than to look at it.
async function view(t, page, { Name: name, As: as, Path: path, Status: status }) {
  const [size, theme] = turns[(names.indexOf(nameOfBoth(name)) % 4) ^ (as === "viewer")];
  await page.setViewportSize(size);
  await page.emulateMedia({ colorScheme: theme });
  let got = 0;
  const answered = (response) => { if (response.request().isNavigationRequest()) got = response.status(); };
  page.on("response", answered);
  const bytes = await firstView(page, path);
  page.off("response", answered);
  assert.equal(got, status || 200, path);
  assert.ok(bytes <= limit, `${path}: ${bytes} bytes`);
  t.diagnostic(`${bytes} bytes ${name}`);
  if (everything) return look(page, name);
  if (as === "administrator" || as === "guest" || status === 403) return;
  await axe(page);
  await fits(page);
  await page.setViewportSize(size === wide ? narrow : wide);
  await fits(page);
}

// C-486
test("every page", { concurrency: atOnce }, async (t) => {
  const groups = new Map();
  for (const [i, page] of pages.entries()) {
    const who = page.As === "operator" ? `operator ${i % 2}` : page.As || "nobody"; // who sees most, by two
    groups.set(who, [...groups.get(who) ?? [], page]);
  }
  await Promise.all([...groups].map(([who, pages]) => t.test(who, async (t) => {
    const page = await open(t, { session: sessions[pages[0].As], allowed: /status of 40[1349]/ });
    for (const what of pages) await t.test(what.Name, (t) => view(t, page, what));
  })));
});

// C-487
test("a viewer sees everything of the merchant, and can change nothing", async (t) => {
  const page = await open(t, { session: sessions.viewer, allowed: /status of 40[034]/ });
  await page.goto("/console");
  const links = await page.getByRole("navigation", { name: "Console" }).getByRole("link").evaluateAll((all) => all.map(({ href }) => href));
  assert.equal(links.length, 5);
  let disabled = 0;
  for (const path of [...links, ...pages.filter((p) => p.As === "viewer" && !p.Status && /api-keys\/|users\//.test(p.Path)).map((p) => p.Path)]) {
    assert.equal((await page.goto(path)).status(), 200, path);
    assert.equal(await page.locator("main form[method=post] button:enabled").count(), 0, path);
    for (const button of await page.locator("main button:disabled").all()) {
      const reason = await page.locator(`#${await button.getAttribute("aria-describedby")}`).textContent();
      assert.match(reason, /Ask an administrator of Acme Ltd: .*Ada Administrator/, `${path}: ${await button.textContent()}`);
      disabled++;
    }
  }
  assert.ok(disabled >= 7, `${disabled} buttons are disabled`);
  await page.goto("/console/account");
  const csrf = await page.locator("input[name=csrf]").first().inputValue();
  const send = (path, token) => page.evaluate(async ([path, token]) => (await fetch(path, { method: "POST", body: new URLSearchParams({ csrf: token }) })).status, [path, token]);
  assert.equal(await send("/console/account/name", "another"), 403);
  assert.equal(await send("/console/account/name", csrf), 400); // so it is the right one
  for (const { Path: path, Status: status } of forms) assert.equal(await send(path, csrf), status, path);
  for (const path of ["", "api-keys/demo", "users", "usage", "events", "start"]) assert.equal((await page.goto(`/console/merchants/4711/${path}`)).status(), 404, path);
});
