"use strict";
// The stems of one example, each to be muted or heard alone, and the voices that have no stem of their own.
{
  const { h } = motet;
  const list = (value) => (Array.isArray(value) ? value : []);

  function toggle(set, index) {
    if (!set.delete(index)) set.add(index);
    return set;
  }

  // `playable` is false where no stem can be had: then this is a legend. Returns {element, light(voices that sound), dim() -> voices that are not heard, keys(event) -> taken, close}; null where there is nothing to show.
  motet.mixer = (one, { colours, playable }) => {
    const player = motet.player;
    const stems = list(one.stems), voices = list(one.voices);
    if (!stems.length && !voices.length) return null;
    const mine = () => player.id === one.id;
    const colour = (voice) => ({ "--voice": `var(--v${colours[voice] ?? "d"})` });
    const own = voices.length ? [] : motet.roll.colours(stems); // where no notes are drawn, stems still differ

    const rows = stems.map((stem, place) => {
      const press = (text, does, which) => h("button", {
        type: "button", class: "switch " + which, text, "aria-pressed": "false", "aria-label": `${does} ${stem.name}`,
        title: `${does}${place < 9 ? ` (${which === "solo" ? "shift " : ""}${place + 1})` : ""}`, disabled: stem.silent, on: { click: () => change(stem, which) },
      });
      const muted = press("M", "Mute", "muted"), solo = press("S", "Solo", "solo");
      const more = [stem.role, stem.silent ? "silent" : stem.voice == null && list(one.notes).length ? "no notes here" : Number.isFinite(stem.loudness) ? `${stem.loudness.toFixed(1)} LUFS in the song` : "", stem.played_by].filter(Boolean).join(" · ");
      const row = h("li", { class: stem.silent ? "stem silent" : "stem", style: own.length ? { "--voice": `var(--v${own[place]})` } : colour(stem.voice) },
        playable ? h("kbd", { class: "number", "aria-hidden": "true", text: place < 9 ? place + 1 : "" }) : null, h("i", { class: "swatch" }),
        h("span", { class: "names" }, h("bdi", { class: "name", text: stem.name, title: stem.name }), h("small", { text: more, title: more, dir: "auto" })),
        playable ? [muted, solo] : null);
      return { stem, row, muted, solo };
    });
    const alone = voices.map((voice, index) => ({ voice, index })).filter(({ index }) => !stems.some((stem) => stem.voice === index));
    const chips = alone.map(({ voice, index }) => ({
      index, chip: h("li", { class: "voice", style: colour(index) }, h("i", { class: "swatch" }), h("bdi", { text: voice.name, title: voice.name }), voice.role ? h("small", { text: voice.role }) : null),
    }));
    const said = h("p", { class: "said", role: "status" });
    const all = h("button", { type: "button", class: "tool", text: "All on", hidden: true, on: { click: () => player.mix({}) } });
    const element = h("section", { class: "mixer", "aria-label": stems.length ? "Stems" : "Instruments" },
      stems.length ? h("div", { class: "lesser" }, h("h2", { text: "Stems" }), said, all) : null,
      rows.length ? h("ul", { class: "stems" }, rows.map(({ row }) => row)) : null,
      chips.length ? h("ul", { class: "voices", "aria-label": "Instruments" }, chips.map(({ chip }) => chip)) : null);

    function change(stem, which) {
      if (!mine() || stem.silent || !playable) return;
      const chosen = { muted: player.muted, solo: player.solo };
      toggle(chosen[which], stem.index);
      player.mix(chosen);
    }

    const heard = ({ index }) => !player.muted.has(index) && (!player.solo.size || player.solo.has(index));

    function shows() {
      if (!mine()) return;
      for (const { stem, row, muted, solo } of rows) {
        muted.setAttribute("aria-pressed", player.muted.has(stem.index));
        solo.setAttribute("aria-pressed", player.solo.has(stem.index));
        row.classList.toggle("off", !heard(stem));
      }
      all.hidden = !player.muted.size && !player.solo.size;
      const text = player.decoding ? "Reading the stems …" : "";
      if (said.textContent !== text) said.textContent = text;
    }

    const off = player.onchange(shows);
    return {
      element, shows,
      light(sounding) {
        for (const { stem, row } of rows) row.classList.toggle("on", sounding.has(stem.voice) && heard(stem));
        for (const { index, chip } of chips) chip.classList.toggle("on", sounding.has(index));
      },
      // A voice is dimmed where each of its stems is out.
      dim() {
        if (!mine() || (!player.muted.size && !player.solo.size)) return new Set();
        const sounding = new Set(stems.filter(heard).map((stem) => stem.voice));
        return new Set(stems.filter((stem) => !heard(stem) && !sounding.has(stem.voice) && stem.voice !== null).map((stem) => stem.voice));
      },
      keys(event) {
        const digit = /^Digit([1-9])$/.exec(event.code)?.[1];
        const stem = digit && stems[digit - 1];
        if (!stem) return false;
        change(stem, event.shiftKey ? "solo" : "muted");
        return true;
      },
      close: off,
    };
  };
}
