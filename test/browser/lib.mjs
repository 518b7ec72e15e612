// What all scripts of this directory share. A test opens pages with open; when it
// ends, it fails if a page has asked another host for something, broken the
// policy of its server, or written an error to the console.
import { after } from "node:test";
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { mkdirSync, readFileSync } from "node:fs";
import { chromium } from "playwright-core";

export { default as test } from "node:test";
export { assert };

export const base = process.env.BASE_URL;
const out = process.env.SCREENSHOTS;
// LOOK=1 leaves pictures of the pages, in both themes at both widths. A picture takes longer than
// the test of its page, and nobody looks at it where that passes.
export const everything = process.env.LOOK === "1";
const axeSource = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

export const narrow = { width: 360, height: 800 };
export const wide = { width: 1440, height: 900 };

// One process for all tests of a script.
let browser; // a promise of it: tests run beside each other
after(async () => (await browser)?.close());

function launch() {
  browser ??= chromium.launch({
    executablePath: process.env.CHROMIUM,
    chromiumSandbox: process.getuid() !== 0,
    // Whatever slips through asks a name server for nothing.
    args: ["--lang=en-GB", "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE localhost , EXCLUDE *.localhost , EXCLUDE 127.0.0.1"],
  });
  return browser;
}

/**
 * Opens a page of its own, signed in as nobody.
 * @param t the test, which closes it
 * @param options script: false turns JavaScript off; theme: "light" or "dark"; size:
 *   narrow or wide; allowed: RegExp of errors on the console that the test causes;
 *   session: the cookie of a session; everything else is for Playwright's newContext.
 */
export async function open(t, { script = true, theme = "light", size = wide, allowed, session, ...rest } = {}) {
  const context = await (await launch()).newContext({
    baseURL: base, javaScriptEnabled: script, colorScheme: theme, viewport: size, locale: "en-GB", timezoneId: "Europe/Berlin", ...rest,
  });
  context.setDefaultTimeout(20_000);
  if (session) await context.addCookies([{ name: "__Host-tokenwright", value: session, url: base.replace("http:", "https:"), secure: true, httpOnly: true, sameSite: "Lax" }]);
  if (script) await context.addInitScript(watchShifts);
  const problems = [];
  context.on("request", (request) => {
    const { protocol, hostname } = new URL(request.url());
    if (protocol.startsWith("http") && !/^(localhost|.*\.localhost|127\.0\.0\.1)$/.test(hostname)) problems.push(`asked another host: ${request.url()}`);
  });
  context.on("console", (message) => {
    if (message.type() === "error" && !allowed?.test(message.text())) problems.push(`console: ${message.text()}`);
  });
  context.on("weberror", (error) => problems.push(`script: ${error.error().stack}`));
  t.after(async () => {
    await context.close();
    assert.deepEqual(problems, []);
  });
  return context.newPage();
}

// Runs in the page.
function watchShifts() {
  window.layoutShift = 0;
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.layoutShift += entry.value;
  }).observe({ type: "layout-shift", buffered: true });
}

/**
 * Loads a path as the first page of a browser that has nothing in its cache.
 * Returns how many bytes came over the network, bodies and headers. Fails where
 * the page moved after it was shown.
 */
export async function firstView(page, path) {
  const session = await page.context().newCDPSession(page);
  await session.send("Network.enable");
  await session.send("Network.clearBrowserCache");
  for (const cacheDisabled of [true, false]) await session.send("Network.setCacheDisabled", { cacheDisabled }); // forgets what is in memory
  let bytes = 0;
  session.on("Network.loadingFinished", (event) => { bytes += event.encodedDataLength; });
  await page.goto(path, { waitUntil: "networkidle" });
  assert.equal(await page.evaluate(() => window.layoutShift), 0, "the page moved after it was shown");
  await session.detach();
  return bytes;
}

/** Waits until the page, if it has script, is laid out and drawn for the window as it is now. */
const drawn = (page) => page.evaluate(() => "layoutShift" in window && new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));

/** Holds the page, as it is now, to WCAG 2.2 AA. */
export async function axe(page) {
  await drawn(page); // what is scrolled by keyboard depends on the width
  if (!await page.evaluate(() => "axe" in window)) await page.evaluate(axeSource);
  const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"], runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"] }));
  const found = violations.map((v) => `${v.id}: ${v.help}\n${v.nodes.map((n) => `  ${n.target} ${n.failureSummary}`).join("\n")}`);
  assert.ok(found.length === 0, `${page.url()}\n${found.join("\n")}`);
}

/** Holds that nothing of the page is wider than its window. */
export async function fits(page) {
  await drawn(page);
  const wider = await page.evaluate(() => {
    const width = document.documentElement.clientWidth;
    if (document.documentElement.scrollWidth <= width) return [];
    return [...document.querySelectorAll("body *")].filter((e) => e.getBoundingClientRect().right > width + 1).map((e) => e.outerHTML.slice(0, 120));
  });
  assert.deepEqual(wider, [], `${page.url()} is wider than its window`);
}

/** With LOOK=1, leaves a picture of the page in out, whole or as much as its window shows. */
export async function shot(page, name, fullPage = true) {
  if (!everything) return;
  mkdirSync(out, { recursive: true });
  await page.screenshot({ path: `${out}/${name}.png`, fullPage, animations: "disabled" });
}

/**
 * Looks at the page, as it is now, in both themes, narrow and wide: axe, width, and with
 * LOOK=1 a picture of each, out/<name>-<width>-<theme>.png. Leaves it wide and light.
 */
export async function look(page, name, sizes = [narrow, wide], themes = ["dark", "light"]) {
  for (const size of sizes) {
    for (const theme of themes) {
      await page.setViewportSize(size);
      await page.emulateMedia({ colorScheme: theme, reducedMotion: "reduce" });
      await axe(page);
      await fits(page);
      await shot(page, `${name}-${size.width}-${theme}`);
    }
  }
}

/** Presses Tab until the element has the focus; fails where the keyboard does not get there. */
export async function tabTo(page, locator, key = "Tab") {
  for (let i = 0; i < 200; i++) {
    if (await locator.evaluate((element) => element === document.activeElement)) return;
    await page.keyboard.press(key);
  }
  assert.fail(`the keyboard does not reach ${locator}`);
}

/** Goes to something by Tab alone, and presses a key on it. */
export async function press(page, locator, key = "Enter") {
  await tabTo(page, locator.first());
  await page.keyboard.press(key);
}

export const button = (page, name) => page.getByRole("button", { name, exact: true });

/** Signs in with the password of the script, and waits for the page that it leads to. */
export async function signIn(page, email) {
  await page.goto("/console/sign-in");
  await page.getByLabel("E-mail address").fill(email);
  await page.getByLabel("Password").fill(process.env.PASSWORD);
  await page.keyboard.press("Enter");
  await page.waitForURL(({ pathname }) => pathname !== "/console/sign-in");
}

/** Waits until the page says that it has copied something, and returns what. */
export async function copied(page) {
  await page.getByRole("status").filter({ hasText: /^Copied$/ }).waitFor({ state: "attached" });
  return page.evaluate(() => navigator.clipboard.readText());
}
