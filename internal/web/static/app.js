// What script adds to the pages: everything can be read, and every form sent,
// without it. Loaded in <head>, not deferred, so that nothing moves once it is
// shown. It must not know what a page is about: the markup says what it wants
// (testdata/gallery.html).
(() => {
  "use strict";
  const root = document.documentElement;
  root.classList.add("js");

  const done = new WeakSet();
  // each calls enhance once for every element that matches, also after a swap.
  function each(selector, enhance) {
    for (const element of document.querySelectorAll(selector)) {
      if (!done.has(element)) {
        done.add(element);
        enhance(element);
      }
    }
  }

  // Times: in the reader's zone. <time datetime="…" data-relative> says how long
  // ago, and when to whoever points or listens; data-date leaves the hour out;
  // data-day is a day of UTC, wherever the reader is.
  const language = root.lang || "en-GB";
  const date = new Intl.DateTimeFormat(language, { dateStyle: "medium" });
  const day = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeZone: "UTC" });
  const short = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short" });
  const long = new Intl.DateTimeFormat(language, { dateStyle: "full", timeStyle: "long" });
  const relative = new Intl.RelativeTimeFormat(language, { numeric: "auto" });
  const units = [["year", 31557600], ["month", 2629800], ["week", 604800], ["day", 86400], ["hour", 3600], ["minute", 60]];

  function ago(when) {
    const seconds = (when - Date.now()) / 1000;
    const [unit, length] = units.find(([, length]) => Math.abs(seconds) >= length) ?? ["second", 1];
    return unit === "second" ? (seconds > 0 ? "in a moment" : "just now") : relative.format(Math.trunc(seconds / length), unit);
  }

  function showTime(element) {
    const when = new Date(element.dateTime);
    if (Number.isNaN(when.getTime())) return;
    if ("day" in element.dataset) {
      element.textContent = day.format(when);
      return;
    }
    element.title = long.format(when);
    if (!("relative" in element.dataset)) {
      element.textContent = ("date" in element.dataset ? date : short).format(when);
      return;
    }
    const absolute = document.createElement("span");
    absolute.className = "hidden";
    absolute.textContent = `, ${short.format(when)}`;
    element.replaceChildren(ago(when), absolute);
  }

  // What happened, for those who do not see it.
  let status;
  function announce(text) {
    if (!status) {
      status = document.createElement("div");
      status.className = "hidden";
      status.setAttribute("role", "status");
      document.body.append(status);
    }
    status.textContent = "";
    setTimeout(() => { status.textContent = text; }, 50); // a text that stays is not read again
  }

  // Copying: <button data-copy="id of what is copied">.
  async function copy(button) {
    const source = document.getElementById(button.dataset.copy);
    const text = source.value ?? source.textContent;
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      // Not over https, or not allowed: select it, so that Ctrl+C does.
      for (const folded of document.querySelectorAll("details:not([open])")) folded.open ||= folded.contains(source);
      getSelection().selectAllChildren(source);
      announce("Selected. Press Control and C to copy.");
      return;
    }
    button.dataset.label ??= button.textContent;
    button.textContent = "Copied";
    announce("Copied");
    setTimeout(() => { button.textContent = button.dataset.label; }, 2000);
  }

  // Samples become tabs: https://www.w3.org/WAI/ARIA/apg/patterns/tabs/. A
  // language that is chosen is chosen in all samples of the page.
  let made = 0;
  function makeTabs(samples) {
    const panels = [...samples.querySelectorAll(":scope > .sample")];
    const list = document.createElement("div");
    list.className = "tabs";
    list.setAttribute("role", "tablist");
    list.setAttribute("aria-label", samples.dataset.label ?? "Languages");
    for (const panel of panels) {
      panel.id ||= `sample-${++made}`;
      const tab = document.createElement("button");
      tab.type = "button";
      tab.id = `${panel.id}-tab`;
      tab.setAttribute("role", "tab");
      tab.setAttribute("aria-controls", panel.id);
      tab.textContent = nameOf(panel.querySelector("h2, h3, h4"));
      panel.setAttribute("role", "tabpanel");
      panel.setAttribute("aria-labelledby", tab.id);
      list.append(tab);
    }
    samples.prepend(list);
    choose(list, list.children[0]);
    list.addEventListener("click", (event) => {
      const tab = event.target.closest("[role=tab]");
      if (tab) chooseEverywhere(tab.textContent);
    });
    list.addEventListener("keydown", (event) => move(event, list));
  }

  function nameOf(heading) {
    const copy = heading.cloneNode(true);
    copy.querySelector(".anchor")?.remove(); // the link to the heading
    return copy.textContent.trim();
  }

  function choose(list, chosen) {
    for (const tab of list.children) {
      tab.setAttribute("aria-selected", String(tab === chosen));
      tab.tabIndex = tab === chosen ? 0 : -1;
      document.getElementById(tab.getAttribute("aria-controls")).classList.toggle("shown", tab === chosen);
    }
    scrollers();
  }

  function chooseEverywhere(name) {
    for (const list of document.querySelectorAll(".samples > [role=tablist]")) {
      const tab = [...list.children].find((tab) => tab.textContent === name);
      if (tab) choose(list, tab);
    }
  }

  function move(event, list) {
    const tabs = [...list.children];
    const at = tabs.indexOf(document.activeElement);
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: -1 }[event.key];
    if (to === undefined || at < 0) return;
    event.preventDefault();
    const tab = tabs.at(to % tabs.length);
    chooseEverywhere(tab.textContent);
    tab.focus();
  }

  // What cannot be taken back waits until the word is typed. The server looks too. White
  // space counts as the page shows it, and what has no form of its own not at all.
  function guard(form) {
    const input = form.querySelector("input[data-word]");
    const button = form.querySelector("[type=submit]");
    const seen = (text) => text.replace(/[\p{Cf}\p{DI}]/gu, "").replace(/[\s\u0085]+/g, " ").trim();
    const check = () => { button.disabled = seen(input.value) !== seen(input.dataset.word); };
    input.addEventListener("input", check);
    check();
  }

  // Shows what is typed into a password field: <button data-reveal="id of the field">.
  function reveal(button) {
    const input = document.getElementById(button.dataset.reveal);
    const shown = input.type === "password";
    input.type = shown ? "text" : "password";
    button.setAttribute("aria-pressed", String(shown));
  }

  // What is wider than its place is scrolled by keyboard, too.
  function scrollers() {
    for (const element of document.querySelectorAll(".table-wrap, pre")) {
      if (element.scrollWidth > element.clientWidth) element.tabIndex = 0;
      else element.removeAttribute("tabindex");
    }
  }

  function closeMenus(except) {
    for (const menu of document.querySelectorAll("details.menu[open]")) {
      if (menu !== except) menu.open = false;
    }
  }

  function enhance() {
    each("time[datetime]", showTime);
    each(".samples", makeTabs);
    each("form.confirm", guard);
    scrollers();
  }

  document.addEventListener("click", (event) => {
    closeMenus(event.target.closest("details.menu"));
    const button = event.target.closest("[data-copy], [data-reveal]");
    if (button?.dataset.copy) copy(button);
    if (button?.dataset.reveal) reveal(button);
  });
  document.addEventListener("keydown", (event) => {
    const menu = event.key === "Escape" && document.activeElement.closest("details.menu[open]");
    if (menu) {
      menu.open = false;
      menu.querySelector("summary").focus();
    }
  });
  // A form is sent once: a second click would have it done twice, or say that it failed.
  // The server answers within 5 seconds; whoever has stopped waiting may send it again. At
  // window, the last of all who hear of it: what another takes over is none of ours.
  const sent = new Set();
  addEventListener("submit", (event) => {
    const form = event.target;
    if (event.defaultPrevented || form.method !== "post") return;
    if (sent.has(form)) {
      event.preventDefault();
      return;
    }
    sent.add(form);
    setTimeout(() => sent.delete(form), 5000);
  });
  addEventListener("pageshow", () => sent.clear()); // back on the page, as it was left
  document.addEventListener("focusin", (event) => closeMenus(event.target.closest("details.menu")));
  // While the page is read, it may be shown already: times are put into the reader's
  // zone as they come, so that nothing moves. The element that is being read waits.
  function early() {
    let last = root;
    while (last.lastChild) last = last.lastChild;
    for (const element of document.querySelectorAll("time[datetime]")) {
      if (!element.contains(last) && !done.has(element)) {
        done.add(element);
        showTime(element);
      }
    }
  }
  const reading = new MutationObserver(early);
  reading.observe(root, { childList: true, subtree: true });
  document.addEventListener("DOMContentLoaded", () => {
    reading.disconnect();
    enhance();
    each("[data-announce]", () => {}); // what the page began with is no news
    // In a strip of links, the current one is seen.
    const current = document.querySelector(".side [aria-current]");
    if (current) current.closest(".side").scrollLeft = current.offsetLeft - 48;
    setInterval(() => document.querySelectorAll("time[data-relative]").forEach(showTime), 60000);
    new ResizeObserver(scrollers).observe(document.body);
  });
  // What was to become part of the page, and is an error or the sign-in page, is
  // gone to, as without script. What the page asks by itself it asks again: a server that
  // cannot answer for a moment changes nothing of it.
  document.addEventListener("htmx:before:response", (event) => {
    const { request, response } = event.detail.ctx;
    if (request.method !== "GET" || (response.status < 400 && !response.raw.redirected)) return;
    event.preventDefault();
    if (response.status >= 500 && event.target.matches("[hx-trigger^=every]")) return;
    location.assign(response.raw.url);
  });
  document.addEventListener("htmx:after:swap", () => {
    enhance();
    each("[data-announce]", (element) => announce(element.dataset.announce));
  });
})();
