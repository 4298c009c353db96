"use strict";
// The page of one example: heard, seen, and where it comes from.
{
  const { h } = motet;
  const list = (value) => (Array.isArray(value) ? value : []);
  const STATES = { kept: "", dropped: "left out", failed: "failed", unanswered: "not answered" };
  const KEYS = [
    ["space", "play and pause"], ["← →", "two seconds"], ["shift ← →", "a bar"], ["home end", "to the ends"], ["m", "mute"],
    ["1 … 9", "mute a stem"], ["shift 1 … 9", "hear it alone"], ["[ ]", "begin and end of a part"], ["l", "loop it"], ["g b n", "good, bad, note"], ["j k", "next, the one before"],
  ];
  let goesOn = false; // the next example plays at once, when this one did

  const nameOf = (path) => String(path ?? "").split("/").at(-1);
  const titleOf = (one) => one.title || nameOf(one.path) || one.id;

  // --- its neighbours ---

  const linkFrom = (place) => (id, at) => {
    const params = new URLSearchParams();
    if (place.params.has("from")) params.set("from", place.params.get("from"));
    if (Number.isInteger(at)) params.set("at", at);
    return motet.href("one", { id, params });
  };

  // The rows before and after it in the list that one came from; null where it is not known where it stands.
  async function neighbours(place) {
    if (!place.params.has("from")) return null;
    const from = new URLSearchParams(place.params.get("from"));
    const at = Number.parseInt(place.params.get("at") ?? "", 10);
    const first = Number.isInteger(at) && at >= 0 ? Math.max(0, at - 1) : 0;
    const { rows, total } = await motet.store.rows(from, first, Number.isInteger(at) ? 3 : 100);
    const i = rows.findIndex(({ id }) => id === place.id);
    if (i < 0) return null;
    const beside = (step) => (rows[i + step] ? { id: rows[i + step].id, at: first + i + step } : null);
    return { before: beside(-1), after: beside(1), at: first + i, total };
  }

  function trail(place, where) {
    const back = motet.href("browse", { params: new URLSearchParams(place.params.get("from") ?? "") });
    const link = linkFrom(place);
    const step = (to, icon, text, key) => (to
      ? h("a", { class: "tool", href: link(to.id, to.at), rel: icon === "left" ? "prev" : "next", title: `${text} (${key})`, "aria-label": text }, motet.icon(icon))
      : h("span", { class: "tool end", "aria-hidden": "true" }, motet.icon(icon)));
    return h("nav", { class: "trail", "aria-label": "In the list" },
      h("a", { class: "back", href: back }, motet.icon("left"), h("span", { text: "The list" })),
      where ? h("span", { class: "steps" }, step(where.before, "left", "The one before", "k"),
        h("span", { class: "at", text: `${motet.count(where.at + 1)} of ${motet.count(where.total)}` }), step(where.after, "right", "The next one", "j")) : null);
  }

  // --- head ---

  function head(one, judge) {
    const spanned = Number.isFinite(one.start) && Number.isFinite(one.end) ? `${motet.clock(one.start)}–${motet.clock(one.end)}` : "";
    const marks = [one.kind, one.split, STATES[one.state] ?? one.state].filter(Boolean);
    return h("header", { class: "head" },
      h("div", { class: "words" },
        h("h1", { text: titleOf(one), dir: "auto" }),
        h("p", { class: "of" }, one.artist ? h("bdi", { class: "whom", text: one.artist }) : null, h("bdi", { class: "place", text: one.path, title: one.path }), spanned ? h("span", { text: spanned }) : null),
        h("p", { class: "badges" }, marks.map((text) => h("span", { class: `badge ${text === one.split ? "" : one.state}`, text })))),
      judge?.element);
  }

  function whyNot(one) {
    if (one.state === "kept" || (!one.why && !one.reason)) return null;
    return h("section", { class: `why ${one.state}`, "aria-labelledby": "h-why" },
      h("h2", { id: "h-why", text: one.state === "dropped" ? "Why this was left out" : "Why this is not there" }),
      motet.prose("p", { class: "sentence", text: one.why || one.detail || one.reason }),
      motet.prose("p", { class: "lesser" }, one.stage ? h("code", { text: one.stage }) : null, one.reason ? h("code", { text: one.reason }) : null,
        one.detail && !String(one.why).includes(one.detail) ? h("span", { text: one.detail }) : null));
  }

  // Media that are gone or damaged. The first tells what to do; the others wait behind it, so that the page stays in sight.
  function missing(one) {
    const [first, ...others] = list(one.missing).map((sentence) => h("li", {}, motet.icon("warning"), motet.prose("span", { text: sentence })));
    if (!first) return null;
    return h("section", { class: "missing", "aria-label": "Missing" }, h("ul", {}, first),
      others.length ? h("details", {}, h("summary", { text: `${motet.count(others.length)} more cannot be had` }), h("ul", {}, others)) : null);
  }

  function help(judging, stems) {
    const keys = KEYS.filter(([key]) => (judging || !key.startsWith("g")) && (stems || !key.endsWith("9")));
    return h("details", { class: "keys" }, h("summary", { text: "Keys" }),
      h("dl", {}, keys.map(([key, text]) => h("div", {}, h("dt", {}, key.split(" ").map((each) => (each === "…" ? " … " : h("kbd", { text: each })))), h("dd", { text })))));
  }

  function columns(...parts) {
    const sides = parts.map((side) => side.filter(Boolean)).filter((side) => side.length);
    return h("div", { class: sides.length > 1 ? "columns" : "columns single" }, sides.map((side) => h("div", {}, side)));
  }

  // --- the page ---

  let turn = 0; // of several examples asked for, the last one is shown

  async function show(main, place) {
    const mine = ++turn;
    main.replaceChildren(h("p", { class: "loading", role: "status", text: "Opening …" }));
    const [one, about, where] = await Promise.all([motet.store.one(place.id), motet.store.about(), neighbours(place).catch(() => null)]);
    if (mine !== turn || motet.place().page !== "one") return undefined; // one has gone elsewhere meanwhile
    motet.entitle(titleOf(one));
    const judging = Boolean(about.judging) && !about.static;
    const judge = motet.judge(one, { judging });
    const colours = motet.roll.colours(list(one.voices));
    const mixer = motet.mixer(one, { colours, playable: Boolean(one.sound || one.video) && about.stems !== false });
    const shown = one.video || one.sound || list(one.notes).length || list(one.peaks).length || list(one.sections).length;
    const stage = shown ? motet.stage(one, { colours, mixer }) : null;
    const link = linkFrom(place);
    main.replaceChildren(...[
      trail(place, where), head(one, judge), whyNot(one), missing(one), stage?.element, mixer?.element, stage && (one.video || one.sound) ? help(judging, list(one.stems).length) : null,
      motet.othersOf(one, link),
      columns([motet.captionsOf(one), motet.factsOf(one), motet.copiesOf(one, link)], [motet.downloadsOf(one), motet.licencesOf(one), motet.chainOf(one)]),
    ].filter(Boolean));
    stage?.shows();
    mixer?.shows();

    function step(to) {
      if (!to) return false;
      goesOn = !motet.player.paused;
      motet.go("one", { id: to.id, params: new URLSearchParams(link(to.id, to.at).split("?")[1] ?? "") });
      return true;
    }

    function keys(event) {
      if (event.defaultPrevented || event.altKey || event.ctrlKey || event.metaKey) return;
      if (event.target.closest?.("input, textarea, select, dialog, [contenteditable]")) return; // fields keep their keys
      const taken = stage?.keys(event) || mixer?.keys(event) || (!event.shiftKey && !event.repeat && judge?.keys(event))
        || (event.key === "j" && step(where?.after)) || (event.key === "k" && step(where?.before));
      if (taken) event.preventDefault();
    }
    document.addEventListener("keydown", keys);
    if (goesOn) motet.player.play();
    goesOn = false;
    return () => {
      document.removeEventListener("keydown", keys);
      judge?.close();
      mixer?.close();
      stage?.close();
    };
  }

  motet.pages.one = { title: () => "Example", show };
}
