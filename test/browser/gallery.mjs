import { test, assert, axe, open, firstView, look, shot, fits, tabTo, press, copied, narrow, wide } from "./lib.mjs";

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
  await look(page, "gallery-production", [wide]);
  await page.goto("/gallery/demo");
  await look(page, "gallery-demo", [narrow]);
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
  await page.waitForURL(({ search }) => search === "?q=support&status=");
  await shot(page, "gallery-no-script");
});

// C-452
test("times are in the reader's zone, and absolute for whoever points or listens", async (t) => {
  const page = await open(t, { timezoneId: "Asia/Tokyo" });
  await page.goto("/gallery/demo");
  const created = page.locator("time[datetime='2026-10-02T08:30:00Z']");
  assert.equal(await created.textContent(), "2 Oct 2026, 17:30");
  assert.match(await created.getAttribute("title"), /^Friday,? 2 October 2026 at 17:30:00 (GMT\+9|JST)$/);
  const used = page.locator("dd time[data-relative]");
  assert.match(await used.textContent(), /ago, 29 Nov 2026, 05:59$|^yesterday, |^last /);
  assert.equal(await page.locator("time[datetime='2026-10-30T00:00:00Z']").textContent(), "30 Oct 2026"); // a day of UTC
});

// C-452
test("a copy button copies, and says so", async (t) => {
  const page = await open(t, { permissions: ["clipboard-read", "clipboard-write"] });
  await page.goto("/gallery/demo");
  await page.getByRole("button", { name: "Copy the secret" }).click();
  assert.equal(await copied(page), await page.locator("#secret-value").textContent());
});

// C-450
test("samples are tabs that the keyboard moves through", async (t) => {
  const page = await open(t);
  await page.goto("/gallery/demo#h-secret"); // where Tab begins
  const tab = (name) => page.getByRole("tab", { name, exact: true });
  await tabTo(page, tab("curl"));
  await page.keyboard.press("ArrowRight");
  assert.equal(await tab("Go").getAttribute("aria-selected"), "true");
  assert.ok(await page.getByRole("tabpanel", { name: "Go" }).isVisible());
  assert.ok(!await page.locator("#code-curl").isVisible());
  await page.keyboard.press("End");
  await page.keyboard.press("ArrowRight"); // around
  await tabTo(page, tab("curl"));
  assert.equal(await page.getByRole("tabpanel").count(), 1);
});

// C-450
test("what cannot be taken back waits until the word is typed", async (t) => {
  const page = await open(t);
  await page.goto("/gallery/demo#h-delete");
  const button = page.getByRole("button", { name: "Delete API key" }).last();
  assert.ok(await button.isDisabled());
  await tabTo(page, page.getByLabel("Type Shop integration"));
  await page.keyboard.type("Shop integratio");
  assert.ok(await button.isDisabled());
  await page.keyboard.type("n");
  assert.ok(await button.isEnabled());
});

// C-450
test("the skip link and the menus work by keyboard", async (t) => {
  const page = await open(t);
  await page.goto("/gallery/demo");
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement.className), "skip");
  const menu = page.getByText("Acme Ltd 4259");
  const choice = page.getByRole("link", { name: "Blue Bottle Trading" });
  await press(page, menu);
  assert.ok(await choice.isVisible());
  await page.keyboard.press("Escape");
  assert.ok(!await choice.isVisible());
  await page.keyboard.press("Enter");
  await tabTo(page, page.getByRole("link", { name: "API keys", exact: true }).first());
  assert.ok(!await choice.isVisible()); // the focus has left it
});

// C-452, C-210
test("a search replaces the table while one types, under the policy", async (t) => {
  const page = await open(t);
  await page.goto("/gallery/demo");
  await page.evaluate(() => { window.same = true; });
  await page.getByLabel("Search").fill("nightly");
  const rows = page.locator("#keys tbody tr");
  await page.waitForFunction(() => document.querySelectorAll("#keys tbody tr").length === 1);
  assert.match(await rows.locator("time").textContent(), /ago|last/); // enhanced, too
  await page.getByRole("status").filter({ hasText: /^1 found$/ }).waitFor({ state: "attached" });
  await page.getByLabel("Search").fill("nobody");
  await page.getByText("No API key has this name or ID.").waitFor();
  assert.ok(await page.evaluate(() => window.same), "the page was loaded anew");
});

// C-452
test("a search that finds no session goes to the sign-in page", async (t) => {
  const page = await open(t, { allowed: /status of 403/ });
  await page.goto("/gallery/demo");
  await page.getByLabel("Search").fill("signed out");
  await page.waitForURL("/plain");
  await page.goto("/gallery/demo");
  await page.getByLabel("Search").fill("forbidden");
  await page.waitForURL("/gallery/keys?q=forbidden*");
});

// C-450
test("a wide table is scrolled by keyboard, and a chart is drawn at every width", async (t) => {
  const page = await open(t, { size: narrow });
  await page.goto("/gallery/demo#table");
  const table = page.getByRole("region", { name: "A wide table, dense" });
  await tabTo(page, table);
  await page.keyboard.press("ArrowRight");
  await page.waitForFunction(() => document.querySelector("[aria-labelledby=h-wide][role=region]").scrollLeft > 0);
  for (const size of [narrow, wide]) {
    await page.setViewportSize(size);
    await page.waitForFunction(() => {
      const [plot, canvas] = [document.querySelector(".chart-plot"), document.querySelector(".chart-plot canvas")];
      return canvas && Math.abs(canvas.clientWidth - plot.clientWidth) < 2;
    });
  }
});

// C-450: the chart of the gallery, with an hour in the place of each day.
test("a chart of hours says where the day changes", async (t) => {
  const page = await open(t);
  await page.addInitScript(() => {
    window.drawn = [];
    const { fillText } = CanvasRenderingContext2D.prototype;
    CanvasRenderingContext2D.prototype.fillText = function (text, ...rest) { window.drawn.push(text); return fillText.call(this, text, ...rest); };
  });
  await page.route("**/gallery/demo", async (route) => {
    const response = await route.fetch();
    const [head, chart] = (await response.text()).split('data-chart="days"');
    let hour = Date.UTC(2026, 9, 30);
    await route.fulfill({ response, body: `${head}data-chart="hours"${chart.replace(/datetime="[^"]*T00:00:00Z"/g, () => `datetime="${new Date(hour += 3600e3).toISOString()}"`)}` });
  });
  await page.goto("/gallery/demo");
  await page.locator(".chart-plot canvas").waitFor();
  await page.waitForFunction(() => window.drawn.includes("00:00"));
  const drawn = await page.evaluate(() => window.drawn);
  for (const [time, day] of [[drawn.findIndex((text) => text.includes(":")), "30 Oct"], [drawn.indexOf("00:00"), "31 Oct"]]) assert.equal(drawn[time + 1], day, drawn.join(" "));
  await shot(page, "gallery-hours", false);
});

// C-450
test("nothing is wider than the window at 400 %", async (t) => {
  const page = await open(t, { size: { width: 320, height: 640 } });
  await page.emulateMedia({ forcedColors: "active" });
  await page.goto("/gallery/production"); // WCAG 1.4.10: 1280 wide, at 400 %
  await fits(page);
  await shot(page, "gallery-forced-colours-320");
});

// C-450
test("an environment differs in word, colour and form", async (t) => {
  const page = await open(t);
  const band = async (env) => {
    await page.goto(`/gallery/${env}`);
    return page.locator(".env-band").evaluate((e) => ({ word: e.querySelector("strong").innerText, color: getComputedStyle(e).backgroundColor, form: getComputedStyle(e).backgroundImage }));
  };
  const all = [await band("demo"), await band("production"), await band("sandbox")];
  assert.deepEqual(all.map((b) => b.word), ["Demo", "Production", "Sandbox"]);
  assert.equal(new Set(all.map((b) => b.color)).size, 3);
  assert.match(all[0].form, /repeating-linear-gradient/);
  assert.equal(all[1].form, "none");
});

// The test of the tests: what breaks a rule is noticed.
test("a page that breaks the rules fails its test", async () => {
  let end;
  const hooks = { after: (hook) => { end = hook; } };
  const broken = await open(hooks);
  await assert.rejects(firstView(broken, "/broken"), /moved after it was shown/);
  await assert.rejects(fits(broken), /is wider than its window/);
  await assert.rejects(axe(broken), /color-contrast[^]*image-alt/);
  await assert.rejects(end(), /asked another host: https:\/\/example.com\/x.png/);

  const page = await open(hooks);
  await page.goto("/plain");
  await page.evaluate(() => document.body.setAttribute("style", "color: red"));
  const thrown = page.waitForEvent("pageerror");
  await page.evaluate(() => { setTimeout(() => { throw new Error("planted"); }); });
  await thrown;
  await assert.rejects(end(), /style-src[^]*script: Error: planted/);
});
