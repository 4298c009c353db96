"use strict";
// The small words all pages are written with. Every script is one block that adds to `motet`.

const motet = { pages: {} };

{
  const SVG = "http://www.w3.org/2000/svg";
  const numbers = new Intl.NumberFormat("en");

  // Text goes in as text, whatever it holds; nothing here reads HTML.
  function fill(element, attributes, children) {
    for (const [name, value] of Object.entries(attributes ?? {})) {
      if (value === null || value === undefined) continue;
      if (name === "text") element.textContent = value;
      else if (name === "on") for (const [event, heard] of Object.entries(value)) element.addEventListener(event, heard);
      else if (name === "style") for (const [key, set] of Object.entries(value)) element.style.setProperty(key, set);
      else if (name === "value" || name === "checked") element[name] = value;
      else if (name.startsWith("aria-") || name.startsWith("data-")) element.setAttribute(name, String(value));
      else if (value !== false) element.setAttribute(name, value === true ? "" : String(value));
    }
    return motet.append(element, ...children);
  }

  motet.append = (element, ...children) => {
    for (const child of children.flat(Infinity)) {
      if (child === null || child === undefined || child === false) continue;
      element.append(child instanceof Node ? child : String(child));
    }
    return element;
  };

  motet.h = (tag, attributes, ...children) => fill(document.createElement(tag), attributes, children);
  motet.s = (tag, attributes, ...children) => fill(document.createElementNS(SVG, tag), attributes, children);

  motet.clock = (seconds) => {
    if (!Number.isFinite(seconds)) return "";
    const whole = Math.floor(Math.max(0, seconds) + 1e-6);
    const two = (n) => String(n).padStart(2, "0");
    const hours = Math.floor(whole / 3600), minutes = Math.floor(whole / 60) % 60;
    return hours ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`;
  };

  motet.count = (n) => (Number.isFinite(n) ? numbers.format(n) : "");

  // Drawn on a square of 24; lines unless it says otherwise.
  const ICONS = {
    play: ["M8 5.4v13.2c0 .6.7 1 1.2.7l10-6.6c.5-.3.5-1.1 0-1.4l-10-6.6C8.7 4.4 8 4.8 8 5.4Z", "solid"],
    pause: ["M7.5 5h2.5a.5.5 0 0 1 .5.5v13a.5.5 0 0 1-.5.5H7.5a.5.5 0 0 1-.5-.5v-13a.5.5 0 0 1 .5-.5Zm6.5 0h2.5a.5.5 0 0 1 .5.5v13a.5.5 0 0 1-.5.5H14a.5.5 0 0 1-.5-.5v-13a.5.5 0 0 1 .5-.5Z", "solid"],
    good: ["M5 12.6l4.6 4.6L19.2 7"],
    bad: ["M6.5 6.5l11 11M17.5 6.5l-11 11"],
    close: ["M6.5 6.5l11 11M17.5 6.5l-11 11"],
    search: ["M10.5 17a6.5 6.5 0 1 1 0-13 6.5 6.5 0 0 1 0 13ZM15.4 15.4 20 20"],
    filter: ["M4 7h16M7 12h10M10 17h4"],
    up: ["M12 19V5M6.5 10.5 12 5l5.5 5.5"],
    down: ["M12 5v14M6.5 13.5 12 19l5.5-5.5"],
    left: ["M14.5 5.5 8 12l6.5 6.5"],
    right: ["M9.5 5.5 16 12l-6.5 6.5"],
    light: ["M12 16a4 4 0 1 1 0-8 4 4 0 0 1 0 8ZM12 2.5v2M12 19.5v2M2.5 12h2M19.5 12h2M5.3 5.3l1.4 1.4M17.3 17.3l1.4 1.4M5.3 18.7l1.4-1.4M17.3 6.7l1.4-1.4"],
    dark: ["M19.5 14.5A8 8 0 0 1 9.5 4.5a8 8 0 1 0 10 10Z"],
    download: ["M12 4v11M7 10.5l5 5 5-5M4.5 20h15"],
    help: ["M8.8 9a3.3 3.3 0 1 1 4.8 3c-1 .6-1.6 1.2-1.6 2.5M12 18.2v.2"],
    film: ["M4 5.5h16v13H4zM8 5.5v13M16 5.5v13M4 12h16"],
    mute: ["M4 9.5v5h3.5L12 18.5v-13L7.5 9.5ZM16 9.5l5 5M21 9.5l-5 5"],
    sound: ["M4 9.5v5h3.5L12 18.5v-13L7.5 9.5ZM15.5 9a4.2 4.2 0 0 1 0 6M18 6.5a8 8 0 0 1 0 11"],
    fold: ["M6 9.5l6 6 6-6"],
    loop: ["M17 4l3 3-3 3M20 7H8a4 4 0 0 0-4 4v1M7 20l-3-3 3-3M4 17h12a4 4 0 0 0 4-4v-1"],
    link: ["M10 14a4 4 0 0 0 5.7 0l3-3A4 4 0 0 0 13 5.3l-1 1M14 10a4 4 0 0 0-5.7 0l-3 3A4 4 0 0 0 11 18.7l1-1"],
    warning: ["M12 4.5 21 19.5H3ZM12 10v4.5M12 17v.2"],
  };

  motet.icon = (name) => {
    const [path, kind = "line"] = ICONS[name] ?? [""];
    return motet.s("svg", { viewBox: "0 0 24 24", class: `icon ${kind}`, "aria-hidden": "true", focusable: "false" }, motet.s("path", { d: path }));
  };

  motet.colour = (name) => getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();

  // Said by a screen reader when it has nothing better to say. The same sentence twice would not be read: it is emptied first.
  let saying = 0;
  // What is searched for: words, and phrases in quotes.
  motet.words = (text) => [...motet.fold(text).matchAll(/"([^"]+)"|([^\s"]+)/g)].map(([, phrase, word]) => (phrase ?? word).trim()).filter(Boolean);

  motet.announce = (text) => {
    clearTimeout(saying);
    const said = document.getElementById("said");
    said.textContent = "";
    saying = setTimeout(() => { said.textContent = text; }, 60);
  };

  motet.entitle = (text) => { document.title = text ? `${text} · motet` : "motet"; };

  motet.fail = (main, sentence) => {
    main.replaceChildren(motet.h("div", { class: "notice", role: "alert" },
      motet.h("h1", { text: "This cannot be shown" }), motet.h("p", { text: sentence, dir: "auto" }),
      motet.h("p", {}, motet.h("button", { type: "button", class: "button", text: "Try again", on: { click: () => location.reload() } }))));
  };

  // --- light and dark ---

  const KEPT = "motet theme";
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const hearers = new Set();
  const root = document.documentElement;

  motet.onTheme = (heard) => {
    hearers.add(heard);
    return () => hearers.delete(heard);
  };
  motet.theme = () => root.dataset.theme || (dark.matches ? "dark" : "light");

  // Storage may be switched off or full: then the choice lasts as long as the page.
  function remembered() {
    try { return localStorage.getItem(KEPT); } catch { return null; }
  }

  motet.chooseTheme = (theme) => {
    const own = dark.matches ? "dark" : "light";
    root.dataset.theme = theme;
    try { theme === own ? localStorage.removeItem(KEPT) : localStorage.setItem(KEPT, theme); } catch { /* lasts as long as the page */ }
    hearers.forEach((heard) => heard());
  };

  if (["light", "dark"].includes(remembered())) root.dataset.theme = remembered();
  dark.addEventListener("change", () => {
    if (!remembered()) delete root.dataset.theme;
    hearers.forEach((heard) => heard());
  });
}
