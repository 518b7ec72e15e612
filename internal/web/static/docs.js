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

  // rate is how well a section fits all the words; 0 where one is missing.
  function rate({ low }, words) {
    let sum = 0;
    for (const word of words) {
      const here = (low.section.includes(word) ? 6 : 0) + (low.page.includes(word) ? 4 : 0) + (low.text.includes(word) ? 1 : 0);
      if (!here) return 0;
      sum += here + (low.section === word || low.page === word ? 6 : 0);
    }
    return low.section ? sum : sum + 1;
  }

  // excerpt is the text around the first word, with every word marked.
  function excerpt(entry, words) {
    const at = Math.max(0, entry.low.text.indexOf(words.find((word) => entry.low.text.includes(word))) - 40);
    const text = (at > 0 ? "…" : "") + entry.text.slice(at, at + 200);
    const span = document.createElement("span");
    const pattern = new RegExp(`(${words.map((word) => word.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")).join("|")})`, "gi");
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
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    if (!words.length) return close();
    let entries;
    try {
      entries = await load();
    } catch {
      return show("The index cannot be read at the moment.");
    }
    if (input.value.toLowerCase().split(/\s+/).filter(Boolean).join() !== words.join()) return; // another search has begun
    const best = entries.map((entry) => [rate(entry, words), entry]).filter(([rating]) => rating > 0).sort(([a], [b]) => b - a);
    const list = document.createElement("ul");
    list.append(...best.slice(0, 12).map(([, entry]) => item(entry, words)));
    show(best.length ? `${best.length} ${best.length === 1 ? "section" : "sections"}` : "Nothing is found.", list);
  }

  function show(text, list = "") {
    const count = document.createElement("p");
    count.setAttribute("role", "status");
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
  document.addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || /^(INPUT|TEXTAREA|SELECT)$/.test(document.activeElement.tagName)) return;
    event.preventDefault();
    input.focus();
  });

  // Of many pages, the current one is seen.
  const current = document.querySelector(".side [aria-current]");
  const side = current && current.closest(".side");
  if (side && side.scrollHeight > side.clientHeight) side.scrollTop = current.offsetTop - side.clientHeight / 3;

  // A sample behind a tab is shown to who comes by its address.
  function open() {
    const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    const sample = target && target.closest(".sample");
    if (sample) document.getElementById(sample.getAttribute("aria-labelledby"))?.click();
  }
  addEventListener("hashchange", open);
  if (document.readyState === "complete") open();
  else addEventListener("load", open);
})();
