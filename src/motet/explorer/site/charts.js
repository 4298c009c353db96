"use strict";
// Figures as a person reads them, and the charts of the overview and of a comparison.

{
  const { h, s, count } = motet;

  // --- numbers as a person reads them ---

  const tidy = (n) => String(Number(n.toPrecision(6))).replace("-", "−");

  function span(seconds) {
    if (!Number.isFinite(seconds)) return "–";
    if (seconds < 0.0005) return "0 s";
    if (seconds < 0.0995) return `${Math.round(seconds * 1000)} ms`;
    if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
    const whole = Math.round(seconds);
    if (whole < 60) return `${whole} s`;
    if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
    const minutes = Math.round(seconds / 60);
    return `${count(Math.floor(minutes / 60))} h ${minutes % 60} min`;
  }

  function size(bytes) {
    if (!Number.isFinite(bytes)) return "–";
    if (bytes < 1000) return `${Math.round(bytes)} B`;
    const units = ["kB", "MB", "GB", "TB"];
    let scaled = bytes / 1000;
    while (scaled >= 999.5 && units.length > 1) { scaled /= 1000; units.shift(); }
    return `${scaled < 9.95 ? scaled.toFixed(1) : count(Math.round(scaled))} ${units[0]}`;
  }

  function moment(iso) {
    const when = new Date(iso);
    if (Number.isNaN(when.getTime())) return h("span", { text: iso, dir: "auto" });
    const told = when.toLocaleString("en-GB", { day: "numeric", month: "long", year: "numeric", hour: "2-digit", minute: "2-digit" });
    return h("time", { datetime: iso, text: told });
  }

  function totals(list) {
    return h("dl", { class: "totals" }, list.map(({ label, value, unit }) => {
      const figure = unit === "seconds" ? span(value) : unit === "bytes" ? size(value) : count(value);
      return h("div", {}, h("dt", { text: label, dir: "auto" }), h("dd", { text: figure }));
    }));
  }

  // Between backticks stands what is typed.
  const worded = (text) => String(text ?? "").split("`").map((part, i) => (i % 2 ? h("code", { text: part }) : part));

  // --- what a value is called ---

  const NONE = { split: "in no split", judged: "not judged", artist: "unknown", key: "unknown", metre: "unknown", licence: "unknown" };
  const valueName = (facet, value) => (value === "" ? NONE[facet.name] ?? "none" : value);
  const withUnit = (facet, text) => (facet.unit ? `${text} ${facet.unit}` : text);
  const binName = (facet, low, high) => withUnit(facet, `${tidy(low)} to ${tidy(high)}`);

  function rangeName(facet, text) {
    if (text === "") return "unknown";
    const [low, high] = text.split("..").map((end) => (end === "" ? null : tidy(Number(end))));
    return withUnit(facet, low === null ? `below ${high}` : high === null ? `from ${low}` : `${low} to ${high}`);
  }

  // --- charts ---

  const TALL = 132, TOP = 14, FOOT = 24; // of a histogram, in pixels

  // One stop for the Tab key; arrows go along the bars.
  function roving(group, links) {
    const stop = links.find((link) => link.getAttribute("aria-current")) ?? links[0];
    links.forEach((link) => link.setAttribute("tabindex", link === stop ? "0" : "-1"));
    group.addEventListener("keydown", (event) => {
      const at = links.indexOf(document.activeElement);
      const to = { ArrowRight: at + 1, ArrowDown: at + 1, ArrowLeft: at - 1, ArrowUp: at - 1, Home: 0, End: links.length - 1 }[event.key];
      if (at < 0 || to === undefined || event.altKey || event.ctrlKey || event.metaKey) return;
      event.preventDefault();
      const next = links[Math.min(links.length - 1, Math.max(0, to))];
      links.forEach((link) => link.setAttribute("tabindex", link === next ? "0" : "-1"));
      next.focus();
    });
  }

  // A bar made of pieces [number, class, name], as long as their share of `most`.
  function line(pieces, most, told) {
    let at = 0;
    const drawn = pieces.filter(([n]) => n > 0).map(([n, kind, name]) => {
      const width = (100 * n) / most;
      const piece = s("rect", { class: kind, x: `${at.toFixed(3)}%`, width: `${width.toFixed(3)}%`, height: "100%" }, name ? s("title", {}, `${name}: ${count(n)}`) : null);
      at += width;
      return piece;
    });
    return s("svg", { class: "line", height: 10, ...(told ? { role: "img", "aria-label": told } : { "aria-hidden": "true" }) }, drawn);
  }

  // A box with a heading, and a line beside it that tells of the bar one points at; `told` stands there else.
  function card({ label, unit }, told, ...body) {
    const readout = h("p", { class: "readout", "aria-hidden": "true", text: told ?? "" });
    const box = h("section", { class: "chart", "aria-label": label }, h("header", {}, h("h3", {}, label, unit ? h("small", { text: ` ${unit}` }) : ""), readout), body);
    const say = (event) => { readout.textContent = event.target.closest?.("[data-told]")?.getAttribute("data-told") ?? told ?? ""; };
    for (const event of ["pointerover", "pointerleave", "focusin", "focusout"]) box.addEventListener(event, say);
    return box;
  }

  // About five edges, so that their names do not touch; never one right beside the last.
  function ticks(bars) {
    const every = Math.max(1, Math.ceil(bars.length / 5));
    const edges = [...bars.map(({ low }, i) => [i, low]), [bars.length, bars.at(-1).high]];
    return edges.filter(([i]) => i % every === 0 && (i === bars.length || bars.length - i >= every / 2));
  }

  // Bars from edge to edge: {low, high, parts: [[height 0-1, class] …], href, name, told, off, key, current}.
  function histogram(label, bars) {
    const step = 100 / bars.length, floor = TOP + TALL;
    const at = (x) => `${x.toFixed(3)}%`;
    const links = bars.map(({ parts, href, name, told, off, key, current }, i) => {
      const wide = (parts.length > 1 ? step * 0.88 : step) / parts.length, first = step * i + (parts.length > 1 ? step * 0.06 : 0);
      return s("a", { href, "aria-label": name, "aria-current": current ? "true" : null, class: off ? "off" : "on", "data-key": key, "data-told": told },
        s("rect", { class: "hit", x: at(step * i), width: at(step), y: 0, height: floor }),
        parts.map(([part, kind], n) => {
          const tall = part > 0 ? Math.max(2, TALL * part) : 0;
          return s("rect", { class: kind, x: at(first + wide * n), width: at(wide), y: floor - tall, height: tall });
        }));
    });
    const axis = ticks(bars).map(([i, edge]) => s("text", { x: at(step * i), y: floor + 17, "text-anchor": i === 0 ? "start" : i === bars.length ? "end" : "middle" }, tidy(edge)));
    const drawing = s("svg", { class: "histogram", width: "100%", height: floor + FOOT, role: "group", "aria-label": `${label}: ${bars.length} bars` },
      s("line", { x1: 0, x2: "100%", y1: floor + 0.5, y2: floor + 0.5 }), links, axis);
    roving(drawing, links);
    return drawing;
  }

  // Rows of a name, bars and figures: {name, bars, figure, href, label, none, off, key, current}.
  function listed(rows) {
    const links = rows.map(({ name, bars, figure, href, label, none, off, key, current }) => h("a", {
      href, "aria-label": label, title: name, class: off ? "off" : "on", "aria-current": current ? "true" : null, "data-key": key,
    }, h("bdi", { class: none ? "name none" : "name", text: name }), h("span", { class: "two" }, bars), h("span", { class: "number" }, figure)));
    const list = h("ul", { class: "bars" }, links.map((link) => h("li", {}, link)));
    roving(list, links);
    return list;
  }

  // Two short lists stand in the place of a long one.
  function packed(cards) {
    const short = (one) => !one.querySelector(".histogram, .more") && one.querySelectorAll("li").length <= 3;
    const places = [];
    for (const one of cards) {
      const last = places.at(-1);
      if (short(one) && last?.length === 1 && short(last[0])) last.push(one);
      else places.push([one]);
    }
    return places.map((place) => (place.length > 1 ? h("div", { class: "stack" }, place) : place));
  }

  motet.charts = {
    packed, worded, span, size, moment, totals, tidy, valueName, rangeName, binName, line, card, histogram, listed,
  };
}
