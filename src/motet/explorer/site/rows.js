"use strict";
// The rows of the list: how one is written, and how only those in sight are in the document, however many there are.

{
  const { h } = motet;
  const PAGE = 100, BEYOND = 6; // rows fetched at once; rows drawn beyond what is seen
  const TALLEST = 15e6; // pixels: browsers draw nothing right beyond some twenty million
  const LONGEST = 400; // letters of a text that a row can show
  const AT_ONCE = 2; // pages of rows that are asked for at the same time
  const RESTING = 150, AGAIN = 3000; // milliseconds

  const cut = (text) => (text && text.length > LONGEST ? text.slice(0, LONGEST) + "…" : text ?? "");
  const nameOf = (row) => cut(row.title || row.path?.split("/").at(-1) || row.id);

  // --- one row ---

  function facts(row) {
    const tempo = Number.isFinite(row.tempo) ? `${Math.round(row.tempo)} bpm` : "";
    const length = motet.clock(row.seconds), where = row.start ? ` at ${motet.clock(row.start)}` : "";
    const texts = [cut(row.key), [tempo, cut(row.metre)].filter(Boolean).join(" · "), length].filter(Boolean);
    return texts.map((text) => h("span", { text }, text === length && where ? h("small", { text: where }) : null));
  }

  // What is heard of a row in the list.
  const heard = (row) => ["mix", "video"].find((what) => row.has?.includes(what));

  function line(text, kind) {
    return text ? h("span", { class: kind, title: text }, h("bdi", { text: cut(text) })) : null;
  }

  function fill(element, row, index, page) {
    const lost = row.state && row.state !== "kept";
    const what = heard(row), name = nameOf(row);
    const play = what
      ? h("button", { type: "button", class: "play", "data-do": "play", "aria-label": `Play ${name}` }, motet.icon("play"), motet.icon("pause"))
      : h("span", { class: "play none", "aria-hidden": "true" });
    const title = h("a", { class: "title", href: motet.href("one", { id: row.id, params: new URLSearchParams({ from: String(page.params), at: index }) }), title: name }, h("bdi", { text: name }));
    const who = h("div", { class: "who" }, title, line(row.artist, "artist"), line(row.path, "path"));
    const about = h("div", { class: "about" });
    if (lost) about.append(
      h("p", { class: `lost ${row.state}` }, h("i", { "aria-hidden": "true" }), h("b", { text: row.state }), ` by ${row.stage}: `, h("bdi", { text: cut(row.reason).replaceAll("_", " ") })),
      h("p", { class: "detail", dir: "auto", text: cut(row.detail), title: cut(row.detail) }));
    else motet.append(about,
      row.caption ? h("p", { class: "caption", dir: "auto", text: cut(row.caption) }) : null,
      row.instruments?.length ? h("p", { class: "played", dir: "auto", text: cut(row.instruments.join(", ")) }) : null);
    const told = h("div", { class: "facts" }, facts(row));
    const marks = h("div", { class: "marks" },
      row.split ? h("span", { class: "split", text: cut(row.split), dir: "auto" }) : null,
      page.judging && (!lost || row.judged) ? h("span", { class: "verdicts" }, verdict("good", row), verdict("bad", row)) : verdictMark(row));
    element.replaceChildren(play, who, about, told, marks);
    element.classList.remove("waiting");
    element.classList.toggle("left-out", Boolean(lost));
  }

  function verdict(word, row) {
    return h("button", { type: "button", class: `verdict ${word}`, "data-do": word, "aria-pressed": row.judged === word, "aria-label": `Judge ${word}`, title: `Judge ${word} (${word[0]})` }, motet.icon(word));
  }

  function verdictMark(row) {
    return row.judged ? h("span", { class: `verdict ${row.judged} fixed`, title: `judged ${row.judged}` }, motet.icon(row.judged), h("span", { class: "unseen", text: `judged ${row.judged}` })) : null;
  }

  const WAITING = h("li", { class: "row waiting" }, h("span", { class: "play none" }), h("div", { class: "who" }, h("i"), h("i")), h("div", { class: "about" }, h("i"), h("i")), h("span", { class: "unseen", text: "Loading" }));

  function waiting(index, total) {
    const element = WAITING.cloneNode(true);
    element.dataset.index = index;
    element.setAttribute("aria-posinset", index + 1);
    element.setAttribute("aria-setsize", total);
    return element;
  }

  // --- the words that were searched for ---

  const shades = typeof Highlight === "function" && CSS.highlights ? new Highlight() : null;
  if (shades) CSS.highlights.set("found", shades);

  // Where the words stand in a text, found as the search finds them: [from, to] in letters of the text as it is.
  function spotsOf(text, words) {
    let folded = "";
    const from = []; // of each folded letter, where its own letter begins
    for (let i = 0; i < text.length;) {
      const letter = String.fromCodePoint(text.codePointAt(i)), plain = motet.fold(letter);
      for (let k = 0; k < plain.length; k++) from.push(i);
      folded += plain;
      i += letter.length;
    }
    from.push(text.length);
    const spots = [];
    for (const word of words) {
      for (let at = folded.indexOf(word); at >= 0; at = folded.indexOf(word, at + word.length)) spots.push([from[at], from[at + word.length]]);
    }
    return spots;
  }

  function shade(element, params) {
    const words = motet.words(params.get("q") ?? "");
    if (!shades || !words.length) return [];
    const ranges = [];
    for (const holder of element.querySelectorAll(".who bdi, .about p, .facts span")) {
      for (const node of holder.childNodes) {
        if (node.nodeType !== Node.TEXT_NODE) continue;
        for (const [from, to] of spotsOf(node.data, words)) {
          const range = new StaticRange({ startContainer: node, startOffset: from, endContainer: node, endOffset: to });
          shades.add(range);
          ranges.push(range);
        }
      }
    }
    return ranges;
  }

  // --- rows in sight ---

  // `page`: {scroller, list, params (the state that links carry), asked (the state the rows answer), judging, sounds(element, row),
  // drawn() after rows came or went,
  // changed() when there are more or fewer than there were, trouble(sentence)}.
  function rowsIn(page) {
    const { scroller, list } = page;
    const drawn = new Map(); // index → {element, row}
    let pages = new Map(), total = 0, current = 0, height = 76, frame = 0, timer = 0, lastWanted = 0, flying = 0, closed = false;

    const measure = () => { height = parseFloat(getComputedStyle(list).getPropertyValue("--row")) || 76; };
    // A list taller than a browser can draw is squeezed: then the place of the bar counts, and rows stand where it says.
    const tall = () => Math.min(total * height, TALLEST);
    const room = () => Math.max(1, tall() - scroller.clientHeight);
    const squeeze = () => (total * height > TALLEST ? (total * height - scroller.clientHeight) / room() : 1);
    const top = () => scroller.scrollTop * squeeze();
    const rowAt = (index) => pages.get(Math.floor(index / PAGE))?.rows?.[index % PAGE];

    function draw() {
      frame = 0;
      const from = top();
      const first = Math.max(0, Math.floor(from / height) - BEYOND), end = Math.min(total, Math.ceil((from + scroller.clientHeight) / height) + BEYOND);
      const focused = list.contains(document.activeElement) ? document.activeElement.closest(".row") : null;
      for (const [index, { element }] of drawn) {
        if ((index >= first && index < end) || element === focused) continue;
        away(index);
      }
      for (let index = first; index < end; index++) place(index);
      if (focused && squeeze() !== 1) drawn.forEach((_, index) => put(index));
      want(first, end);
      page.drawn();
    }

    function away(index) {
      const { element, ranges } = drawn.get(index);
      element.remove();
      ranges.forEach((range) => shades.delete(range));
      drawn.delete(index);
    }

    function write(one, index) {
      fill(one.element, one.row, index, page);
      one.ranges.forEach((range) => shades.delete(range));
      one.ranges = shade(one.element, page.asked);
    }

    function put(index) {
      drawn.get(index).element.style.transform = `translateY(${Math.round(index * height - top() + scroller.scrollTop)}px)`;
    }

    function place(index) {
      let one = drawn.get(index);
      const row = rowAt(index);
      if (!one) {
        one = { element: waiting(index, total), row: undefined, ranges: [] };
        drawn.set(index, one);
        let after = list.firstElementChild; // a screen reader reads them in order
        while (after && Number(after.dataset.index) < index) after = after.nextElementSibling;
        list.insertBefore(one.element, after);
      }
      if (row !== one.row) {
        const focused = one.element.contains(document.activeElement);
        one.row = row;
        if (row) write(one, index);
        if (focused) point(one.element);
      }
      one.element.classList.toggle("current", index === current);
      tabs(one.element, index === current);
      page.sounds(one.element, row);
      put(index);
    }

    // One row at a time is in the order of the tab key; arrows move which one.
    function tabs(element, is) {
      for (const control of element.querySelectorAll("a, button")) control.tabIndex = is ? 0 : -1;
    }

    const point = (element, act) => {
      const target = (act && element.querySelector(`[data-do="${act}"]`)) ?? element.querySelector(".title") ?? element;
      if (target === element) element.tabIndex = -1;
      target.focus({ preventScroll: true });
    };

    // Pages that are in sight are fetched at once when the list rests, and a few times a second while it flies by.
    function want(first, end) {
      const missing = first < end && !(pages.has(Math.floor(first / PAGE)) && pages.has(Math.floor((end - 1) / PAGE)));
      clearTimeout(timer);
      const wait = !missing || performance.now() - lastWanted > RESTING ? 0 : 50;
      timer = setTimeout(() => { lastWanted = performance.now(); fetchSeen(); }, wait);
    }

    // What is in sight first, then half a page further on and back. Few at a time: what has flown by meanwhile is never asked for.
    function fetchSeen() {
      const from = Math.floor(top() / height), till = Math.min(total, Math.ceil((top() + scroller.clientHeight) / height));
      const wanted = [];
      for (let n = Math.floor(from / PAGE); n * PAGE < till; n++) wanted.push(n);
      wanted.push(Math.floor((till + PAGE / 2) / PAGE), Math.floor((from - PAGE / 2) / PAGE));
      for (const n of wanted) if (flying < AT_ONCE && n >= 0 && n * PAGE < total && !pages.has(n)) fetchPage(n);
    }

    async function fetchPage(n) {
      const mine = pages;
      mine.set(n, {});
      flying += 1;
      try {
        const told = await motet.store.rows(page.asked, n * PAGE, PAGE);
        if (pages === mine && told.total !== total) page.changed();
        mine.set(n, told);
        if (pages === mine) for (let index = n * PAGE; index < Math.min(total, (n + 1) * PAGE); index++) if (drawn.has(index)) place(index);
      } catch (error) {
        setTimeout(() => { mine.delete(n); if (pages === mine && !closed) later(); }, AGAIN);
        if (pages === mine) page.trouble(error.message);
      }
      flying -= 1;
      if (!closed) fetchSeen();
    }

    const later = () => { frame ||= requestAnimationFrame(draw); };

    function show(told, at, now = 0) { // rows of a new answer, scrolled to this row
      pages = new Map([[Math.floor(told.offset / PAGE), told]]);
      total = told.total;
      current = Math.max(0, Math.min(total - 1, now));
      [...drawn.keys()].forEach(away);
      measure();
      list.style.height = `${tall()}px`;
      scroller.scrollTop = (at * height) / squeeze();
      draw();
    }

    function choose(index, { focus = true } = {}) {
      if (!total) return;
      list.classList.add("used");
      const before = drawn.get(current)?.element;
      before?.classList.remove("current");
      if (before) tabs(before, false);
      current = Math.max(0, Math.min(total - 1, index));
      const y = current * height, from = top(), margin = height / 2;
      if (y - margin < from) scroller.scrollTop = (y - margin) / squeeze();
      else if (y + height + margin > from + scroller.clientHeight) scroller.scrollTop = (y + height + margin - scroller.clientHeight) / squeeze();
      draw();
      if (focus && drawn.has(current)) point(drawn.get(current).element);
    }

    scroller.addEventListener("scroll", later, { passive: true });
    const resized = new ResizeObserver(() => {
      const at = top() / height;
      measure();
      list.style.height = `${tall()}px`;
      const want = (at * height) / squeeze();
      if (Math.abs(want - scroller.scrollTop) > 1) scroller.scrollTop = want;
      later();
    });
    resized.observe(scroller);

    return {
      show, choose, rowAt,
      get total() { return total; },
      get current() { return current; },
      get at() { return top() / height; },
      get inSight() { return Math.max(1, Math.floor(scroller.clientHeight / height) - 1); },
      mark(index) { // the row that was clicked is the current one, without moving anything
        if (index !== current) choose(index, { focus: false });
      },
      redraw(row) { // this one, or all
        drawn.forEach((one, index) => {
          if (!one.row || (row && one.row !== row)) return;
          const { activeElement } = document, held = one.element.contains(activeElement), act = activeElement.dataset?.do;
          write(one, index);
          tabs(one.element, index === current);
          page.sounds(one.element, one.row);
          if (held) point(one.element, act);
        });
      },
      each(act) { drawn.forEach(({ element, row }, index) => act(element, row, index)); },
      close() { closed = true; [...drawn.keys()].forEach(away); resized.disconnect(); clearTimeout(timer); cancelAnimationFrame(frame); },
    };
  }

  motet.rows = { in: rowsIn, heard, nameOf, PAGE };
}
