import { test, assert, axe, fits, open, firstView, look, shot, narrow, wide } from "./lib.mjs";

const sessions = JSON.parse(process.env.SESSIONS);
const pages = JSON.parse(process.env.PAGES);
// LOOK=1: each page in both themes at both widths; otherwise in one theme at each.
const everything = process.env.LOOK === "1";
const limit = 100 * 1024; // bytes of a first view
const atOnce = 4;

async function view(t, { Name: name, As: as, Path: path, Status: status }) {
  const page = await open(t, { session: sessions[as], allowed: /status of 40[134]/ });
  let got = 0;
  page.on("response", (response) => { if (response.request().isNavigationRequest()) got = response.status(); });
  const bytes = await firstView(page, path);
  assert.equal(got, status || 200, path);
  assert.ok(bytes <= limit, `${path}: ${bytes} bytes`);
  t.diagnostic(`${bytes} bytes ${name}`);
  if (everything) return look(page, name);
  await look(page, name, [narrow], ["dark"]);
  await look(page, name, [wide], ["light"]);
}

// C-486
test("every page", { concurrency: atOnce }, async (t) => {
  await Promise.all(pages.map((page) => t.test(page.Name, (t) => view(t, page))));
});
