"use strict";
// Where the pages get what they show: from the server, or from the files of a static site. Both answer the same questions.

{
  const PAGE = 100; // rows that are asked for at once
  const MOST_PAGES = 60; // pages of rows that are kept

  // --- from a server ---

  async function ask(path, options) {
    let response;
    try {
      response = await fetch(path, { credentials: "same-origin", ...options });
    } catch (error) {
      if (error.name === "AbortError") throw error;
      throw new Error("The server does not answer. Is `motet explore` still running?");
    }
    if (response.ok) return response;
    let said = "";
    try { said = (await response.json()).error; } catch { /* not an answer of ours: the status has to do */ }
    const error = new Error(typeof said === "string" && said ? said : `The server answered ${response.status} ${response.statusText}.`);
    error.told = Boolean(said); // a sentence for the person at the page, and no fault of it
    throw error;
  }

  const json = async (path, options) => (await ask(path, options)).json();

  // The same state, written in one way.
  const written = (params) => String(params ?? "");
  const asked = (params) => (written(params) ? "?" + written(params) : "");

  class Kept extends Map { // the least recently asked goes first
    constructor(most) { super(); this.most = most; }
    get(key) {
      const value = super.get(key);
      if (value !== undefined) { this.delete(key); super.set(key, value); }
      return value;
    }
    set(key, value) {
      super.set(key, value);
      if (this.size > this.most) this.delete(this.keys().next().value);
      return this;
    }
  }

  // A promise is kept while it holds; what failed is asked again.
  function once(kept, key, make) {
    const before = kept.get(key);
    if (before) return before;
    const promise = make();
    kept.set(key, promise);
    promise.catch(() => kept.delete(key));
    return promise;
  }

  function served() {
    const kept = new Kept(MOST_PAGES), rest = new Kept(20);
    const forget = () => { kept.clear(); rest.clear(); };
    let snapshot = null;

    return {
      static: false,
      async about() {
        const told = await json("api/about");
        if (snapshot !== null && told.snapshot !== snapshot) forget();
        snapshot = told.snapshot;
        return told;
      },
      find: (params) => once(rest, "find" + asked(params), () => json("api/find" + asked(params))),
      rows(params, offset = 0, limit = PAGE) {
        const path = new URLSearchParams(written(params));
        path.set("offset", offset);
        path.set("limit", limit);
        return once(kept, String(path), () => json("api/rows?" + path));
      },
      one: (id) => json("api/one/" + encodeURIComponent(id)),
      overview: () => json("api/overview"),
      compare: (name) => json("api/compare?with=" + encodeURIComponent(name)),
      async judge(id, verdict, note) {
        const told = await json("api/judge", {
          method: "POST", keepalive: true, headers: { "Content-Type": "application/json" }, body: JSON.stringify({ id, verdict, note: note ?? "" }),
        });
        rest.clear(); // its counts are others now
        for (const page of kept.values()) page.then(({ rows }) => rows.filter((row) => row.id === id).forEach((row) => { row.judged = told.judged; }), () => {});
        return told;
      },
      media: (row, what, download = false) => `media/${encodeURIComponent(row.id)}/${encodeURIComponent(what)}${download ? "?download" : ""}`,
      stem: async (row, index) => (await ask(`media/${encodeURIComponent(row.id)}/stem-${index}`)).arrayBuffer(),
      forget,
    };
  }

  // --- from files: opened from disk, a page may load scripts and nothing else ---

  const given = new WeakMap(); // script element → what it gave
  motet.give = (_name, data) => { if (document.currentScript) given.set(document.currentScript, data); };

  function load(file) {
    return new Promise((whole, broken) => {
      const script = motet.h("script", { src: file });
      const end = () => {
        script.remove();
        if (given.has(script)) whole(given.get(script));
        else broken(new Error(`The file ${file} is missing or damaged.`));
      };
      script.addEventListener("load", end);
      script.addEventListener("error", end);
      document.head.append(script);
    });
  }

  const part = (at) => encodeURIComponent(at);

  function fromFiles() {
    const kept = new Map(), ones = new Kept(20);
    const named = (name) => once(kept, name, () => load(`data/${name}.js`));
    const all = () => once(kept, "all", async () => motet.sifting(await named("about"), (await named("rows")).rows));
    const none = (sentence) => Promise.reject(new Error(sentence));
    async function atOf(id) {
      const row = (await all()).row(id);
      if (!row) throw new Error("This site does not hold that example.");
      return row.at;
    }
    return {
      static: true,
      about: () => named("about"),
      find: async (params) => (await all()).find(params),
      rows: async (params, offset = 0, limit = PAGE) => (await all()).rows(params, offset, limit),
      async one(id) {
        const at = await atOf(id);
        return once(ones, id, async () => ({ at, ...(await load(`data/one/${part(at)}.js`)) }));
      },
      overview: () => named("overview"),
      compare: () => none("A static page compares nothing; `motet explore` does."),
      judge: () => none("A static page keeps no judgements; `motet explore` does."),
      media(row, what) {
        const name = row.files?.[what] ?? (row.downloads ?? []).find((one) => one.what === what)?.filename;
        return name === undefined ? "" : `media/${part(row.at)}/${part(name)}`;
      },
      async stem(row, index) {
        const stems = await once(ones, "stems " + row.id, async () => load(`data/stems/${part(await atOf(row.id))}.js`));
        const text = stems[index];
        if (typeof text !== "string") throw new Error("This stem is not part of the site.");
        return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)).buffer;
      },
      forget() {},
    };
  }

  // --- filtering in the page, as the server does it ---

  const MOST_VALUES = 40;
  const fold = motet.fold = (text) => text.toLowerCase().normalize("NFKD").replace(/[\u0300-\u036f]/g, "").replaceAll("ς", "σ");
  const few = (value) => (Array.isArray(value) ? value : value === null || value === undefined || value === "" ? [] : [value]);
  const FIELDS = { instrument: "instruments", tag: "tags" };

  // The first folder of a path, as a source is called.
  const sourceOf = (row) => row.source ?? (row.path?.includes("/") ? row.path.split("/")[0] : "");
  const valuesOf = (row, name) => few(name === "source" ? sourceOf(row) : row[FIELDS[name] ?? name]);

  function rangeOf(text) {
    const [low, high] = text.split("..");
    return { low: low === "" ? -Infinity : Number(low), high: high === "" ? Infinity : Number(high) };
  }

  const byText = (a, b) => (a < b ? -1 : a > b ? 1 : 0);

  motet.sifting = (about, rows) => {
    const facets = about.facets ?? [];
    const kinds = new Map(facets.map((facet) => [facet.name, facet.kind]));
    const byId = new Map(rows.map((row) => [row.id, row]));
    const texts = rows.map((row) => row.search ?? fold(Object.values(row).flat().filter((value) => typeof value === "string").join("\n")));
    const edges = new Map();
    for (const facet of facets) if (facet.kind === "range") edges.set(facet.name, facet.edges ?? bins(rows.map((row) => row[facet.name]).filter(Number.isFinite)));

    function stateOf(params) {
      const chosen = new Map();
      let words = [], sort = "";
      for (const [name, value] of new URLSearchParams(String(params ?? ""))) {
        if (name === "q") words = motet.words(value);
        else if (name === "sort") sort = value;
        else if (kinds.has(name)) chosen.set(name, [...(chosen.get(name) ?? []), value]);
      }
      return { chosen, words, sort };
    }

    function fits(row, name, values) {
      const has = valuesOf(row, name);
      const one = (value) => (value === "" ? !has.length : has.includes(value));
      if (kinds.get(name) === "many") return values.every(one);
      if (kinds.get(name) === "one") return values.some(one);
      const x = row[name], ends = edges.get(name);
      return values.some((value) => {
        if (value === "") return !Number.isFinite(x);
        const { low, high } = rangeOf(value);
        return Number.isFinite(x) && x >= low && (x < high || (x === high && x === ends.at(-1)));
      });
    }

    // Which rows match, and which would if this facet were not asked for.
    const matching = ({ chosen, words }, without = "") => {
      const filters = [...chosen].filter(([name]) => name !== without);
      return rows.filter((row, i) => words.every((word) => texts[i].includes(word)) && filters.every(([name, values]) => fits(row, name, values)));
    };

    function counted(state, facet, found) {
      const chosen = state.chosen.get(facet.name) ?? [];
      const under = facet.kind === "many" || !chosen.length ? found : matching(state, facet.name);
      if (facet.kind === "range") {
        const ends = edges.get(facet.name);
        const counts = Array(Math.max(0, ends.length - 1)).fill(0);
        let unknown = 0;
        for (const row of under) {
          const x = row[facet.name];
          if (!Number.isFinite(x)) unknown += 1;
          else counts[Math.min(counts.length, ends.findLastIndex((end) => end <= x) + 1) - 1] += 1;
        }
        return { bins: counts.map((count, i) => [ends[i], ends[i + 1], count]), unknown };
      }
      const counts = new Map(chosen.map((value) => [value, 0]));
      for (const row of under) {
        const has = new Set(valuesOf(row, facet.name));
        for (const value of has.size ? has : [""]) counts.set(value, (counts.get(value) ?? 0) + 1);
      }
      const values = [...counts].sort((a, b) => b[1] - a[1] || byText(a[0], b[0]));
      const shown = values.filter(([value], i) => i < MOST_VALUES || chosen.includes(value));
      return { values: shown, more: values.length - shown.length };
    }

    function sorted(found, sort) {
      const down = sort.startsWith("-"), name = sort.replace(/^-/, "") || "path";
      const value = (row) => (name === "shuffled" ? row.lot : row[name]);
      const unknown = (x) => x === null || x === undefined || x === "" || Number.isNaN(x);
      const keyed = found.map((row) => ({ row, x: value(row), text: typeof value(row) === "string" ? fold(value(row)) : null }));
      const compare = (a, b) => (a.text === null ? a.x - b.x : byText(a.text, b.text) || byText(a.x, b.x));
      // The rows of a site stand in order of their paths, and equal ones stay so.
      keyed.sort((a, b) => (unknown(a.x) || unknown(b.x) ? unknown(a.x) - unknown(b.x) : (down ? -1 : 1) * compare(a, b)));
      return keyed.map(({ row }) => row);
    }

    let last = { text: null, found: [] };
    function order(params) {
      const text = written(params);
      if (last.text !== text) {
        const state = stateOf(params);
        last = { text, found: sorted(matching(state), state.sort) };
      }
      return last.found;
    }

    return {
      row: (id) => byId.get(id),
      find(params) {
        const state = stateOf(params), found = matching(state);
        return { total: found.length, all: rows.length, facets: Object.fromEntries(facets.map((facet) => [facet.name, counted(state, facet, found)])) };
      },
      rows(params, offset, limit) {
        const found = order(params);
        return { rows: found.slice(offset, offset + limit), offset, total: found.length };
      },
    };
  };

  // Edges of about sixteen bins, at round numbers.
  function bins(values) {
    if (!values.length) return [];
    const low = values.reduce((a, b) => Math.min(a, b)), high = values.reduce((a, b) => Math.max(a, b));
    const rough = Math.max((high - low) / 16, 1e-6), scale = 10 ** Math.floor(Math.log10(rough));
    const step = [1, 2, 5, 10].map((n) => n * scale).find((n) => n >= rough);
    const first = Math.floor(low / step), last = Math.max(first + 1, Math.ceil(high / step));
    return Array.from({ length: last - first + 1 }, (_, i) => Number(((first + i) * step).toPrecision(12)));
  }

  motet.store = document.documentElement.hasAttribute("data-static") ? fromFiles() : served();
}
