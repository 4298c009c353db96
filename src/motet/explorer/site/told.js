"use strict";
// What is written about one example: captions and their claims, facts, where it comes from, copies, licences, downloads.
{
  const { h } = motet;
  const LONG = 500; // letters
  const list = (value) => (Array.isArray(value) ? value : []);
  const several = (n, noun) => `${motet.count(n)} ${noun}${n === 1 ? "" : "s"}`;
  const joined = (...parts) => parts.filter(Boolean).join(" · ");

  // A text of any length. A very long one scrolls in a box of its own, which the keyboard reaches.
  motet.prose = (tag, attributes, ...children) => {
    const element = h(tag, { dir: "auto", ...attributes }, children);
    if (element.textContent.length > LONG) {
      element.classList.add("long");
      element.tabIndex = 0;
    }
    return element;
  };
  const { prose } = motet;

  const section = (name, title, ...content) => {
    const id = "h-" + name;
    return h("section", { class: "part " + name, "aria-labelledby": id }, h("h2", { id, text: title }), content);
  };

  motet.size = (bytes) => {
    if (!Number.isFinite(bytes)) return "";
    const step = bytes < 1000 ? 0 : Math.min(4, Math.floor(Math.log10(bytes) / 3));
    const value = bytes / 1000 ** step;
    return `${step && value < 9.95 ? value.toFixed(1) : motet.count(Math.round(value))} ${["B", "kB", "MB", "GB", "TB"][step]}`;
  };

  // --- captions ---

  const MARKS = { supported: "✓", contradicted: "✗", unsupported: "?" };
  const MEANINGS = {
    supported: "supported by the record", contradicted: "contradicted by the record", unsupported: "unknown to the record",
  };
  const RANK = ["contradicted", "unsupported", "supported"];
  const shorten = (text) => (text.length > LONG ? text.slice(0, LONG) + " …" : text); // the table below has it all
  const verdictOf = (claim) => (claim.verdict === "refuted" ? "contradicted" : claim.verdict in MARKS ? claim.verdict : "unsupported");

  // Cuts a text where claims begin and end. Places count code points, as the checker does. Claims may lie within others.
  function pieces(text, claims) {
    const letters = Array.from(text);
    const placed = claims.filter(({ start, end }) => Number.isInteger(start) && start >= 0 && end > start && end <= letters.length);
    const ends = [...new Set([0, letters.length, ...placed.flatMap(({ start, end }) => [start, end])])].sort((a, b) => a - b);
    return ends.slice(0, -1).map((from, i) => ({
      text: letters.slice(from, ends[i + 1]).join(""),
      claims: placed.filter(({ start, end }) => start <= from && ends[i + 1] <= end),
    }));
  }

  // Neighbouring pieces that share a claim are one mark, so that a claim within a claim is not told twice.
  function runs(parts) {
    const found = [];
    for (const part of parts) {
      const last = found.at(-1);
      if (last && part.claims.some((claim) => last.claims.has(claim))) {
        last.text += part.text;
        part.claims.forEach((claim) => last.claims.add(claim));
      } else {
        found.push({ text: part.text, claims: new Set(part.claims) });
      }
    }
    return found;
  }

  const worst = (claims) => RANK.find((verdict) => claims.some((claim) => verdictOf(claim) === verdict)) ?? "supported";
  const because = (claim) => `${claim.words ?? ""}: ${MEANINGS[verdictOf(claim)]}${claim.because ? ` (${claim.because})` : ""}`;

  function caption(one, number) {
    const claims = list(one.claims);
    const reason = h("p", { class: "reason", id: `reason-${number}`, dir: "auto" });
    const tell = (own) => { reason.textContent = shorten(own.map(because).join("; ")); };
    const words = runs(pieces(String(one.text ?? ""), claims)).map((run) => {
      const own = [...run.claims];
      if (!own.length) return run.text;
      const verdict = worst(own);
      return h("span", {
        class: "claim " + verdict, role: "button", tabindex: 0, "aria-describedby": reason.id, title: own.map(because).join("\n"), "data-mark": MARKS[verdict],
        on: {
          focus: () => tell(own), pointerenter: () => tell(own), click: () => tell(own),
          keydown: (event) => { if (event.key === "Enter" || event.key === " ") { event.preventDefault(); tell(own); } },
        },
      }, run.text, h("span", { class: "unseen", text: ` (${MEANINGS[verdict]})` }));
    });
    const wrong = list(one.wrong);
    return h("article", { class: "saying" },
      prose("p", { class: "text" }, words),
      h("p", { class: "by" }, joined(one.form, one.model || one.writer, claims.length ? verdicts(claims) : "")),
      claims.length ? reason : null,
      claims.length ? claimTable(claims) : null,
      wrong.length ? h("details", {}, h("summary", { text: `${several(wrong.length, "claim")} of earlier drafts ${wrong.length === 1 ? "was" : "were"} refused` }),
        h("ul", { class: "refused" }, wrong.map((sentence) => prose("li", { text: sentence })))) : null);
  }

  function verdicts(claims) {
    const counts = RANK.map((verdict) => [verdict, claims.filter((claim) => verdictOf(claim) === verdict).length]);
    if (counts[2][1] === claims.length) return claims.length === 1 ? "its one claim is supported" : `all ${several(claims.length, "claim")} supported`;
    return counts.filter(([, n]) => n).map(([verdict, n]) => `${n} ${verdict}`).join(", ");
  }

  function claimTable(claims) {
    const rows = claims.map((claim) => h("tr", {},
      h("th", { scope: "row" }, prose("span", { text: claim.words })),
      h("td", { class: verdictOf(claim) }, h("span", { class: "mark", "aria-hidden": "true", text: MARKS[verdictOf(claim)] }), " ", verdictOf(claim)),
      h("td", {}, prose("span", { text: claim.because }))));
    return h("details", {}, h("summary", { text: "Claim by claim" }),
      h("div", { class: "scroll", role: "region", tabindex: 0, "aria-label": "Claims" },
        h("table", {}, h("thead", {}, h("tr", {}, ["claim", "verdict", "because"].map((head) => h("th", { scope: "col", text: head })))), h("tbody", {}, rows))));
  }

  motet.captionsOf = (one) => {
    const captions = list(one.captions);
    return captions.length ? section("captions", captions.length === 1 ? "Caption" : "Captions", captions.map(caption)) : null;
  };

  // --- facts ---

  function sureness(sure) {
    if (!Number.isFinite(sure)) return null;
    const part = Math.round(100 * Math.max(0, Math.min(1, sure)));
    return h("span", { class: "sure", title: `${part} % sure` }, h("i", { "aria-hidden": "true" }, h("b", { style: { width: `${part}%` } })), `${part} % sure`);
  }

  motet.factsOf = (one) => {
    const facts = list(one.facts);
    if (!facts.length) return null;
    const rows = facts.map((fact, i) => h("div", {},
      h("dt", { text: fact.name === facts[i - 1]?.name ? "" : fact.name }, fact.name === facts[i - 1]?.name ? h("span", { class: "unseen", text: fact.name }) : null),
      h("dd", {}, prose("span", { class: "value", text: fact.value }), sureness(fact.sure),
        prose("small", { text: joined(fact.by ? `by ${fact.by}` : "", fact.note) }))));
    return section("known", "Facts", h("dl", {}, rows));
  };

  // --- where it comes from ---

  const STATUS = { ok: "good", dropped: "bad", failed: "warning", crashed: "warning", timed_out: "warning", unanswered: "help" };

  const settings = (made) => [...Object.entries(made?.settings ?? {})].map(([name, value]) => `${name} = ${typeof value === "string" ? value : JSON.stringify(value)}`);

  function step(link, made) {
    const away = link.status && link.status !== "ok";
    const set = settings(made);
    return h("li", { class: "step " + (link.status ?? "") },
      h("span", { class: "dot", "aria-hidden": "true" }, motet.icon(STATUS[link.status] ?? "good")),
      h("div", {},
        h("p", { class: "what" }, h("code", { text: link.stage }), link.part ? h("code", { class: "of", text: link.part }) : null,
          made?.version === undefined ? null : h("span", { class: "version", text: `version ${made.version}` }),
          away ? h("b", { class: "fate", text: String(link.status).replaceAll("_", " ") }) : null, prose("span", { text: link.about })),
        away && (link.reason || link.detail) ? prose("p", { class: "because" }, link.reason ? h("code", { text: link.reason }) : null, link.detail ? ` ${link.detail}` : "") : null,
        list(link.said).map((line) => prose("p", { class: "lesser", text: line })),
        set.length ? prose("p", { class: "lesser set", text: joined(...set) }) : null));
  }

  function fileOf(origin) {
    if (!origin) return null;
    const facts = [
      ["inside", origin.inside], ["SHA-256", origin.sha256], ["size", motet.size(origin.bytes)], ["licence", joined(origin.licence, origin.holder)],
      ["said by", origin.said_by], ["address", origin.url],
    ].filter(([, value]) => value);
    return h("li", { class: "step file" },
      h("span", { class: "dot", "aria-hidden": "true" }, motet.icon("down")),
      h("div", {}, h("p", { class: "what" }, prose("bdi", { class: "place", text: origin.path })),
        h("dl", { class: "lines" }, facts.map(([name, value]) => h("div", {}, h("dt", { text: name }), prose("dd", { class: name === "SHA-256" ? "hash" : "", text: value }))))));
  }

  motet.chainOf = (one) => {
    const chain = list(one.chain), made = new Map(list(one.made_with).map((each) => [each.stage, each]));
    if (!chain.length && !one.origin) return null;
    const last = new Map(chain.map((link, i) => [link.stage, i])); // settings are told once a stage
    const steps = chain.map((link, i) => step(link, last.get(link.stage) === i ? made.get(link.stage) : null)).reverse();
    return section("chain", "Where it comes from", h("p", { class: "gloss", text: "The last step first, down to the file." }), h("ol", {}, steps, fileOf(one.origin)));
  };

  // --- copies, licences, downloads ---

  motet.copiesOf = (one, link) => {
    const copies = list(one.duplicates);
    if (!copies.length) return null;
    const items = copies.map((copy) => h("li", {},
      h("p", {}, copy.open ? h("a", { href: link(copy.open), text: copy.other_path || copy.other, dir: "auto" }) : prose("bdi", { class: "place", text: copy.other_path || copy.other }),
        " ", h("b", { class: "level", text: String(copy.level ?? "").replaceAll("_", " ") })),
      prose("p", { class: "lesser", text: joined(fateOf(copy), Number.isFinite(copy.score) ? `score ${copy.score.toFixed(3)}` : "", copy.evidence) })));
    return section("copies", "Duplicates", h("ul", {}, items));
  };

  // Of each pair the song that ranks lower goes, if one does: `of_this` says that this one is the lower.
  const fateOf = ({ removed, of_this: lower }) => {
    if (!removed) return "both were kept";
    return lower ? "kept in place of this one" : "left out as a copy of this one";
  };

  motet.licencesOf = (one) => {
    const licences = list(one.licences);
    if (!licences.length) return null;
    const safe = (url) => (/^https?:\/\//i.test(url ?? "") ? url : null); // nothing else is worth a click
    return section("licences", "Licences", h("ul", {}, licences.map((each) => h("li", {},
      h("span", { class: "of", text: each.what }), " ", prose("bdi", { text: each.name }), " ",
      safe(each.url) ? h("a", { href: each.url, rel: "noreferrer noopener", target: "_blank", text: each.licence || each.url }) : h("b", { text: each.licence || "not known" }),
      each.holder ? prose("small", { text: each.holder }) : null))));
  };

  motet.downloadsOf = (one) => {
    const downloads = list(one.downloads).map((each) => ({ ...each, url: motet.store.media(one, each.what, true) })).filter(({ url }) => url);
    if (!downloads.length) return null;
    const buttons = (some) => h("ul", {}, some.map((each) => h("li", {},
      h("a", { class: "button", href: each.url, download: each.filename, title: each.filename }, motet.icon("download"), h("span", { text: each.label || each.what, dir: "auto" })))));
    const stems = downloads.filter(({ what }) => String(what).startsWith("stem-"));
    const rest = downloads.filter((each) => !stems.includes(each));
    return section("downloads", "Downloads", rest.length ? buttons(rest) : null,
      stems.length ? h("details", { open: !rest.length }, h("summary", { text: `Stems: ${several(stems.length, "file")}` }), buttons(stems)) : null);
  };

  motet.othersOf = (one, link) => {
    const others = list(one.others);
    if (others.length < 2) return null;
    const spans = others.map(spanOf);
    const name = (each, i) => (spans.filter((span) => span === spans[i]).length > 1 && each.title ? `${spans[i]} · ${each.title}` : spans[i]);
    return section("others", "Of the same song", h("ul", {}, others.map((each, i) => h("li", {},
      each.here ? h("span", { class: "here", "aria-current": "true" }, name(each, i)) : h("a", { href: link(each.id) }, name(each, i))))));
  };

  const spanOf = (each) => (Number.isFinite(each.start) ? `${motet.clock(each.start)}–${motet.clock(each.end)}` : each.title || each.id);
}
