import { test, assert, open, firstView, look, shot, fits, tabTo, narrow, wide } from "./lib.mjs";

// C-451
test("a page with everything is small, and does not move", async (t) => {
  const page = await open(t);
  const bytes = await firstView(page, "/gallery/production");
  t.diagnostic(`${bytes} bytes`);
  assert.ok(bytes < 90 * 1024, `${bytes} bytes`);
});

// C-450
test("every part is accessible and fits, in both themes, narrow and wide", async (t) => {
  const page = await open(t);
  await page.goto("/gallery/production");
  await look(page, "gallery-production");
  await page.goto("/gallery/demo");
  await look(page, "gallery-demo");
  await page.goto("/plain");
  await look(page, "plain");
});

// C-452
test("without script everything is shown, and nothing that needs it", async (t) => {
  const page = await open(t, { script: false, size: narrow });
  await page.goto("/gallery/demo");
  for (const name of ["curl", "Go", "Node.js"]) assert.ok(await page.getByRole("heading", { name, exact: true }).isVisible());
  assert.ok(!await page.getByRole("button", { name: "Copy the secret" }).isVisible());
  await page.getByText("Show the figures").click();
  assert.ok(await page.getByRole("cell", { name: "3000" }).isVisible());
  await page.getByText("Acme Ltd 4259").click();
  assert.ok(await page.getByRole("link", { name: "Blue Bottle Trading" }).isVisible());
  await page.getByLabel("Search").fill("support");
  await page.getByRole("button", { name: "Search" }).click();
  assert.equal(new URL(page.url()).search, "?q=support&status=");
  await shot(page, "gallery-no-script");
});
