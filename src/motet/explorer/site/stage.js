"use strict";
// The stage of one example: what plays, and the time line under it with sections, chords, notes and the wave.
{
  const { h } = motet;
  const STEP = 2; // seconds an arrow key moves
  const MOST_MARKS = 600; // in a band: more would be narrower than a pixel each
  const DRAGGED = 4; // pixels from which a press is a span and not a click

  const list = (value) => (Array.isArray(value) ? value : []);

  // How long the example is: what the row says, else the last thing that is drawn.
  function lengthOf(one) {
    if (one.seconds > 0) return one.seconds;
    const ends = [...list(one.sections), ...list(one.chords)].map(({ end }) => end);
    for (let i = 1; i < list(one.notes).length; i += 5) ends.push(one.notes[i] / 1000);
    return ends.reduce((most, end) => Math.max(most, end || 0), 0);
  }

  const at = (marks, seconds) => marks.findLast(({ start, end }) => start <= seconds + 0.001 && seconds < end - 0.001);

  // A band of named spans over the time line. It is read as a list; a click goes to where a span begins.
  function band(name, spans, length, tint, seek) {
    const items = spans.slice(0, MOST_MARKS).map((span) => h("li", {
      title: `${span.text} · ${span.start.toFixed(1)}–${span.end.toFixed(1)} s`,
      style: { left: `${100 * span.start / length}%`, width: `${100 * (Math.min(span.end, length) - span.start) / length}%`, ...tint(span) },
      on: { click: () => seek(span.start) },
    }, h("span", { text: span.text, dir: "auto" })));
    return { items, spans, element: h("div", { class: `band ${name}` }, h("ol", { "aria-label": name }, items)) };
  }

  function bandsOf(one, length, seek) {
    const sections = list(one.sections).map((span) => ({ ...span, text: String(span.label ?? ""), said: String(span.label ?? "").length < 3 ? `section ${span.label}` : span.label }));
    const chords = list(one.chords).map((span) => ({ ...span, text: String(span.name ?? "") }));
    const labels = [...new Set(sections.map(({ text }) => text))];
    const tint = ({ text }) => ({ "--voice": `var(--v${labels.indexOf(text) % 10})` });
    return [["Sections", sections, tint], ["Chords", chords, () => ({})]]
      .filter(([, spans]) => spans.length)
      .map(([name, spans, colour]) => band(name, spans.filter(({ start }) => start < length), length, colour, seek));
  }

  // Cuts of the film: a line each.
  function cuts(shots, length) {
    if (!shots.length) return null;
    const lines = shots.slice(0, MOST_MARKS).map((shot) => h("i", { style: { left: `${100 * shot / length}%` } }));
    return h("div", { class: "band Cuts", role: "img", "aria-label": `${shots.length === 1 ? "One cut" : `${motet.count(shots.length)} cuts`} of the film` }, lines);
  }

  function button(icon, text, key, click) {
    return h("button", { type: "button", class: "tool", "aria-pressed": "false", title: key ? `${text} (${key})` : text, on: { click } },
      motet.icon(icon), h("span", { text }));
  }

  // Builds the stage; `mixer` is told which voices sound. Returns {element, seek, keys(event) -> taken, length, close}.
  motet.stage = (one, { colours, mixer }) => {
    const player = motet.player;
    const source = one.video ?? one.sound;
    const length = lengthOf(one) || 1;
    const bars = list(one.bars);
    const sight = {
      length, bars, beats: list(one.beats), peaks: list(one.peaks), voices: colours,
      notes: motet.roll.notes(list(one.notes), list(one.voices).map(({ drum }) => Boolean(drum))),
    };
    const seek = (seconds) => { if (source) player.seek(Math.max(0, Math.min(seconds, player.length || length))); };
    const bands = bandsOf(one, length, seek);
    let span = null, looping = false;

    // --- what stands there ---

    const play = h("button", { type: "button", class: "begin", disabled: !source, on: { click: () => player.toggle() } });
    const now = h("span", { class: "now", text: "0:00" });
    const where = h("p", { class: "where" });
    const loop = button("loop", "Loop", "l", toggleLoop);
    const mute = button("sound", "Sound", "m", () => { player.quiet = !player.quiet; });
    const still = h("canvas", { class: "still" }), live = h("canvas", { class: "live" });
    const view = h("div", {
      class: sight.notes.length ? "view" : sight.peaks.length ? "view wave" : "view bare", role: "slider", tabindex: 0, "aria-label": "Position",
      "aria-valuemin": 0, "aria-valuemax": length.toFixed(1), "aria-valuenow": 0, "aria-disabled": source ? null : "true",
    }, still, live);
    const trouble = h("p", { class: "trouble", role: "status" });
    const screen = one.video ? h("div", { class: "screen" }, player.element) : null;
    if (one.video?.width && one.video?.height) screen.style.setProperty("aspect-ratio", `${one.video.width} / ${one.video.height}`);
    const element = h("section", { class: one.video ? "stage film" : "stage", "aria-label": "Listen" },
      screen,
      h("div", { class: "transport" }, play,
        h("div", { class: "clock" }, h("p", { class: "time" }, now, h("span", { class: "of", text: ` / ${motet.clock(length)}` })), where),
        source ? h("div", { class: "tools" }, voiceOfFilm(), loop, mute) : h("p", { class: "gloss", text: list(one.missing).length ? "" : "There is no sound of it: this dataset holds notes only." })),
      trouble,
      h("div", { class: "timeline" }, bands.map((each) => each.element), cuts(list(one.shots), length), view));
    const picture = motet.roll.picture({ view, still, live, sight });

    // A moment of a film has two sounds: what the film has, and the recording that was heard in it.
    function voiceOfFilm() {
      if (!one.video || !list(one.downloads).some(({ what }) => what === "film-sound") || !one.sound) return null;
      const choice = (value, text) => h("label", {}, h("input", { type: "radio", name: "sound", value, checked: value === "film",
        on: { change: () => player.beside(value === "film" ? null : motet.store.media(one, one.sound.what ?? "mix")) } }), h("span", { text }));
      return h("fieldset", { class: "which" }, h("legend", { class: "unseen", text: "Which sound" }), choice("film", "Film’s own sound"), choice("recording", "The recording"));
    }

    // --- what is going on ---

    const mine = () => player.id === one.id;
    const here = () => (mine() ? Math.min(player.time, length) : 0);

    function follow() {
      const seconds = here();
      const text = motet.clock(seconds);
      const bar = motet.roll.barAt(bars, seconds);
      const found = bands.map(({ spans, items }) => {
        const current = at(spans, seconds);
        items.forEach((item, i) => item.classList.toggle("on", spans[i] === current));
        return current ? current.said ?? current.text : "";
      });
      const said = [bar ? `bar ${bar}` : "", ...found].filter(Boolean).join(" · ");
      if (now.textContent !== text || where.textContent !== said) {
        now.textContent = text;
        where.textContent = said;
        view.setAttribute("aria-valuenow", seconds.toFixed(1));
        view.setAttribute("aria-valuetext", `${text} of ${motet.clock(length)}${said ? ", " + said.replaceAll(" · ", ", ") : ""}`);
      }
      const sounding = picture.follow(seconds, mine(), span);
      if (player.paused || !mine()) mixer?.light(new Set());
      else if (sounding) mixer?.light(sounding);
    }

    function shows() {
      const playing = mine() && !player.paused;
      if (play.dataset.shows !== String(playing)) {
        play.dataset.shows = playing;
        play.replaceChildren(motet.icon(playing ? "pause" : "play"));
        play.setAttribute("aria-label", playing ? "Pause" : "Play");
      }
      play.disabled = !source || (mine() && Boolean(player.fault));
      loop.setAttribute("aria-pressed", looping);
      mute.setAttribute("aria-pressed", player.quiet);
      mute.replaceChildren(motet.icon(player.quiet ? "mute" : "sound"), h("span", { text: player.quiet ? "Muted" : "Mute" }));
      const said = mine() ? player.fault || player.troubled : "";
      if (trouble.textContent !== said) trouble.textContent = said;
      const dim = mixer?.dim() ?? new Set();
      if ([...dim].join() !== [...picture.dim].join()) { picture.dim = dim; picture.paint(); }
      const own = element.querySelector("input[value=film]");
      if (own && mine() && !player.companion) own.checked = true; // also when the recording could not be played
      follow();
    }

    // --- a part to hear again ---

    function choose(from, to) {
      span = to - from > 0.05 ? [Math.max(0, Math.min(from, to)), Math.min(length, Math.max(from, to))] : null;
      if (!span) looping = false;
      player.span = looping ? span : null;
      shows();
    }

    function toggleLoop() {
      if (!source) return;
      if (!span) { // the bar that sounds now, or four seconds where nobody counted bars
        const seconds = here();
        const from = bars.findLast((bar) => bar <= seconds + 0.001) ?? Math.min(seconds, Math.max(0, length - 4));
        span = [from, bars.find((bar) => bar > from + 0.001) ?? Math.min(length, bars.length ? length : from + 4)];
      }
      looping = !looping;
      player.span = looping ? span : null;
      motet.announce(looping ? `Loops ${motet.clock(span[0])} to ${motet.clock(span[1])}` : "Loop off");
      shows();
    }

    function clearSpan() {
      if (!span) return false;
      span = player.span = null;
      looping = false;
      shows();
      return true;
    }

    // --- pointer and keys ---

    const pointed = (event) => {
      const box = view.getBoundingClientRect();
      return Math.max(0, Math.min(1, (event.clientX - box.left) / box.width)) * length;
    };
    const onWave = (event) => !sight.notes.length || event.clientY - view.getBoundingClientRect().top >= (picture.plan?.waveTop ?? 0) - 3;
    let press = null;
    view.addEventListener("pointerdown", (event) => {
      if (event.button || !source) return;
      view.setPointerCapture(event.pointerId);
      press = { x: event.clientX, from: pointed(event), chooses: onWave(event) && event.pointerType !== "touch" };
      if (event.pointerType !== "touch" && !press.chooses) seek(press.from); // a finger may be about to scroll: wait until it lifts
    });
    view.addEventListener("pointermove", (event) => {
      if (!press || !view.hasPointerCapture(event.pointerId)) return;
      if (!press.chooses) seek(pointed(event));
      else if (Math.abs(event.clientX - press.x) > DRAGGED) {
        press.dragged = true;
        const to = pointed(event);
        choose(Math.min(press.from, to), Math.max(press.from, to));
      }
    });
    view.addEventListener("pointerup", (event) => {
      if (!press) return;
      if (press.dragged) motet.announce(`${motet.clock(span?.[0])} to ${motet.clock(span?.[1])} chosen; l loops it`);
      else if (press.chooses || event.pointerType === "touch") { clearSpan(); seek(pointed(event)); }
      press = null;
    });
    view.addEventListener("pointercancel", () => { press = null; });

    function keys(event) {
      const { key, target } = event;
      const direction = key === "ArrowRight" ? 1 : key === "ArrowLeft" ? -1 : 0;
      if (key === " ") {
        if (target.closest("button, a, summary, [role=button]")) return false; // they hear it themselves
        if (source) player.toggle();
      } else if (direction) {
        seek(event.shiftKey ? motet.roll.nextBar(bars, length, here(), direction) : here() + direction * STEP);
      } else if (key === "Home" || key === "End") {
        seek(key === "Home" ? 0 : length);
      } else if (key === "m") {
        player.quiet = !player.quiet;
      } else if (key === "l") {
        toggleLoop();
      } else if (key === "[" || key === "]") {
        const [from, to] = span ?? [0, length];
        if (key === "[") choose(here(), to); else choose(from, here());
      } else if (key === "Escape") {
        return clearSpan();
      } else {
        return false;
      }
      return true;
    }

    // --- begin and end ---

    if (source) {
      player.load({
        id: one.id, url: motet.store.media(one, source.what), mime: source.mime ?? "", video: Boolean(one.video), length: one.seconds ?? 0,
        stems: list(one.stems).map(({ index, silent }) => ({ index, silent, bytes: () => motet.store.stem(one, index) })),
      });
      player.beside(null);
    }
    const sizes = new ResizeObserver(() => { picture.paint(); follow(); });
    sizes.observe(view);
    const offs = [player.onchange(shows), player.ontick(follow), motet.onTheme(() => { picture.paint(); follow(); })];
    shows();
    return {
      element, seek, keys, length, shows,
      close() {
        offs.forEach((off) => off());
        sizes.disconnect();
        if (mine()) { player.pause(); player.span = null; player.beside(null); player.mix({}); }
        player.element.remove();
      },
    };
  };
}
