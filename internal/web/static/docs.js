// What script adds to the documentation: search, and samples that are opened by
// their address. Loaded, deferred, on its pages alone.
(() => {
  "use strict";
  const input = document.getElementById("search");
  const found = document.getElementById("found");

  // The index is asked for once, when somebody wants to search.
  let index;
  function load() {
    index ??= fetch(input.dataset.index, { credentials: "omit" })
      .then((response) => response.json())
      .then((entries) => entries.map((entry) => ({ ...entry, low: { page: entry.page.toLowerCase(), section: entry.section.toLowerCase(), text: entry.text.toLowerCase() } })));
    index.catch(() => { index = undefined; }); // once more at the next letter
    return index;
  }

  // Words of a question that say nothing about what is asked.
  const idle = new Set("a an and are can change do does for how i in is it my of on or the to what where why with long".split(" "));

  // What readers say, and what the pages say for it.
  const same = {
    port: ["listen"],
    docker: ["container", "install"], container: ["docker", "install"], kubernetes: ["container", "run a server"],
    live: ["lifetime", "expire"], lives: ["lifetime", "live"], expire: ["lifetime", "live"], expires: ["expire", "lifetime"], expiry: ["expire", "lifetime"], ttl: ["lifetime"],
    revoke: ["revocation", "revoked", "end"], end: ["revoke", "revocation"], rotate: ["rotation"], password: ["secret"], jwks: ["signing key"],
  };

  // asked is what to look for: each word as a list of which one must be there. Where
  // a question has idle words alone, these are looked for.
  function asked(text) {
    const all = text.toLowerCase().split(/\s+/).map((word) => word.replace(/[?!,;]+$/, "")).filter(Boolean);
    const telling = all.filter((word) => !idle.has(word));
    return (telling.length ? telling : all).map((word) => [word, ...(Object.hasOwn(same, word) ? same[word] : [])]);
  }

  // starts finds text where a word begins: "port" is in "ports", not in "report".
  const starts = (word) => new RegExp(`(?<![\\p{L}\\p{N}])${word.replace(/[.*+?^${}()|[\]\\/]/g, "\\$&")}`, "u");

  // rate is how well a section fits all the words; 0 where one is missing. A title
  // counts more than a heading, that more than text, and the word itself more than
  // another for it; what is looked up stands behind guides.
  function rate({ low, last }, words) {
    let sum = 0;
    for (const [i, forms] of words.entries()) {
      let best = 0;
      for (const [j, form] of forms.entries()) { // the first is the word itself
        const pattern = words.patterns[i][j];
        const here = (pattern.test(low.page) ? 8 : 0) + (pattern.test(low.section) ? 6 : 0) + (pattern.test(low.text) ? 1 : 0);
        if (here) best = Math.max(best, (here + (low.page === form ? 12 : low.section === form ? 8 : 0)) * (j ? 0.8 : 1));
      }
      if (!best) return 0;
      sum += best;
    }
    return (low.section ? sum : sum + 1) * (last ? 0.5 : 1);
  }

  // excerpt is the text around the first word, with every word marked.
  function excerpt(entry, words) {
    const first = words.patterns.flat().map((pattern) => entry.low.text.search(pattern)).find((at) => at >= 0) ?? 0;
    const at = Math.max(0, first - 40);
    const text = (at > 0 ? "…" : "") + entry.text.slice(at, at + 200);
    const span = document.createElement("span");
    const pattern = new RegExp(`(${words.patterns.flat().map(({ source }) => source).join("|")})`, "giu");
    for (const [i, piece] of text.split(pattern).entries()) {
      if (i % 2) span.append(Object.assign(document.createElement("mark"), { textContent: piece }));
      else span.append(piece);
    }
    return span;
  }

  function item(entry, words) {
    const link = document.createElement("a");
    link.href = entry.address;
    const title = document.createElement("strong");
    title.textContent = entry.section ? `${entry.page}: ${entry.section}` : entry.page;
    link.append(title, excerpt(entry, words));
    const line = document.createElement("li");
    line.append(link);
    return line;
  }

  async function search() {
    const text = input.value;
    const words = asked(text);
    if (!words.length) return close();
    words.patterns = words.map((forms) => forms.map((form) => starts(form)));
    let entries;
    try {
      entries = await load();
    } catch {
      return show("The index cannot be read at the moment.");
    }
    if (input.value !== text) return; // another search has begun
    const best = entries.map((entry) => [rate(entry, words), entry]).filter(([rating]) => rating > 0).sort(([a], [b]) => b - a);
    const list = document.createElement("ul");
    list.append(...best.slice(0, 12).map(([, entry]) => item(entry, words)));
    show(best.length ? `${best.length} ${best.length === 1 ? "section" : "sections"}` : "Nothing is found.", list);
  }

  function show(text, list = "") {
    const count = document.createElement("p");
    count.setAttribute("role", "status");
    count.dataset.for = input.value;
    count.textContent = text;
    found.replaceChildren(count, list);
    found.hidden = false;
  }

  function close() {
    found.hidden = true;
    found.replaceChildren();
  }

  // The arrows go through what is found, Escape leaves it.
  function move(event) {
    const links = [...found.querySelectorAll("a")];
    const at = links.indexOf(document.activeElement);
    if (event.key === "Escape") {
      close();
      input.focus();
    } else if (event.key === "ArrowDown" && links.length) {
      event.preventDefault();
      links[Math.min(at + 1, links.length - 1)].focus();
    } else if (event.key === "ArrowUp" && at >= 0) {
      event.preventDefault();
      (at > 0 ? links[at - 1] : input).focus();
    } else if (event.key === "Enter" && document.activeElement === input && links.length) {
      event.preventDefault();
      links[0].click();
    }
  }

  input.addEventListener("focus", () => load().catch(() => {}));
  input.addEventListener("input", search);
  input.parentElement.addEventListener("keydown", move);
  document.addEventListener("click", (event) => {
    const link = event.target.closest(".found a");
    if (link || !input.parentElement.contains(event.target)) close();
  });
  // No letter alone: who speaks to a browser, or types by chance, means none (WCAG 2.1.4).
  document.addEventListener("keydown", (event) => {
    if (event.key !== "k" || !(event.ctrlKey || event.metaKey) || event.altKey || event.shiftKey) return;
    event.preventDefault();
    input.focus();
  });

  // Of many pages, the current one is seen.
  const current = document.querySelector(".side [aria-current]");
  const side = current && current.closest(".side");
  if (side && side.scrollHeight > side.clientHeight) side.scrollTop = current.offsetTop - side.clientHeight / 3;

  // A sample behind a tab is shown to who comes by its address.
  function open() {
    let target;
    try {
      target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    } catch {
      return; // a % that is none names nothing
    }
    const sample = target && target.closest(".sample");
    if (sample) document.getElementById(sample.getAttribute("aria-labelledby"))?.click();
  }
  addEventListener("hashchange", open);
  if (document.readyState === "complete") open();
  else addEventListener("load", open);
})();
