"use strict";
// Two datasets, two versions of one, or two runs: side by side, and why they differ. The other comes first, as what was before.

{
  const { h, count } = motet;
  const { span, size, line, card, histogram, listed, rangeName, valueName } = motet.charts;

  const figure = (value, unit) => (unit === "seconds" ? span(value) : unit === "bytes" ? size(value) : count(value));
  const signed = (n) => (n > 0 ? `+${count(n)}` : n < 0 ? `−${count(-n)}` : "0");

  const scroll = (name, table) => h("div", { class: "scroll", role: "region", tabindex: "0", "aria-label": name }, table);
  const section = (id, heading, ...body) => h("section", { "aria-labelledby": `${id}-h`, class: id }, h("h2", { id: `${id}-h`, text: heading }), body);

  // --- whom with ---

  function chooser(choices, chosen) {
    const select = h("select", { id: "with", on: { change: () => motet.go("compare", { params: new URLSearchParams({ with: select.value }) }) } },
      chosen === null ? h("option", { value: "", text: "choose …" }) : "",
      choices.map(({ name, label }) => h("option", { value: name, text: label })));
    select.value = chosen ?? "";
    return h("p", { class: "with" }, h("label", { for: "with", text: "Compare with" }), select);
  }

  // --- what came of it ---

  function totals(one, other) {
    const labels = [...new Set([...other.totals, ...one.totals].map(({ label }) => label))];
    const of = (side, label) => side.totals.find((total) => total.label === label);
    return scroll("Totals", h("table", { class: "totals-table" },
      h("thead", {}, h("tr", {}, h("td"), h("th", { scope: "col", dir: "auto", text: other.title }), h("th", { scope: "col", dir: "auto", text: one.title }), h("th", { scope: "col", text: "more or less" }))),
      h("tbody", {}, labels.map((label) => {
        const [then, now] = [of(other, label), of(one, label)], unit = (now ?? then).unit;
        const apart = (now?.value ?? 0) - (then?.value ?? 0);
        const told = unit === "count" ? signed(apart) : apart === 0 ? "0" : `${apart > 0 ? "+" : "−"}${figure(Math.abs(apart), unit)}`;
        return h("tr", {}, h("th", { scope: "row", text: label, dir: "auto" }), [then, now].map((side) => h("td", { text: side ? figure(side.value, unit) : "–" })),
          h("td", { class: apart ? "apart" : "zero", text: told }));
      }))));
  }

  const WHAT = { added: "only in the second", removed: "only in the first", changed: "in both, and not alike", same: "alike" };
  const KINDS = Object.keys(WHAT);

  const legend = () => h("p", { class: "legend" }, KINDS.map((what) => h("span", {}, h("i", { class: what, "aria-hidden": "true" }), h("b", { text: what }), ` ${WHAT[what]}`)));

  function tables(list) {
    const other = list.filter((one) => one.added + one.removed + one.changed), alike = list.filter((one) => !other.includes(one));
    const most = Math.max(1, ...list.map((one) => KINDS.reduce((sum, what) => sum + one[what], 0)));
    const rows = other.map((one) => h("tr", {}, h("th", { scope: "row", text: one.table }),
      KINDS.map((what) => h("td", { class: one[what] ? null : "zero", text: count(one[what]) })),
      h("td", { class: "share" }, line(KINDS.map((what) => [one[what], what, what]), most))));
    const head = h("thead", {}, h("tr", {}, h("th", { scope: "col", text: "table" }), KINDS.map((what) => h("th", { scope: "col", text: what })), h("td")));
    return [rows.length ? scroll("Tables", h("table", {}, head, h("tbody", {}, rows))) : h("p", { class: "nothing", text: "All rows are alike." }),
      rows.length && alike.length ? h("p", { class: "same", text: `Alike row by row: ${alike.map((one) => one.table).join(", ")}.` }) : ""];
  }

  // An example leads to itself, or to what else there is of its source.
  function exampleOf(one, i) {
    const id = one.examples[i], told = (one.said?.[i] ?? id).replace(` (${id})`, "");
    const gone = one.what === "removed" && one.cause.startsWith("its source");
    const href = one.opens?.[i] ? motet.href("one", { id: one.opens[i] }) : motet.href("browse", { params: new URLSearchParams({ q: id.split(".")[0] }) });
    return h("li", { dir: "auto" }, gone || !id ? told : h("a", { href, text: told || id }), h("small", { text: ` ${one.table} ${id}` }));
  }

  // One cause shows in many tables, as each is made of others: they stand together under it, the most telling first.
  function causes(list) {
    const byCause = new Map();
    for (const one of list) byCause.set(one.cause, [...(byCause.get(one.cause) ?? []), one]);
    const rows = (ones) => ones.reduce((sum, one) => sum + one.rows, 0);
    return h("ol", { class: "causes" }, [...byCause].sort((a, b) => rows(b[1]) - rows(a[1])).map(([cause, ones]) => h("li", {},
      h("h3", { text: cause, dir: "auto" }),
      h("ul", { class: "effects" }, ones.map((one) => h("li", { class: one.what },
        h("i", { class: one.what, "aria-hidden": "true" }), h("b", { text: count(one.rows) }), ` ${one.table} ${one.what}`))),
      h("details", {}, h("summary", { text: "Examples" }),
        h("ul", { class: "examples" }, ones.map((one) => one.examples.map((_, i) => exampleOf(one, i))))))));
  }

  // --- stages ---

  const COLUMNS = [["in", count], ["ok", count], ["dropped", count], ["failed", count], ["out", count], ["seconds", span]];

  function stages(list, one, other) {
    const cell = (stage, key, told) => {
      const [then, now] = [stage.other?.[key], stage.one?.[key]];
      const words = (value) => (Number.isFinite(value) ? told(value) : "–");
      const alone = !Number.isFinite(then) || !Number.isFinite(now);
      if (alone || words(then) === words(now)) return h("td", { class: now || then ? null : "zero", text: words(now ?? then) });
      return h("td", { class: key === "seconds" ? "pair" : "pair apart" }, h("span", { text: words(then) }), h("span", { class: "arrow", "aria-label": "became", role: "img", text: " → " }), h("b", { text: words(now) }));
    };
    const note = (stage) => (stage.one && stage.other ? "" : h("small", { text: stage.one ? `not in ${other.title}` : `not in ${one.title}` }));
    return scroll("Stages", h("table", { class: "stages-table" },
      h("thead", {}, h("tr", {}, h("th", { scope: "col", text: "stage" }), COLUMNS.map(([key]) => h("th", { scope: "col", text: key === "seconds" ? "took" : key })))),
      h("tbody", {}, list.map((stage) => h("tr", {}, h("th", { scope: "row" }, h("bdi", { text: stage.name }), note(stage)), COLUMNS.map(([key, told]) => cell(stage, key, told)))))));
  }

  // --- spreads: two bars a value, each as a share of its own dataset ---

  const share = (n, whole) => `${((100 * n) / whole).toFixed(n && n / whole < 0.0995 ? 1 : 0)} %`;
  const MOST = 10; // values of a chart

  function spread({ name, label, values }, one, other, facet) {
    const whole = [2, 1].map((side) => values.reduce((all, value) => all + value[side], 0) || 1);
    const most = Math.max(1e-9, ...values.map(([, now, then]) => Math.max(then / whole[0], now / whole[1])));
    const shown = facet.kind === "range" ? values : values.slice(0, MOST);
    const bars = shown.map(([value, now, then]) => {
      const called = facet.kind === "range" ? rangeName(facet, value) : valueName(facet, value);
      return {
        value, now, then, called, parts: [[then / whole[0] / most, "then"], [now / whole[1] / most, "bin"]],
        told: `${called}: ${count(then)} → ${count(now)}`,
        all: `${called}: ${count(then)} in ${other.title}, ${share(then, whole[0])}; ${count(now)} in ${one.title}, ${share(now, whole[1])}`,
        href: motet.href("browse", { params: new URLSearchParams({ [name]: value }) }),
      };
    });
    if (facet.kind === "range") {
      const ends = (value) => value.split("..").map(Number);
      return card(facet, "", histogram(label, bars.map((bar) => ({ ...bar, low: ends(bar.value)[0], high: ends(bar.value)[1], name: bar.all }))));
    }
    const list = listed(bars.map((bar) => ({
      name: bar.called, none: bar.value === "", label: bar.all, href: bar.href,
      bars: bar.parts.map((part) => line([part], 1)), figure: [h("small", { text: count(bar.then) }), count(bar.now)],
    })));
    list.classList.add("paired");
    return card(facet, "", list, values.length > MOST ? h("p", { class: "further", text: `and ${count(values.length - MOST)} further, each rarer` }) : "");
  }

  // --- the page ---

  function shown(told, about) {
    const { one, other } = told, facets = new Map(about.facets.map((facet) => [facet.name, facet]));
    const alike = told.tables.length && told.tables.every((table) => !(table.added + table.removed + table.changed));
    const spreads = told.spread.filter(({ values }) => values.length);
    const key = h("p", { class: "legend" }, h("span", {}, h("i", { class: "then", "aria-hidden": "true" }), h("bdi", { text: other.title })), h("span", {}, h("i", { class: "bin", "aria-hidden": "true" }), h("bdi", { text: one.title })),
      h("span", { text: "Bars are shares of each, figures are counts." }));
    return [
      section("together", "Side by side", totals(one, other),
        told.facts.length ? h("ul", { class: "facts" }, told.facts.map((fact) => h("li", { text: fact, dir: "auto" }))) : ""),
      told.tables.length ? section("tables", "What is other", h("p", { class: "note" }, "The first is ", h("bdi", { text: other.title }), ", the second is ", h("bdi", { text: one.title }), "."), alike ? "" : legend(), tables(told.tables)) : "",
      told.sums.length ? section("why", "Why", causes(told.sums)) : "",
      told.stages.length ? section("stages", "Stage by stage", h("p", { class: "note" }, "Where both are alike there is one figure, else ", h("bdi", { text: other.title }), " → ", h("bdi", { text: one.title }), "."), stages(told.stages, one, other)) : "",
      spreads.length ? section("spread", "How both spread", key, h("div", { class: "charts" }, motet.charts.packed(spreads.map((each) => spread(each, one, other, facets.get(each.name) ?? { ...each, kind: "one" }))))) : "",
    ];
  }

  // A comparison of many rows takes its time: that it is at work is seen, and said once.
  function working() {
    const clock = h("span", { class: "elapsed" }), since = Date.now();
    const timer = setInterval(() => {
      const seconds = Math.floor((Date.now() - since) / 1000);
      if (seconds > 1) clock.textContent = ` ${seconds} s`;
    }, 500);
    const box = h("div", { class: "working" }, h("p", { role: "status" }, "Comparing every row of both. Of many this takes a while."), h("div", { class: "moving", "aria-hidden": "true" }, h("i")), clock);
    return { box, end: () => { clearInterval(timer); box.remove(); } };
  }

  motet.pages.compare = {
    title: (_place, data) => (data?.title ? `Compare ${data.title}` : "Compare"),

    async show(main, { params }) {
      const about = await motet.store.about();
      const choices = about.compare ?? [], chosen = params.get("with");
      main.append(h("header", { class: "lead" }, h("h1", { dir: "auto", text: `Compare ${about.title}` })));
      if (!choices.length && chosen === null) {
        main.append(h("p", { class: "nothing", text: about.static ? "A site of files compares nothing; `motet explore` does." : "There is nothing to compare with yet." }));
        if (!about.static) main.append(h("ul", { class: "ways" },
          h("li", {}, "Another dataset: ", h("code", { text: "motet explore DIR --beside OTHER" })),
          h("li", {}, "An earlier state of this one: ", h("code", { text: "motet tag DIR v1" }), ", then build again"),
          h("li", {}, "Two runs: build again, and the earlier ones are listed here")));
        return undefined;
      }
      main.append(chooser(choices, choices.some(({ name }) => name === chosen) ? chosen : null));
      if (chosen === null) return undefined;
      const { box, end } = working();
      main.append(box);
      let gone = false;
      motet.store.compare(chosen).then((told) => {
        end();
        if (gone) return;
        main.append(...shown(told, about).filter(Boolean));
        motet.announce("The comparison is there.");
      }, (error) => {
        end();
        if (!gone) main.append(h("p", { class: "notice", role: "alert", text: error.message, dir: "auto" }));
      });
      return () => { gone = true; end(); };
    },
  };
}
