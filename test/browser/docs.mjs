import { test, assert, open, firstView, axe, fits, look, shot, everything, tabTo, copied, narrow, wide } from "./lib.mjs";

const pages = JSON.parse(process.env.PAGES); // paths of the documentation
const largest = JSON.parse(process.env.LARGEST); // those of the most bytes
const limit = 150 * 1024; // bytes of a first view
const name = (path) => path.slice(1).replaceAll("/", "-");

// C-520: pages are made of the same parts, so each is held to the rules of accessibility
// in one theme at one width, in turn; its width at both.
test("every page", { concurrency: 2 }, async (t) => {
  const halves = [pages.filter((_, i) => i % 2), pages.filter((_, i) => !(i % 2))];
  await Promise.all(halves.map((half, turn) => t.test(turn ? "narrow and dark" : "wide and light", async (t) => {
    const page = await open(t, { size: turn ? narrow : wide, theme: turn ? "dark" : "light" });
    for (const path of half) {
      const answer = await page.goto(path);
      assert.equal(answer.status(), 200, path);
      assert.equal(await page.evaluate(() => window.layoutShift), 0, `${path} moved after it was shown`);
      if (everything) {
        await look(page, name(path));
        continue;
      }
      await axe(page);
      await fits(page);
      await page.setViewportSize(turn ? wide : narrow);
      await fits(page);
      await page.setViewportSize(turn ? narrow : wide);
    }
  })));
});

// C-520
test("a first view is small", async (t) => {
  for (const path of ["/docs", "/docs/get-a-token", "/docs/jwt", ...largest]) {
    const bytes = await firstView(await open(t), path);
    t.diagnostic(`${bytes} bytes ${path}`);
    assert.ok(bytes <= limit, `${path}: ${bytes} bytes`);
  }
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
  await page.goto("/docs#%");
  await page.keyboard.press("/");
  assert.equal(await page.evaluate(() => document.activeElement.id), "");
  await page.keyboard.press("Control+k");
  await page.keyboard.type("invalid_client");
  const found = page.locator("#found");
  await found.getByRole("status").waitFor();
  for (const width of [320, 375, 620, 840, wide.width]) {
    await page.setViewportSize({ width, height: wide.height });
    const box = await found.boundingBox();
    assert.ok(box.x >= 0 && box.x + box.width <= width, `at ${width} what is found lies from ${box.x} to ${box.x + box.width}`);
    await shot(page, `docs-search-${width}`, false);
  }
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

// C-521: words are found where they begin, by what readers say for them, guides first.
test("search finds what is meant", async (t) => {
  const page = await open(t);
  await page.goto("/docs");
  const first = async (words) => {
    await page.locator("#search").fill(words);
    await page.waitForFunction((words) => document.querySelector("#found [role=status]")?.dataset.for === words, words);
    return page.locator("#found a").evaluateAll((links) => links.map((link) => new URL(link.href).pathname + new URL(link.href).hash));
  };
  const ports = await first("change port");
  assert.ok(ports.slice(0, 3).includes("/docs/configuration#listen"), ports);
  assert.ok(!/\breport/i.test(await page.locator("#found strong").first().textContent()));
  assert.match((await first("revoke token"))[0], /^\/docs\/revocation\b/);
  assert.match((await first("docker"))[0], /^\/docs\/install\b/);
  assert.doesNotMatch((await first("how long does a token live"))[0], /changelog/);
  assert.deepEqual(await first("eport"), [], "a word is found in the middle of another");
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
test("a folded sample is copied as it is, and a button covers no code", async (t) => {
  const page = await open(t, { permissions: ["clipboard-read", "clipboard-write"] });
  await page.goto("/docs/verify-in-node");
  const folded = page.locator(".folded").first();
  await folded.getByRole("button", { name: "Copy this sample" }).click();
  const code = folded.locator("pre code");
  assert.ok(!await code.isVisible());
  assert.equal(await copied(page), await code.textContent());
  // covered are the samples whose code begins beside, or behind, their button.
  const covered = () => page.locator(".sample-code:has(> [data-copy]), .folded").evaluateAll((samples) => samples.filter((sample) => {
    const [code, button] = ["code", ":scope > [data-copy]"].map((selector) => sample.querySelector(selector).getBoundingClientRect());
    return code.height && button.bottom > code.top;
  }).map((sample) => sample.textContent));
  await folded.locator("summary").click();
  assert.deepEqual(await covered(), []);
  await page.goto("/docs/get-a-token");
  assert.deepEqual(await covered(), []);
});

// C-520
test("on a narrow screen a row of a table is a card", async (t) => {
  const page = await open(t, { size: narrow });
  await page.goto("/docs/errors");
  const cells = page.locator(".prose .table tbody tr").first().locator("td");
  const [first, second] = [await cells.nth(0).boundingBox(), await cells.nth(1).boundingBox()];
  assert.ok(second.y >= first.y + first.height, "cells stand beside each other");
  await page.locator(".prose .table").first().scrollIntoViewIfNeeded();
  await shot(page, "docs-errors-narrow", false);
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
