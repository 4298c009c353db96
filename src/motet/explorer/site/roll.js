"use strict";
// Draws what sounds: the roll of notes, drums in a lane of their own, bar lines, the wave, and the playhead over them.
// The page of one example and the report of a run draw with the same hand.
{
  const VOICES = 10; // --v0 … --v9 in the style; --vd for drums
  const BLACK = [1, 3, 6, 8, 10];
  const SHORTEST = 30; // milliseconds, so that a note of no length can be seen
  const HIT = 0.12; // seconds a drum lights up

  // From five numbers a note (start and end in milliseconds, pitch, voice, velocity) to notes in seconds, in order.
  function notes(flat, drums) {
    const found = [];
    for (let i = 0; i + 4 < flat.length; i += 5) {
      const [start, end, pitch, voice, velocity] = flat.slice(i, i + 5);
      if (!(voice in drums) || !Number.isFinite(start + end + pitch)) continue;
      found.push({ start: start / 1000, end: Math.max(end, start + SHORTEST) / 1000, pitch, voice, velocity, drum: drums[voice] });
    }
    return found.sort((a, b) => a.start - b.start);
  }

  // One colour per instrument, the same on every page, as far as no two voices of an example need the same one.
  function colours(voices) {
    const taken = new Set();
    return voices.map(({ name, drum }) => {
      if (drum) return "d";
      let first = 0;
      for (const letter of String(name)) first = (first * 31 + letter.codePointAt(0)) % 9973;
      let choice = first % VOICES;
      for (let step = 0; step < VOICES && taken.has(choice); step++) choice = (choice + 1) % VOICES;
      taken.add(choice);
      return String(choice);
    });
  }

  const token = (name) => getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();

  // Where things are in a picture of this size: bar numbers, the roll, drums, the wave.
  function plan({ notes, length, peaks }, width, height) {
    const hits = [...new Set(notes.filter((n) => n.drum).map((n) => n.pitch))].sort((a, b) => b - a);
    const top = 18;
    // A recording has no notes to show: the wave has all the room.
    const wave = !peaks.length ? 0 : notes.length ? Math.round(height * 0.2) : height - top;
    const waveTop = height - wave;
    const lane = hits.length ? Math.min(hits.length * 9 + 6, Math.round(height * 0.24)) : 0;
    const laneTop = waveTop - (wave ? 6 : 0) - lane;
    const bottom = laneTop - (lane ? 4 : 0);
    let low = 128, high = -1;
    for (const note of notes) if (!note.drum) { low = Math.min(low, note.pitch); high = Math.max(high, note.pitch); }
    if (high < low) [low, high] = [60, 71];
    while (high - low < 17) { low -= 1; high += 1; }
    const row = (bottom - top) / (high - low + 3);
    const hit = (lane - 6) / Math.max(hits.length, 1);
    const lanes = new Map(hits.map((pitch, index) => [pitch, index]));
    return {
      width, height, top, bottom, lane, laneTop, wave, waveTop, low: low - 1, high: high + 1, row,
      x: (seconds) => (seconds / length) * width,
      box(note) {
        const x = this.x(note.start);
        const w = Math.max(this.x(note.end) - x - 0.75, 2);
        if (note.drum) return [x, laneTop + 3 + lanes.get(note.pitch) * hit + hit * 0.14, Math.min(w, 5), Math.max(hit * 0.72, 1.5)];
        return [x, top + (this.high - note.pitch) * row + row * 0.06, w, Math.max(row * 0.88, 2)];
      },
    };
  }

  function inkOf(canvas, width, height) {
    const ratio = window.devicePixelRatio || 1;
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
    const ink = canvas.getContext("2d");
    ink.scale(ratio, ratio);
    return ink;
  }

  function block(ink, [x, y, w, h]) {
    ink.beginPath();
    ink.roundRect(x, y, w, h, Math.min(2, h / 2, w / 2));
    ink.fill();
  }

  // The outline of the wave: highest values from left to right, lowest values back.
  function wavePath(peaks, p) {
    const path = new Path2D();
    const pairs = peaks.length >> 1;
    const middle = p.waveTop + p.wave / 2;
    const loudest = peaks.reduce((most, peak) => Math.max(most, Math.abs(peak)), 16);
    const half = p.wave / 2 - 3;
    const columns = Math.max(2, Math.min(pairs, Math.round(p.width)));
    const edge = (column, side) => {
      const from = Math.floor(column * pairs / columns), to = Math.max(from + 1, Math.floor((column + 1) * pairs / columns));
      let extreme = 0;
      for (let i = from; i < to && i < pairs; i++) extreme = side ? Math.max(extreme, peaks[2 * i + 1]) : Math.min(extreme, peaks[2 * i]);
      return middle - (extreme / loudest) * half + (side ? -0.5 : 0.5);
    };
    const x = (column) => (column / (columns - 1)) * p.width;
    for (let c = 0; c < columns; c++) path.lineTo(x(c), edge(c, 1));
    for (let c = columns - 1; c >= 0; c--) path.lineTo(x(c), edge(c, 0));
    path.closePath();
    return path;
  }

  function drawGrid(ink, p, { notes, bars, beats = [] }, colour) {
    ink.fillStyle = colour("stripe");
    for (let pitch = p.low; notes.length && pitch <= p.high; pitch++) {
      if (BLACK.includes(((pitch % 12) + 12) % 12)) ink.fillRect(0, p.top + (p.high - pitch) * p.row, p.width, p.row);
    }
    if (p.lane) ink.fillRect(0, p.laneTop, p.width, p.lane);
    if (beats.length && p.width / beats.length > 7) {
      ink.fillStyle = colour("line");
      for (const beat of beats) ink.fillRect(Math.round(p.x(beat)), p.top, 1, p.waveTop - p.top);
    }
    let free = -Infinity; // where the next bar number has room
    bars.forEach((bar, i) => {
      const x = Math.round(p.x(bar));
      if (x < 0 || x >= p.width) return;
      ink.fillStyle = colour("rule");
      ink.fillRect(x, p.top - 4, 1, p.waveTop - p.top + (p.wave ? 0 : 4));
      if (x < free || x > p.width - 16) return;
      ink.fillStyle = colour("soft");
      ink.fillText(String(i + 1), x + 3, p.top - 6);
      free = x + 34;
    });
  }

  function drawNotes(ink, p, notes, voice) {
    const longestFirst = [...notes].sort((a, b) => b.end - b.start - (a.end - a.start)); // a held chord hides nothing
    for (const note of longestFirst) {
      ink.globalAlpha = 0.3 + 0.7 * Math.min(note.velocity, 127) / 127;
      ink.fillStyle = voice[note.voice];
      block(ink, p.box(note));
    }
    ink.globalAlpha = 1;
  }

  function drawNames(ink, p, colour) {
    ink.lineWidth = 3;
    ink.strokeStyle = colour("sunk");
    ink.fillStyle = colour("soft");
    for (let pitch = p.low; pitch <= p.high; pitch++) {
      if (pitch % 12 !== 0 || p.row * 12 <= 18) continue;
      const y = p.top + (p.high - pitch + 0.5) * p.row + 3.5, text = "C" + (pitch / 12 - 1);
      ink.strokeText(text, 4, y);
      ink.fillText(text, 4, y);
    }
  }

  // A picture on two canvases in a box: `still` is drawn once per size, `live` follows the playhead.
  // `sight`: {length: s, notes, bars: [s], beats: [s], peaks, voices: [name of a colour]}; `dim`: voices that are not heard.
  function picture({ view, still, live, sight }) {
    let p = null, path = null, voice = [], tones = {}, drawn = "";
    const one = {
      sight,
      dim: new Set(),
      get plan() { return p; },
      paint() {
        const { clientWidth: width, clientHeight: height } = view;
        if (!width || !height) return;
        p = plan(sight, width, height);
        voice = sight.voices.map((name) => token("v" + name));
        tones = { ink: token("ink"), accent: token("accent") };
        const ink = inkOf(still, width, height);
        ink.font = "10.5px system-ui, sans-serif";
        drawGrid(ink, p, sight, token);
        drawNotes(ink, p, sight.notes.filter((note) => one.dim.has(note.voice)), voice.map(() => token("rule")));
        drawNotes(ink, p, sight.notes.filter((note) => !one.dim.has(note.voice)), voice);
        if (sight.notes.length) drawNames(ink, p, token);
        path = p.wave ? wavePath(sight.peaks, p) : null;
        if (path) { ink.fillStyle = token("wave"); ink.fill(path); }
        inkOf(live, width, height);
        drawn = "";
      },
      // The playhead, what it has passed, and the notes that sound now; returns their voices. `shown` is false where another plays.
      // `span` is the part that is chosen: [from, to] in seconds, or null.
      follow(seconds, shown = true, span = null) {
        const sounding = new Set();
        if (!p) return sounding;
        const ink = live.getContext("2d");
        const state = `${shown} ${seconds} ${span}`;
        if (state === drawn) return null;
        drawn = state;
        ink.clearRect(0, 0, p.width, p.height);
        if (span) drawSpan(ink, span);
        if (!shown) return sounding;
        const x = p.x(seconds);
        if (path) {
          ink.save();
          ink.beginPath();
          ink.rect(0, p.waveTop, x, p.wave);
          ink.clip();
          ink.fillStyle = tones.accent;
          ink.fill(path);
          ink.restore();
        }
        for (const note of sight.notes) {
          if (note.start > seconds) break;
          if (seconds >= note.end && !(note.drum && seconds < note.start + HIT)) continue;
          if (one.dim.has(note.voice)) continue;
          sounding.add(note.voice);
          ink.fillStyle = ink.shadowColor = voice[note.voice];
          ink.shadowBlur = 10;
          block(ink, p.box(note));
        }
        ink.shadowBlur = 0;
        ink.fillStyle = tones.ink;
        ink.fillRect(x - 0.75, 4, 1.5, p.height - 4);
        ink.beginPath();
        ink.arc(x, 5, 4, 0, 7);
        ink.fill();
        return sounding;
      },
    };
    function drawSpan(ink, [from, to]) {
      const left = p.x(from), right = p.x(to);
      ink.fillStyle = tones.accent;
      ink.globalAlpha = 0.14;
      ink.fillRect(left, p.top - 4, right - left, p.height - p.top + 4);
      ink.globalAlpha = 1;
      for (const x of [left, right]) ink.fillRect(x - 0.75, p.top - 4, 1.5, p.height - p.top + 4);
    }
    return one;
  }

  // The number of the bar at a moment, from 1; 0 before the first.
  const barAt = (bars, seconds) => bars.filter((start) => start <= seconds + 0.001).length;

  // The bar line after or before a moment; the ends where there is none.
  function nextBar(bars, length, here, direction) {
    const lines = [0, ...bars, length];
    return direction > 0 ? lines.find((bar) => bar > here + 0.05) ?? length : lines.findLast((bar) => bar < here - 0.3) ?? 0;
  }

  motet.roll = { notes, colours, picture, barAt, nextBar, token };
}
