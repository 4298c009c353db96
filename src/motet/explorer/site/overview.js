"use strict";
// What is in the dataset, counted live under the filters of the address, and how it came to be.

{
  const { h, count } = motet;
  const { worded, span, size, moment, totals, valueName, rangeName, binName, line, card, histogram, listed } = motet.charts;

  // --- the state with one thing more, or less ---

  const copied = (params) => new URLSearchParams(String(params ?? ""));

  function toggled(params, facet, value) {
    const next = new URLSearchParams();
    const there = params.getAll(facet.name).includes(value);
    for (const [name, set] of params) if (name !== facet.name || (facet.kind !== "range" && set !== value)) next.append(name, set);
    if (!there) next.append(facet.name, value);
    return next;
  }

  function put(params, name, ...values) {
    const next = copied(params);
    next.delete(name);
    values.forEach((value) => next.append(name, value));
    return next;
  }

  // --- charts, of which each bar adds its filter ---

  const toHere = (params) => motet.href("overview", { params });

  function inside(chosen, low, high) {
    return chosen.some((text) => {
      if (text === "") return false;
      const [from, to] = text.split("..").map((end) => (end === "" ? null : Number(end)));
      return (from === null || low >= from - 1e-9) && (to === null || high <= to + 1e-9);
    });
  }

  function ranged(facet, { bins, unknown }, params) {
    const chosen = params.getAll(facet.name), most = Math.max(1, ...bins.map(([, , n]) => n));
    const bars = bins.map(([low, high, n]) => {
      const on = inside(chosen, low, high), told = `${binName(facet, low, high)}: ${count(n)}`, value = `${low}..${high}`;
      return {
        low, high, parts: [[n / most, "bin"]], href: toHere(toggled(params, facet, value)), name: told, told,
        off: chosen.length > 0 && !on, current: on, key: `${facet.name} ${value}`,
      };
    });
    return card(facet, bars.length ? `most: ${count(most)}` : "",
      bars.length ? histogram(facet.label, bars) : h("p", { class: "nothing", text: "Nothing is known." }),
      unknown ? h("a", {
        class: "unknown", href: toHere(toggled(params, facet, "")), "data-key": `${facet.name} `, "aria-current": chosen.includes("") ? "true" : null,
        text: `${count(unknown)} unknown`,
      }) : "");
  }

  const FEW = 8; // bars that are shown before one asks for more
  const opened = new Set();

  function barred(facet, told, params, total) {
    const chosen = params.getAll(facet.name), all = opened.has(facet.name), values = told.values;
    const most = Math.max(1, ...values.map(([, n]) => n));
    const shown = all ? values : values.filter(([value], i) => i < FEW || chosen.includes(value));
    const list = listed(shown.map(([value, n]) => {
      const name = valueName(facet, value), on = chosen.includes(value);
      return {
        name, none: value === "", bars: line([[n, "bin"]], most), figure: count(n), label: `${name}: ${count(n)}`,
        href: toHere(toggled(params, facet, value)), off: chosen.length > 0 && !on, current: on, key: `${facet.name} ${value}`,
      };
    }));
    const more = values.length > FEW && h("button", {
      type: "button", class: "more", "data-key": `${facet.name} more`, "aria-expanded": String(all),
      text: all ? "Show fewer" : `Show ${count(values.length - shown.length)} more`,
      on: { click: () => { all ? opened.delete(facet.name) : opened.add(facet.name); redraw(`${facet.name} more`); } },
    });
    const further = told.more > 0 && (all || values.length <= FEW) && h("p", { class: "further", text: `and ${count(told.more)} further, each rarer` });
    return card(facet, facet.kind === "many" ? `of ${count(total)}, several each` : "", list, more, further);
  }

  // --- the page ---

  const ORDER = ["tempo", "seconds", "loudness", "key", "metre", "split", "instrument", "tag", "artist", "source", "kind", "judged", "licence", "stage", "reason"];
  const place = (facet) => (ORDER.indexOf(facet.name) + ORDER.length + 1) % (ORDER.length + 1);
  const STATES = ["kept", "dropped", "failed", "unanswered"];
  let here = null; // {params, about, found, live}
  let turn = 0;

  // What is in a dataset is what was kept, unless the address asks for something else.
  function asked(params, about) {
    const states = about.facets.find((facet) => facet.name === "state");
    return states && !params.has("state") ? put(params, "state", "kept") : copied(params);
  }

  function redraw(key) {
    const { live, about, found, params } = here;
    const facets = [...about.facets].sort((a, b) => place(a) - place(b));
    const told = (facet) => found.facets?.[facet.name];
    const same = [], charts = [];
    for (const facet of facets) {
      const counts = told(facet);
      if (!counts || facet.name === "state") continue;
      const has = params.has(facet.name);
      if (facet.kind === "range") {
        if (has || counts.bins?.length) charts.push(ranged(facet, { bins: counts.bins ?? [], unknown: counts.unknown ?? 0 }, params));
      } else if (has || counts.values?.length > 1) charts.push(barred(facet, counts, params, found.total));
      else if (counts.values?.length === 1 && counts.values[0][0] !== "") same.push([facet.label, counts.values[0][0]]);
    }
    const held = key ?? document.activeElement?.getAttribute?.("data-key");
    live.replaceChildren(bar(), ...(found.total || charts.length ? [] : [h("p", { class: "nothing", text: "There is nothing to count." })]),
      h("div", { class: "charts" }, motet.charts.packed(charts)),
      same.length ? h("p", { class: "same" }, "The same for all: ", same.map(([label, value], i) => [i ? ", " : "", `${label.toLowerCase()} `, h("bdi", { text: value })]), ".") : "");
    if (held) [...live.querySelectorAll("[data-key]")].find((one) => one.getAttribute("data-key") === held)?.focus({ preventScroll: true });
  }

  function bar() {
    const { params, about, found } = here;
    const states = found.facets?.state?.values ?? [];
    const now = asked(params, about);
    const tabs = states.length > 1 && h("ul", { class: "states", "aria-label": "What became of it" },
      STATES.filter((state) => states.some(([name]) => name === state)).map((state) => {
        const on = now.getAll("state").includes(state);
        const n = states.find(([name]) => name === state)[1];
        return h("li", {}, h("a", {
          href: motet.href("overview", { params: state === "kept" ? put(params, "state") : put(params, "state", state) }),
          "aria-current": on ? "true" : null, "data-key": `state ${state}`,
        }, h("i", { class: state === "kept" ? "ok" : state }), `${state} `, h("b", { text: count(n) })));
      }));
    return h("div", { class: "askbar" }, tabs || "", chips(params, about),
      found.total > 0 && h("a", { class: "button tolist", href: motet.href("browse", { params: now }), "data-key": "list" },
        found.total === 1 ? "Show it in the list" : `Show these ${count(found.total)} in the list`));
  }

  function chips(params, about) {
    const facets = new Map(about.facets.map((facet) => [facet.name, facet]));
    const made = [];
    if (params.get("q")) made.push([`“${params.get("q")}”`, put(params, "q")]);
    for (const [name, value] of params) {
      const facet = facets.get(name);
      if (!facet || name === "state") continue;
      const told = facet.kind === "range" ? rangeName(facet, value) : valueName(facet, value);
      const without = new URLSearchParams([...params].filter(([other, set]) => other !== name || set !== value));
      made.push([`${facet.label}: ${told}`, without]);
    }
    if (!made.length) return "";
    return h("ul", { class: "chips", "aria-label": "Filters" },
      made.map(([text, next]) => h("li", {}, h("a", { class: "chip", href: motet.href("overview", { params: next }), "aria-label": `${text}, take it away` },
        h("bdi", { text }), motet.icon("close")))),
      made.length > 1 && h("li", {}, h("a", { class: "chip clear", href: motet.href("overview", { params: new URLSearchParams() }), text: "Clear all" })));
  }

  // Of several states asked for quickly, the last one is shown.
  async function countUnder(params) {
    const mine = ++turn, { live, about } = here;
    live.setAttribute("aria-busy", "true");
    try {
      const found = await motet.store.find(asked(params, about));
      if (mine !== turn) return undefined;
      Object.assign(here, { params, found });
      redraw();
      live.removeAttribute("aria-busy");
      return found;
    } catch (error) {
      if (mine === turn) live.replaceChildren(h("p", { class: "notice", role: "alert", text: error.message, dir: "auto" }));
      return undefined;
    }
  }

  // --- what was left out ---

  const kindOf = (status) => ({ dropped: "dropped", unanswered: "unanswered" }[status] ?? "failed");

  function toReason(about, drop) {
    const known = new Set(about.facets.map((facet) => facet.name));
    const params = new URLSearchParams();
    for (const [name, value] of [["state", kindOf(drop.status)], ["stage", drop.stage], ["reason", drop.reason]]) if (known.has(name)) params.append(name, value);
    return motet.href("browse", { params });
  }

  function funnel(told, about) {
    if (!told.stages.length) return h("p", { class: "nothing", text: "No run has finished yet." });
    const most = Math.max(1, ...told.stages.map((stage) => stage.in));
    return h("ol", { class: "funnel" }, told.stages.map((stage) => {
      const pieces = [[stage.ok, "ok", "ok"], [stage.dropped, "dropped", "dropped"], [stage.failed, "failed", "failed"], [stage.unanswered, "unanswered", "unanswered"]];
      const lost = told.drops.filter((drop) => drop.stage === stage.name);
      return h("li", {},
        h("div", { class: "name" }, h("bdi", { text: stage.name }), h("span", { class: "io" }, `${count(stage.in)} in, `, h("b", { text: count(stage.out) }), " out")),
        line(pieces, most, pieces.filter(([n]) => n).map(([n, , name]) => `${count(n)} ${name}`).join(", ") || "nothing to do"),
        h("p", { class: "about", dir: "auto" }, worded(stage.about)),
        h("p", { class: "took" }, Number.isFinite(stage.seconds) ? span(stage.seconds) : "", stage.media_bytes ? `, ${size(stage.media_bytes)}` : ""),
        lost.length ? h("ul", { class: "lost" }, lost.slice(0, 6).map((drop) => h("li", { class: kindOf(drop.status) },
          h("a", { href: toReason(about, drop) }, h("code", { text: drop.reason || drop.status, dir: "auto" }), ` ${count(drop.count)}`)))) : "");
    }));
  }

  function reasons(told, about) {
    if (!told.drops.length) return h("p", { class: "nothing", text: told.stages.length ? "Nothing was left out." : "Nothing yet." });
    const most = Math.max(...told.drops.map((drop) => drop.count));
    const links = told.drops.map((drop) => h("a", {
      href: toReason(about, drop), title: "Show these in the list",
    },
      h("span", { class: "what" }, h("code", { text: drop.reason || drop.status, dir: "auto" }),
        h("small", { dir: "auto" }, drop.stage, drop.status === "dropped" ? "" : `, ${drop.status.replace("_", " ")}`)),
      h("span", { class: "meaning", text: drop.meaning, dir: "auto" }),
      line([[drop.count, kindOf(drop.status)]], most),
      h("b", { class: "number", text: count(drop.count) })));
    return h("ul", { class: "reasons" }, links.map((link) => h("li", {}, link)));
  }

  // --- how good it is, and how it was made ---

  function figures(groups) {
    return h("div", { class: "figures" }, groups.map(({ title, rows }) => h("section", { class: "figure", "aria-label": title },
      h("h3", { text: title }),
      h("dl", {}, rows.map(({ label, value, meaning }) => h("div", {},
        h("dt", { text: label, dir: "auto" }), h("dd", {}, h("b", { text: value, dir: "auto" }), h("span", { dir: "auto" }, worded(meaning)))))))));
  }

  function runs(list) {
    if (!list.length) return h("p", { class: "nothing", text: "No run is written down here." });
    const rows = list.map((run) => {
      const slow = [...run.stages].filter(({ seconds }) => Number.isFinite(seconds)).sort((a, b) => b.seconds - a.seconds).slice(0, 3);
      const done = run.stages.reduce((sum, { done: n }) => sum + (Number.isFinite(n) ? n : 0), 0);
      return h("tr", {}, h("th", { scope: "row" }, run.started ? moment(run.started) : run.name), h("td", { text: span(run.seconds) }), h("td", { text: count(done) }),
        h("td", { class: "words", dir: "auto", text: run.trouble || slow.map(({ name, seconds }) => `${name} ${span(seconds)}`).join(", ") }));
    });
    return h("div", { class: "scroll", role: "region", tabindex: "0", "aria-label": "Runs" }, h("table", {},
      h("thead", {}, h("tr", {}, ["begun", "took", "rows answered", "most of it"].map((text, i) => h("th", { scope: "col", text, class: i === 3 ? "words" : null })))),
      h("tbody", {}, rows)));
  }

  function command(text) {
    const button = h("button", { type: "button", class: "button copy", text: "Copy", on: { click: async () => {
      try {
        await navigator.clipboard.writeText(text);
        motet.announce("Copied.");
        button.textContent = "Copied";
      } catch {
        getSelection().selectAllChildren(shown); // no clipboard here: it is marked, and can be copied by hand
        button.textContent = "Marked";
      }
      setTimeout(() => { button.textContent = "Copy"; }, 1600);
    } } });
    const shown = h("code", { text, dir: "ltr" });
    return h("div", { class: "command" }, h("pre", { tabindex: "0", "aria-label": "Command" }, shown), button);
  }

  const section = (id, heading, note, ...body) => h("section", { "aria-labelledby": `${id}-h`, class: id },
    h("h2", { id: `${id}-h`, text: heading }), note ? h("p", { class: "note", text: note }) : "", body);

  async function whole(main, about, live, waiting) {
    const told = await motet.store.overview();
    if (!main.contains(live)) return; // another page is shown by now
    main.querySelector(".lead").append(totals(told.totals));
    waiting.remove();
    main.append(
      section("quality", "How good it is", "", told.figures.length ? figures(told.figures) : h("p", { class: "nothing", text: "No stage of this recipe measures it." })),
      section("left", "What was left out, and why", "Of the whole dataset, whatever the filters above. Each leads to the rows.", reasons(told, about)),
      section("stages", "Stage by stage", "", h("p", { class: "legend", "aria-hidden": "true" }, ["ok", "dropped", "failed", "unanswered"].map((kind) => h("span", {}, h("i", { class: kind }), kind))), funnel(told, about)),
      section("again", "To make it again", "", command(told.command), h("h3", { text: told.runs.length === 1 ? "Its run" : "Its runs" }), runs(told.runs)));
    for (const { svg, said } of told.drawings ?? []) {
      main.append(h("img", { class: "drawing", alt: said, src: `data:image/svg+xml,${encodeURIComponent(svg)}` }));
    }
  }

  motet.pages.overview = {
    title: (_place, data) => (data?.title ? `Overview of ${data.title}` : "Overview"),

    async show(main, { params }) {
      const about = await motet.store.about();
      const live = h("div", { class: "live" });
      const own = { params, about, found: { total: 0, facets: {} }, live };
      here = own;
      const waiting = h("p", { class: "nothing waiting", text: "Counting the rest …" });
      main.append(h("header", { class: "lead" }, h("h1", { text: about.title, dir: "auto" }),
        h("p", { class: "summary", dir: "auto", text: about.about ?? "" }),
        h("p", { class: "made" }, "Recipe ", h("bdi", { text: about.recipe ?? "" }), about.made_at ? [", built ", moment(about.made_at)] : "")),
        section("spread", "What is in it", about.note || "", h("p", { class: "hint", text: "Choose a bar to see the rest for those only.", hidden: !about.total }), live), waiting);
      live.append(h("p", { class: "nothing", text: "Counting …" }));
      const counting = countUnder(params); // the rest is asked for at the same time
      whole(main, about, live, waiting).catch((error) => {
        waiting.replaceWith(h("p", { class: "notice", role: "alert", text: error.message, dir: "auto" }));
      });
      await counting;
      return () => {
        if (here !== own) return;
        turn += 1;
        here = null;
      };
    },

    move({ params }) {
      if (!here) return false;
      countUnder(params).then((found) => found && motet.announce(`${count(found.total)} match`));
      return true;
    },
  };
}
