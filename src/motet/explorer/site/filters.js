"use strict";
// The filters beside the list: boxes to tick with their counts, and ranges drawn as small histograms.

{
  const { h } = motet;
  const AT_FIRST = 7; // values shown before "show more"
  const SEARCHED_FROM = 12; // values from which a box to find one is worth its place
  const OPEN = new Set(["state", "kind", "split", "judged", "tempo", "key", "instrument"]);
  const NONE = { judged: "not judged", split: "no split", artist: "no artist", key: "no key", licence: "not known" };
  let lasts = 0;

  motet.valueText = (name, value) => (value === "" ? NONE[name] ?? "none" : value.length > 200 ? value.slice(0, 200) + "…" : value);

  motet.rangeText = (value, unit) => {
    const [low, high] = value.split("..");
    const tail = unit ? " " + unit : "";
    if (value === "") return "not known";
    if (low && high) return `${low} to ${high}${tail}`;
    return low ? `from ${low}${tail}` : `below ${high}${tail}`;
  };

  // `change(name, values)` is called when the person chose others. `draw(found, params)` shows counts and what is chosen.
  motet.filters = (holder, change) => {
    const parts = new Map();
    return {
      draw(about, found, params) {
        const shown = new Set();
        for (const facet of about?.facets ?? []) {
          const counted = found?.facets?.[facet.name];
          if (!counted) continue;
          shown.add(facet.name);
          if (!parts.has(facet.name)) parts.set(facet.name, section(facet, change));
          parts.get(facet.name).draw(counted, params.getAll(facet.name), found.total === found.all);
        }
        for (const [name, { element }] of parts) if (!shown.has(name)) { element.remove(); parts.delete(name); }
        let before = null;
        for (const { element } of [...parts.values()]) {
          if ((before ? before.nextSibling : holder.firstChild) !== element) before ? before.after(element) : holder.prepend(element);
          before = element;
        }
      },
    };
  };

  function section(facet, change) {
    const id = `facet-${++lasts}`;
    const chosen = h("span", { class: "chosen" });
    const head = h("button", { type: "button", class: "fold", id: id + "-h", "aria-controls": id, "aria-expanded": OPEN.has(facet.name) },
      h("span", { text: facet.label }), chosen, motet.icon("fold"));
    const body = h("div", { class: "body", id, role: "group", "aria-labelledby": id + "-h", hidden: !OPEN.has(facet.name) });
    const element = h("section", { class: `facet ${facet.kind}` }, h("h2", {}, head), body);
    const inner = facet.kind === "range" ? range(facet, body, change) : ticks(facet, body, change);
    const open = (is) => { head.setAttribute("aria-expanded", is); body.hidden = !is; };
    let had = false, first = true;
    head.addEventListener("click", () => open(body.hidden));
    return {
      element,
      draw(counted, values, whole) {
        chosen.textContent = values.length ? String(values.length) : "";
        if (values.length && !had) open(true);
        else if (first && whole && counted.values?.length < 2) open(false); // all are the same
        had = values.length > 0;
        first = false;
        inner(counted, values);
      },
    };
  }

  // --- boxes to tick ---

  function ticks(facet, body, change) {
    const list = h("ul", { class: "ticks" });
    const more = h("button", { type: "button", class: "more" });
    const hint = h("p", { class: "hint" });
    const find = h("input", { type: "search", class: "field find", placeholder: `Find: ${facet.label.toLowerCase()}`, "aria-label": `Find among ${facet.label.toLowerCase()}`, autocomplete: "off", spellcheck: "false" });
    const lines = new Map(); // value → {element, box, count}
    let counted = { values: [], more: 0 }, values = [], all = false;
    body.append(find, list, hint, more);

    const pick = (value, on) => change(facet.name, on ? [...values, value] : values.filter((one) => one !== value));
    const line = (value) => {
      const box = h("input", { type: "checkbox", on: { change: () => pick(value, box.checked) } });
      const count = h("span", { class: "count" });
      const text = motet.valueText(facet.name, value);
      return { box, count, element: h("li", {}, h("label", {}, box, h("bdi", { class: value === "" ? "none" : "", text, title: text }), " ", count)) };
    };
    more.addEventListener("click", () => { all = !all; draw(); });
    find.addEventListener("input", () => draw());
    find.addEventListener("keydown", (event) => {
      const typed = find.value.trim();
      if (event.key !== "Enter" || !typed) return;
      const shown = counted.values.filter(([value]) => matches(value));
      const value = shown.length ? shown[0][0] : typed; // a rare value is not listed: it is taken as it was typed
      find.value = "";
      if (!values.includes(value)) pick(value, true);
    });

    const matches = (value) => motet.fold(motet.valueText(facet.name, value)).includes(motet.fold(find.value.trim()));

    function draw() {
      const searching = find.value.trim() !== "";
      // What is under the hand keeps its place; only a list that nobody touches is put in order anew.
      const still = body.matches(":hover") || body.contains(document.activeElement);
      let order = counted.values;
      if (still && lines.size) {
        const given = new Map(order), before = [...lines.keys()].filter((value) => given.has(value));
        order = [...before.map((value) => [value, given.get(value)]), ...order.filter(([value]) => !lines.has(value))];
      }
      const fitting = order.filter(([value]) => !searching || matches(value));
      const shown = fitting.filter(([value], i) => all || searching || i < AT_FIRST || values.includes(value));
      const kept = new Map(shown.map(([value]) => [value, lines.get(value) ?? line(value)]));
      for (const [value, { element }] of lines) if (!kept.has(value)) element.remove();
      lines.clear();
      shown.forEach(([value, count], i) => {
        const one = kept.get(value);
        lines.set(value, one);
        one.box.checked = values.includes(value);
        one.count.textContent = motet.count(count);
        one.element.classList.toggle("zero", !count);
        if (list.children[i] !== one.element) list.insertBefore(one.element, list.children[i] ?? null);
      });
      const hidden = fitting.length - shown.length;
      more.hidden = searching || (!all && hidden < 1) || order.length <= AT_FIRST;
      more.textContent = all ? "Show fewer" : `Show ${motet.count(hidden)} more`;
      more.setAttribute("aria-expanded", all);
      find.hidden = order.length + counted.more < SEARCHED_FROM && !searching;
      const rest = counted.more ? `${motet.count(counted.more)} rarer ones are not listed; Enter takes what you type.` : "";
      hint.textContent = searching && !shown.length && !rest ? "None is called so." : searching || all ? rest : "";
      hint.hidden = !hint.textContent;
    }

    return (now, chosen) => { counted = now; values = chosen; draw(); };
  }

  // --- ranges ---

  const short = (x) => String(Number(x.toPrecision(6)));

  function range(facet, body, change) {
    const bars = h("div", { class: "bars", "aria-hidden": "true" });
    const low = thumb("lowest"), high = thumb("highest");
    const chart = h("div", { class: "histogram" }, bars, low, high);
    const from = field("from"), to = field("to");
    const box = h("input", { type: "checkbox", on: { change: () => set(ends()) } });
    const count = h("span", { class: "count" });
    const unknown = h("label", { class: "not-known" }, box, h("span", { class: "none", text: "not known" }), " ", count);
    body.append(chart, h("div", { class: "fields" }, from, h("span", { text: "to", "aria-hidden": "true" }), to, h("span", { class: "unit", text: facet.unit ?? "" })), unknown);
    let edges = [], counts = [], values = [], drag = null;

    function thumb(which) {
      return h("div", { class: "thumb " + which, role: "slider", tabindex: "0", "aria-label": `${facet.label}, ${which}`, "aria-orientation": "horizontal" });
    }
    function field(which) {
      return h("input", { type: "number", step: "any", class: "field", "aria-label": `${facet.label}, ${which}${facet.unit ? " (" + facet.unit + ")" : ""}`, inputmode: "decimal", on: { change: typed } });
    }
    function typed() {
      const number = (input) => (input.value.trim() === "" || !Number.isFinite(input.valueAsNumber) ? "" : short(input.valueAsNumber));
      let a = number(from), b = number(to);
      if (a !== "" && b !== "" && Number(a) > Number(b)) [a, b] = [b, a];
      set([a, b]);
    }
    // The ends that are chosen now, as they are written.
    const ends = () => (values.find((value) => value.includes("..")) ?? "..").split("..");
    function set([a, b]) {
      change(facet.name, [...(a !== "" || b !== "" ? [`${a}..${b}`] : []), ...(box.checked ? [""] : [])]);
    }
    // From and to, as numbers of edges.
    function span() {
      const [a, b] = ends();
      const nearest = (x) => edges.reduce((best, edge, i) => (Math.abs(edge - x) < Math.abs(edges[best] - x) ? i : best), 0);
      return [a === "" ? 0 : nearest(Number(a)), b === "" ? edges.length - 1 : nearest(Number(b))];
    }
    // An end at the edge of the drawing is no limit.
    const choose = (i, j) => set([i <= 0 ? "" : short(edges[i]), j >= edges.length - 1 ? "" : short(edges[j])]);

    function binAt(event) {
      const place = chart.getBoundingClientRect();
      const x = (event.clientX - place.left) / Math.max(place.width, 1);
      return Math.max(0, Math.min(counts.length - 1, Math.floor(x * counts.length)));
    }
    chart.addEventListener("pointerdown", (event) => {
      if (event.button || !counts.length) return;
      const [i, j] = span(), bin = binAt(event);
      const thumbed = event.target === low ? j - 1 : event.target === high ? i : null; // the other end stays
      drag = { anchor: thumbed ?? bin, bin: thumbed === null ? bin : event.target === low ? i : j - 1, moved: thumbed !== null };
      chart.setPointerCapture(event.pointerId);
      event.preventDefault();
      if (thumbed !== null) event.target.focus();
      paint();
    });
    chart.addEventListener("pointermove", (event) => {
      if (!drag) return;
      const bin = binAt(event);
      if (bin === drag.bin) return;
      drag.bin = bin;
      drag.moved = true;
      paint();
    });
    chart.addEventListener("pointerup", () => {
      if (!drag) return;
      const [i, j] = dragged();
      const [a, b] = span();
      const again = !drag.moved && a === i && b === j; // one bin that was chosen already: let go of it
      drag = null;
      again ? set(["", ""]) : choose(i, j);
    });
    chart.addEventListener("pointercancel", () => { drag = null; paint(); });
    const dragged = () => [Math.min(drag.anchor, drag.bin), Math.max(drag.anchor, drag.bin) + 1];

    for (const one of [low, high]) {
      one.addEventListener("keydown", (event) => {
        const step = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageUp: 4, PageDown: -4, Home: -1e9, End: 1e9 }[event.key];
        if (!step || event.altKey || event.ctrlKey || event.metaKey) return;
        event.preventDefault();
        event.stopPropagation();
        let [i, j] = span();
        if (one === low) i = Math.max(0, Math.min(j - 1, i + step));
        else j = Math.min(edges.length - 1, Math.max(i + 1, j + step));
        choose(i, j);
      });
    }

    function paint() {
      const [i, j] = drag ? dragged() : span();
      const limited = drag || values.some((value) => value.includes(".."));
      [...bars.children].forEach((bar, k) => bar.classList.toggle("out", Boolean(limited) && (k < i || k >= j)));
      const percent = (k) => `${(100 * k) / Math.max(counts.length, 1)}%`;
      low.style.left = percent(i);
      high.style.left = percent(j);
      for (const [one, k] of [[low, i], [high, j]]) {
        one.setAttribute("aria-valuemin", edges[0] ?? 0);
        one.setAttribute("aria-valuemax", edges.at(-1) ?? 0);
        one.setAttribute("aria-valuenow", edges[k] ?? 0);
        one.setAttribute("aria-valuetext", `${short(edges[k] ?? 0)} ${facet.unit ?? ""}`.trim());
      }
    }

    return (now, chosen) => {
      edges = now.bins.length ? [...now.bins.map(([a]) => a), now.bins.at(-1)[1]] : [];
      counts = now.bins.map(([, , n]) => n);
      values = chosen;
      const most = Math.max(1, ...counts);
      chart.hidden = !counts.length;
      while (bars.children.length > counts.length) bars.lastChild.remove();
      while (bars.children.length < counts.length) bars.append(h("i"));
      counts.forEach((n, k) => {
        const bar = bars.children[k];
        bar.style.height = n ? `max(2px, ${(100 * n) / most}%)` : "0";
      });
      const [a, b] = ends();
      if (document.activeElement !== from) from.value = a;
      if (document.activeElement !== to) to.value = b;
      from.placeholder = edges.length ? short(edges[0]) : "";
      to.placeholder = edges.length ? short(edges.at(-1)) : "";
      box.checked = values.includes("");
      count.textContent = motet.count(now.unknown ?? 0);
      unknown.hidden = !now.unknown && !box.checked;
      if (!drag) paint();
    };
  }
}
