import { test, assert, open, firstView, axe, fits, look, shot, tabTo, copied, narrow, wide } from "./lib.mjs";

const pages = JSON.parse(process.env.PAGES); // paths of the documentation
const everything = process.env.LOOK === "1"; // pictures of each page, in both themes at both widths
const limit = 150 * 1024; // bytes of a first view
const name = (path) => path.slice(1).replaceAll("/", "-");

// C-520
test("every page", { concurrency: 3 }, async (t) => {
  await Promise.all(pages.map((path) => t.test(path, async (t) => {
    const page = await open(t, { size: narrow, theme: "dark" });
    const bytes = await firstView(page, path);
    t.diagnostic(`${bytes} bytes ${path}`);
    assert.ok(bytes <= limit, `${path}: ${bytes} bytes`);
    if (everything) return look(page, name(path));
    await axe(page);
    await fits(page);
    await page.setViewportSize(wide);
    await page.emulateMedia({ colorScheme: "light", reducedMotion: "reduce" });
    await axe(page);
    await fits(page);
  })));
});

// C-520
test("a page is whole without script", async (t) => {
  const page = await open(t, { script: false });
  await page.goto("/docs/get-a-token");
  assert.equal(await page.locator("#search").isVisible(), false);
  for (const sample of await page.locator("pre").all()) assert.ok(await sample.isVisible());
  await page.getByRole("navigation", { name: "Pages" }).getByRole("link", { name: "Errors", exact: true }).click();
  await page.waitForURL("**/docs/errors");
  assert.equal(await page.getByRole("heading", { level: 1 }).textContent(), "Errors");
});

// C-521
test("search finds a section, by keyboard", async (t) => {
  const page = await open(t);
  await page.goto("/docs");
  await page.keyboard.press("/");
  await page.keyboard.type("invalid_client");
  const found = page.locator("#found");
  await found.getByRole("status").waitFor();
  await axe(page);
  await shot(page, "docs-search");
  await page.keyboard.press("ArrowDown");
  assert.match(await page.evaluate(() => document.activeElement.href), /\/docs\/errors#invalid_client$/);
  await page.keyboard.press("Enter");
  await page.waitForURL("**/docs/errors#invalid_client");
  assert.equal(await found.isVisible(), false);
  await page.locator("#search").fill("xyzzyplugh");
  await found.getByText("Nothing is found.").waitFor();
  await page.keyboard.press("Escape");
  assert.equal(await found.isVisible(), false);
});

// C-520
test("samples are tabs that an address opens, and are copied whole", async (t) => {
  const page = await open(t, { permissions: ["clipboard-read", "clipboard-write"] });
  await page.goto("/docs/get-a-token");
  const samples = page.locator(".samples").first();
  await tabTo(page, samples.getByRole("tab", { name: "curl" }));
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("ArrowRight");
  const python = samples.getByRole("tabpanel", { name: "Python" });
  await python.waitFor();
  await python.getByRole("button", { name: "Copy this sample" }).first().click();
  assert.equal(await copied(page), await python.locator("pre").first().textContent());
  const id = await python.locator("h3").getAttribute("id");
  await page.goto("/docs");
  await page.goto(`/docs/get-a-token#${id}`);
  await python.waitFor();
  assert.equal(await samples.getByRole("tab", { selected: true }).textContent(), "Python");
});

// C-520
test("on paper a page has its text, and nothing to press", async (t) => {
  const page = await open(t, { size: { width: 720, height: 1000 } });
  await page.goto("/docs/get-a-token");
  await page.emulateMedia({ media: "print" });
  for (const gone of [".top", ".side", ".outline", ".next", "[data-copy]"]) {
    for (const element of await page.locator(gone).all()) assert.equal(await element.isVisible(), false, gone);
  }
  for (const sample of await page.locator("main pre").all()) assert.ok(await sample.isVisible());
  await shot(page, "docs-print");
});
