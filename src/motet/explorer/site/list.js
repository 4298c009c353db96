"use strict";
// The list of all there is to look at. Only the rows in sight are in the document; the address holds what was asked.

{
  const { h } = motet;
  const { PAGE, heard, nameOf } = motet.rows;
  const TYPING = 120, RESTING = 150, SLOW = 500; // milliseconds
  const KEYS = [
    ["/", "search"], ["↓ ↑ or j k", "next and previous row"], ["Home End", "first and last row"], ["Enter", "open the row"], ["Space", "play or pause"],
    ["g  b", "judge good or bad; again takes it back"], ["Esc", "leave a field"], ["?", "this help"],
  ];

  const words = (params) => (params.get("q") ?? "").trim();
  const filtersIn = (params) => [...params].filter(([name]) => name !== "q" && name !== "sort");

  // --- the page ---

  let shown = null; // the page that is shown

  motet.pages.browse = {
    title: (_place, about) => about?.title ?? "Browse",
    show: async (main, place) => {
      const page = shown = browse(main, place);
      page.begin();
      return () => { page.close(); if (shown === page) shown = null; };
    },
    move: (place) => shown?.move(place) ?? false,
  };

  function browse(main, place) {
    const search = h("input", { type: "search", class: "field search", placeholder: "Search captions, names, tags …", "aria-label": "Search", "aria-keyshortcuts": "/", autocomplete: "off", spellcheck: "false", enterkeyhint: "search" });
    const sort = h("select", { class: "field", "aria-label": "Sort by" });
    const way = h("button", { type: "button", class: "plain way" });
    const total = h("p", { class: "total" });
    const chips = h("ul", { class: "chips", "aria-label": "Chosen filters" });
    const note = h("p", { class: "note", hidden: true, dir: "auto" });
    const nowText = h("bdi");
    const now = h("button", { type: "button", class: "now", hidden: true, title: "Pause", on: { click: () => motet.player.pause() } }, motet.icon("pause"), h("span", { class: "unseen", text: "Pause " }), nowText);
    const list = h("ol", { class: "rows", role: "list", "aria-label": "Examples" });
    const empty = h("div", { class: "empty", hidden: true });
    const scroller = h("div", { class: "scroller" }, list, empty);
    const facets = h("div", { class: "facets" });
    const column = h("aside", { class: "filters", "aria-label": "Filters" }, facets);
    const filtersButton = h("button", { type: "button", class: "button filter-button", "aria-haspopup": "dialog" });
    const sheetDone = h("button", { type: "button", class: "button main" });
    const sheet = h("dialog", { class: "sheet", "aria-label": "Filters" }, h("div", { class: "sheet-foot" }, sheetDone));
    const help = h("dialog", { class: "help", "aria-labelledby": "keys" }, h("h2", { id: "keys", text: "Keys" }),
      h("dl", {}, KEYS.map(([keys, does]) => h("div", {}, h("dt", {}, keys.split(/ (?=\S)| {2}/).map((key) => (key.trim() === "or" ? " or " : h("kbd", { text: key.trim() })))), h("dd", { text: does })))),
      h("button", { type: "button", class: "button", text: "Close", on: { click: () => help.close() } }));
    const helpButton = h("button", { type: "button", class: "plain help-button", "aria-label": "Keys", title: "Keys (?)", on: { click: () => help.showModal() } }, motet.icon("help"));
    const results = h("section", { class: "results", "aria-label": "Results" },
      h("div", { class: "bar" }, h("div", { class: "searching" }, motet.icon("search"), search), filtersButton, h("div", { class: "sorting" }, h("span", { text: "Sort by", "aria-hidden": "true" }), sort, way), helpButton),
      note, h("div", { class: "status" }, total, chips, now), scroller);
    main.append(h("h1", { class: "unseen", text: "Browse" }), column, results, sheet, help);

    let about = null, found = null, epoch = 0, typing = 0, resting = 0, recount = 0, slow = 0, closed = false;
    const page = {
      params: place.params, asked: place.params, judging: false, scroller, list,
      sounds(element, row) {
        const on = Boolean(row) && motet.player?.id === row.id && !motet.player.paused;
        element.classList.toggle("sounding", on);
        element.querySelector(".play:not(.none)")?.setAttribute("aria-label", `${on ? "Pause" : "Play"} ${row ? nameOf(row) : ""}`);
      },
      drawn() { // what plays can be stopped when its row is not in sight
        const { player } = motet;
        let hidden = !player?.id || player.paused;
        if (!hidden) rows.each((_, row) => { hidden ||= row?.id === player.id; });
        if (now.hidden !== hidden) now.hidden = hidden;
        if (!hidden) nowText.textContent = motet.playing?.id === player.id ? motet.playing.name : "what plays";
      },
      trouble(sentence) { tell(sentence); },
      changed() { fresh(); },
    };
    const rows = motet.rows.in(page);
    const filters = motet.filters(facets, (name, values) => {
      const params = new URLSearchParams(page.params);
      params.delete(name);
      values.forEach((value) => params.append(name, value));
      turn(params);
    });

    // --- asking ---

    // The state in one order, so that one question has one address.
    function tidy(params) {
      const known = ["q", ...(about?.facets ?? []).map((facet) => facet.name), "sort"];
      const place = (name) => (known.includes(name) ? known.indexOf(name) : known.length - 1.5);
      const kept = [...params].filter(([name, value]) => !((name === "q" || name === "sort") && value === ""));
      return new URLSearchParams(kept.sort((a, b) => place(a[0]) - place(b[0])));
    }

    function turn(params, { replace = false } = {}) {
      remember();
      page.params = tidy(params);
      motet.go("browse", { params: page.params, replace });
      return ask();
    }

    async function ask({ at = 0, current = 0, quiet = false } = {}) {
      const mine = ++epoch, params = page.params;
      controls();
      results.classList.add("asking");
      clearTimeout(slow);
      slow = setTimeout(() => { if (!page.answered) { empty.hidden = false; empty.replaceChildren(h("p", { text: "Reading the dataset …" })); } }, SLOW);
      const offset = Math.floor(at / PAGE) * PAGE;
      const counts = motet.store.find(params).then((told) => {
        if (mine !== epoch) return;
        found = told;
        counted();
        if (!quiet) motet.announce(totalText());
      });
      const shown = motet.store.rows(params, offset, PAGE).then((told) => {
        if (mine !== epoch) return;
        page.asked = params;
        page.answered = true;
        if (at >= told.total) [at, current] = [0, 0];
        if (told.offset && !told.rows.length) return ask({ quiet });
        rows.show(told, at, current);
        nothing(told.total);
      });
      try {
        await Promise.all([shown, counts]);
        if (mine === epoch) tell();
      } catch (error) {
        if (mine === epoch) refuse(error.message);
      } finally {
        if (mine === epoch) results.classList.remove("asking");
      }
    }

    function fresh() { // the dataset was built anew while it was looked at
      motet.store.forget?.();
      learn().then(() => ask({ at: Math.floor(rows.at), current: rows.current, quiet: true }));
    }

    async function learn() {
      about = await motet.store.about();
      page.judging = about.judging && !about.static;
      rows.redraw();
      controls();
      counted();
      tell();
    }

    // --- what stands around the list ---

    const facetOf = (name) => about?.facets?.find((facet) => facet.name === name);
    const noun = (number) => (number === 1 ? "example" : "examples");

    // Of all there is, what is kept are the examples; the rest was left out.
    function totals() {
      if (found.total !== found.all) return [found.total, ` of ${motet.count(found.all)}`];
      const kept = found.facets?.state?.values.find(([value]) => value === "kept")?.[1] ?? 0;
      const out = found.facets?.state ? found.all - kept : 0;
      return [found.all - out, ` ${noun(found.all - out)}${out ? `, ${motet.count(out)} left out` : ""}`];
    }

    const totalText = () => motet.count(totals()[0]) + totals()[1];

    function counted() {
      if (!found) return;
      const [number, rest] = totals();
      total.replaceChildren(h("b", { text: motet.count(number) }), rest);
      sheetDone.textContent = `Show ${motet.count(found.total)}`;
      filters.draw(about, found, page.params);
    }

    function controls() {
      if (document.activeElement !== search) search.value = page.params.get("q") ?? "";
      const chosen = page.params.get("sort") ?? "", sorts = about?.sorts ?? [];
      const name = chosen.replace(/^-/, "") || sorts[0]?.name || "";
      if (sort.options.length !== sorts.length) sort.replaceChildren(...sorts.map((one) => h("option", { value: one.name, text: one.label })));
      sort.value = name;
      const down = chosen.startsWith("-");
      way.replaceChildren(motet.icon(down ? "down" : "up"));
      way.setAttribute("aria-label", down ? "Descending; turn to ascending" : "Ascending; turn to descending");
      way.title = down ? "Descending" : "Ascending";
      const many = filtersIn(page.params);
      filtersButton.replaceChildren(motet.icon("filter"), many.length ? `Filters (${many.length})` : "Filters");
      chips.replaceChildren(...many.map(chip), ...(many.length > 1 ? [h("li", {}, h("button", { type: "button", class: "plain clear", text: "Clear all", on: { click: clear } }))] : []));
      chips.hidden = !many.length;
    }

    function chip([name, value]) {
      const facet = facetOf(name);
      const text = facet?.kind === "range" ? motet.rangeText(value, facet.unit) : motet.valueText(name, value);
      const label = facet?.label ?? name;
      return h("li", {}, h("button", { type: "button", class: "chip", "aria-label": `Remove the filter ${label}: ${text}`, on: { click: () => without(name, value) } },
        h("span", { text: label }), h("bdi", { text }), motet.icon("close")));
    }

    function without(name, value) {
      const kept = [...page.params].filter(([n, v]) => n !== name || v !== value);
      const held = chips.contains(document.activeElement);
      turn(new URLSearchParams(kept));
      if (held) (chips.querySelector("button") ?? search).focus();
    }

    function clear() {
      turn(new URLSearchParams(page.params.has("sort") ? { sort: page.params.get("sort") } : {}));
      search.value = "";
      search.focus();
    }

    function nothing(count) {
      empty.hidden = count > 0;
      if (count) return;
      const asked = filtersIn(page.params).length || words(page.params);
      empty.replaceChildren(h("p", { text: asked ? "Nothing matches." : "There is nothing to look at here yet." }),
        asked ? h("button", { type: "button", class: "button", text: "Clear search and filters", on: { click: clear } }) : "");
    }

    function refuse(sentence) {
      clearTimeout(slow);
      rows.show({ rows: [], offset: 0, total: 0 }, 0);
      total.textContent = "";
      empty.hidden = false;
      empty.replaceChildren(h("p", { role: "alert", dir: "auto", text: sentence }),
        h("button", { type: "button", class: "button", text: filtersIn(page.params).length || words(page.params) ? "Clear search and filters" : "Try again", on: { click: clear } }));
    }

    // A sentence above the list: what went wrong, else what is to be known of the dataset.
    function tell(sentence = about?.note ?? "") {
      note.textContent = sentence;
      note.hidden = !sentence;
    }

    // --- doing ---

    async function play(row) {
      const what = row && heard(row), player = motet.player;
      if (!what || !player) return;
      motet.playing = { id: row.id, name: nameOf(row) };
      if (player.id !== row.id) await player.load({ id: row.id, url: motet.store.media(row, what), mime: "", video: what === "video" });
      await player.toggle();
    }

    async function judge(row, word) {
      if (!row || !page.judging || row.judging || (row.state !== "kept" && !row.judged)) return;
      const before = row.judged, { store } = motet;
      row.judging = true;
      row.judged = before === word ? "" : word;
      rows.redraw(row);
      try {
        const note = before && row.judged ? (await store.one(row.id)).label?.note : ""; // another verdict keeps the note
        row.judged = (await store.judge(row.id, row.judged, note)).judged;
        motet.announce(row.judged ? `judged ${row.judged}` : "judgement taken back");
        clearTimeout(recount);
        recount = setTimeout(async () => { // counts only: the row stays where it is
          const mine = epoch, told = await motet.store.find(page.params).catch(() => null);
          if (told && mine === epoch) { found = told; counted(); }
        }, 300);
      } catch (error) {
        row.judged = before;
        tell(error.message);
        motet.announce(error.message);
      }
      row.judging = false;
      if (!closed) rows.redraw(row);
    }

    const open = (row) => row && motet.go("one", { id: row.id, params: new URLSearchParams({ from: String(page.params), at: rows.current }) });

    // Where one was is kept with the entry of the history, for coming back.
    function remember() {
      clearTimeout(resting);
      if (closed || !page.asked) return;
      try { history.replaceState({ ...history.state, list: { at: rows.at, current: rows.current } }, ""); } catch { /* too often: the next time will do */ }
    }

    const leaving = () => { remember(); };
    list.addEventListener("click", (event) => {
      const element = event.target.closest(".row"), index = Number(element?.dataset.index);
      if (!element) return;
      const row = rows.rowAt(index), act = event.target.closest("[data-do]")?.dataset.do;
      rows.mark(index);
      if (act === "play") play(row);
      else if (act) judge(row, act);
      else if (event.target.closest("a")) remember();
      else if (row && !String(getSelection()) && !event.defaultPrevented) { remember(); open(row); }
    });
    list.addEventListener("focusin", (event) => {
      const index = Number(event.target.closest(".row")?.dataset.index);
      if (Number.isInteger(index)) rows.mark(index);
    });
    scroller.addEventListener("scroll", () => { clearTimeout(resting); resting = setTimeout(remember, RESTING); }, { passive: true });
    search.addEventListener("input", () => {
      clearTimeout(typing);
      typing = setTimeout(typed, TYPING);
    });
    search.addEventListener("keydown", (event) => {
      if (event.key === "Enter") { clearTimeout(typing); typed(); rows.choose(0); }
    });
    function typed() {
      const params = new URLSearchParams(page.params), before = words(params);
      if (search.value.trim() === before) return;
      params.set("q", search.value.trim());
      turn(params, { replace: before !== "" }); // one entry in the history for a search, not one a letter
    }
    const sortBy = (name, down) => {
      const params = new URLSearchParams(page.params);
      params.set("sort", (down ? "-" : "") + name);
      if (!down && name === about?.sorts?.[0]?.name) params.delete("sort");
      turn(params);
    };
    sort.addEventListener("change", () => sortBy(sort.value, false));
    way.addEventListener("click", () => sortBy(sort.value, !(page.params.get("sort") ?? "").startsWith("-")));

    const TEXT = "input:not([type=checkbox]), select, textarea";
    function keys(event) {
      if (event.defaultPrevented || event.altKey || event.ctrlKey || event.metaKey || document.querySelector("dialog[open]")) return;
      const { target, key } = event;
      if (target.closest?.(TEXT)) {
        if (key === "Escape") { event.preventDefault(); rows.total ? rows.choose(rows.current) : target.blur(); }
        return;
      }
      if (key === "/") search.focus(), search.select();
      else if (key === "?") help.showModal();
      else if (!(target === document.body || target === main || scroller.contains(target))) return;
      else if (!listKeys(key, target, event)) return;
      event.preventDefault();
    }

    function listKeys(key, target, event) {
      const row = rows.rowAt(rows.current), free = !target.closest("button, a"), inList = list.contains(target);
      const step = { ArrowDown: 1, j: 1, ArrowUp: -1, k: -1, PageDown: rows.inSight, PageUp: -rows.inSight, Home: -Infinity, End: Infinity }[key];
      if (step) rows.choose(inList || Math.abs(step) !== 1 ? rows.current + step : rows.current);
      else if (key === "Enter" && free) { remember(); open(row); }
      else if (key === " " && !target.closest("button")) play(row);
      else if ((key === "g" || key === "b") && !event.repeat) judge(row, key === "g" ? "good" : "bad");
      else return false;
      return true;
    }
    document.addEventListener("keydown", keys);

    // --- phone ---

    const narrow = matchMedia("(max-width: 52rem)");
    const settle = () => {
      if (narrow.matches) sheet.prepend(column);
      else { sheet.close(); results.before(column); }
    };
    narrow.addEventListener("change", settle);
    settle();
    filtersButton.addEventListener("click", () => sheet.showModal());
    sheetDone.addEventListener("click", () => sheet.close());
    for (const dialog of [sheet, help]) dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });

    const { player } = motet;
    const sounding = () => {
      rows.each((element, row) => page.sounds(element, row));
      page.drawn();
    };
    const hushes = player ? [
      player.onchange((what) => { sounding(); if (what === "fault" && player.fault) tell(player.fault); }),
      player.ontick(() => rows.each((element, row) => { if (row?.id === player.id) element.style.setProperty("--played", (player.time / player.length || 0).toFixed(4)); })),
    ] : [];
    if (player) sounding();
    const looked = async () => { // another window may have judged, or a build may have ended
      if (document.visibilityState !== "visible" || motet.store.static || !about) return;
      const before = about.snapshot;
      try { about = await motet.store.about(); } catch { return; }
      if (about.snapshot !== before && !closed) fresh();
    };
    document.addEventListener("visibilitychange", looked);
    window.addEventListener("pagehide", leaving);

    return {
      begin() {
        const { at = 0, current = 0 } = history.state?.list ?? {};
        const asked = ask({ at, current, quiet: true });
        learn().catch(() => {}); // the question itself says what is wrong
        asked.then(() => { if (history.state?.list && !closed) rows.choose(current); });
      },
      move(to) {
        if (String(tidy(to.params)) === String(page.params)) return true;
        clearTimeout(resting);
        page.params = tidy(to.params);
        search.value = page.params.get("q") ?? "";
        const { at = 0, current = 0 } = history.state?.list ?? {};
        ask({ at, current });
        return true;
      },
      close() {
        closed = true;
        epoch += 1;
        rows.close();
        hushes.forEach((hush) => hush());
        [typing, resting, recount, slow].forEach(clearTimeout);
        document.removeEventListener("keydown", keys);
        document.removeEventListener("visibilitychange", looked);
        window.removeEventListener("pagehide", leaving);
        narrow.removeEventListener("change", settle);
      },
    };
  }
}
