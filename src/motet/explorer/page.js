"use strict";
// Draws and plays the clips. One element serves the whole page, so one clip sounds at a time; films it shows as well.

const SHOWN_AT_FIRST = 8;
const STEP = 2; // seconds an arrow key moves

const audio = document.createElement("video");
audio.playsInline = true;
const articles = [...document.querySelectorAll(".clip")];
const clips = articles.map(makeClip);
let current = null;

function makeClip(article) {
  const find = (name) => article.querySelector("." + name);
  return {
    article, play: find("play"), view: find("view"), still: find("still"), live: find("live"), now: find("now"),
    trouble: find("trouble"), chips: [...article.querySelectorAll("[data-voice]")],
    at: 0, // seconds, kept while another clip plays
    get length() { return sight(this).length / 1000; },
  };
}

// What a clip looks like, parsed when it is first needed.
function sight(clip) {
  if (clip.sight) return clip.sight;
  const raw = JSON.parse(clip.article.querySelector(".sight").textContent);
  const notes = [];
  for (let i = 0; i < raw.notes.length; i += 5) {
    const [start, end, pitch, voice, velocity] = raw.notes.slice(i, i + 5);
    notes.push({ start: start / 1000, end: Math.max(end, start + 30) / 1000, pitch, voice, velocity, drum: raw.voices[voice] === "d" });
  }
  notes.sort((a, b) => a.start - b.start);
  clip.sight = { length: Math.max(raw.length, 1), mime: raw.mime, voices: raw.voices, bars: raw.bars.map((ms) => ms / 1000), peaks: raw.peaks, notes };
  return clip.sight;
}

// --- drawing ---

function colours() {
  const style = getComputedStyle(document.documentElement);
  return new Proxy({}, { get: (_, name) => style.getPropertyValue("--" + name).trim() });
}

// Where things are in a picture of this size: bar numbers, the roll, drums in a lane of their own, the wave.
function plan(clip, width, height) {
  const { notes, length, peaks } = sight(clip);
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
  return {
    width, height, top, bottom, lane, laneTop, wave, waveTop, low: low - 1, high: high + 1, row,
    x: (seconds) => (seconds * 1000 / length) * width,
    box(note) {
      const x = this.x(note.start);
      const w = Math.max(this.x(note.end) - x - 0.75, 2);
      if (note.drum) return [x, laneTop + 3 + hits.indexOf(note.pitch) * hit + hit * 0.14, Math.min(w, 5), Math.max(hit * 0.72, 1.5)];
      return [x, top + (this.high - note.pitch) * row + row * 0.06, w, Math.max(row * 0.88, 2)];
    },
  };
}

function canvasFor(canvas, width, height) {
  const ratio = window.devicePixelRatio || 1;
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  const ink = canvas.getContext("2d");
  ink.scale(ratio, ratio);
  return ink;
}

function paint(clip) {
  const { clientWidth: width, clientHeight: height } = clip.view;
  if (!width || !height) return;
  const { notes, bars, voices } = sight(clip);
  const colour = colours();
  const p = (clip.plan = plan(clip, width, height));
  clip.voice = voices.map((v) => colour["v" + v]);
  clip.ink = { ink: colour.ink, accent: colour.accent };
  const ink = canvasFor(clip.still, width, height);
  ink.font = "10.5px system-ui, sans-serif";

  ink.fillStyle = colour.stripe;
  for (let pitch = p.low; notes.length && pitch <= p.high; pitch++) {
    if ([1, 3, 6, 8, 10].includes(((pitch % 12) + 12) % 12)) ink.fillRect(0, p.top + (p.high - pitch) * p.row, width, p.row);
  }
  if (p.lane) ink.fillRect(0, p.laneTop, width, p.lane);

  let free = -Infinity; // where the next bar number has room
  bars.forEach((bar, i) => {
    const x = Math.round(p.x(bar));
    if (x < 0 || x >= width) return;
    ink.fillStyle = colour.rule;
    ink.fillRect(x, p.top - 4, 1, p.waveTop - p.top + (p.wave ? 0 : 4));
    if (x < free || x > width - 16) return;
    ink.fillStyle = colour.soft;
    ink.fillText(String(i + 1), x + 3, p.top - 6);
    free = x + 34;
  });

  const longestFirst = [...notes].sort((a, b) => b.end - b.start - (a.end - a.start)); // a held chord hides nothing
  for (const note of longestFirst) {
    ink.globalAlpha = 0.3 + 0.7 * Math.min(note.velocity, 127) / 127;
    ink.fillStyle = clip.voice[note.voice];
    block(ink, p.box(note));
  }
  ink.globalAlpha = 1;

  ink.fillStyle = colour.soft;
  for (let pitch = p.low; notes.length && pitch <= p.high; pitch++) {
    if (pitch % 12 === 0 && p.row * 12 > 18) label(ink, "C" + (pitch / 12 - 1), 4, p.top + (p.high - pitch + 0.5) * p.row + 3.5, colour);
  }
  clip.path = p.wave ? wavePath(sight(clip).peaks, p) : null;
  if (clip.path) { ink.fillStyle = colour.wave; ink.fill(clip.path); }
  canvasFor(clip.live, width, height);
  follow(clip);
}

function block(ink, [x, y, w, h]) {
  ink.beginPath();
  ink.roundRect(x, y, w, h, Math.min(2, h / 2, w / 2));
  ink.fill();
}

function label(ink, text, x, y, colour) {
  ink.lineWidth = 3;
  ink.strokeStyle = colour.sunk;
  ink.strokeText(text, x, y);
  ink.fillText(text, x, y);
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

// The playhead, what it has passed, and the notes that sound now.
function follow(clip) {
  const { plan: p, live } = clip;
  const seconds = Math.min(position(clip), clip.length);
  const time = clock(seconds);
  if (clip.now.textContent !== time) {
    clip.now.textContent = time;
    clip.view.setAttribute("aria-valuenow", seconds.toFixed(1));
    clip.view.setAttribute("aria-valuetext", `${time} of ${clock(clip.length)}${barAt(clip, seconds)}`);
  }
  if (!p) return;
  const ink = live.getContext("2d");
  ink.clearRect(0, 0, p.width, p.height);
  const sounding = new Set();
  if (clip === current) {
    const x = p.x(seconds);
    if (clip.path) {
      ink.save();
      ink.beginPath();
      ink.rect(0, p.waveTop, x, p.wave);
      ink.clip();
      ink.fillStyle = clip.ink.accent;
      ink.fill(clip.path);
      ink.restore();
    }
    for (const note of sight(clip).notes) {
      if (note.start > seconds) break;
      if (seconds >= note.end && !(note.drum && seconds < note.start + 0.12)) continue;
      sounding.add(note.voice);
      ink.fillStyle = ink.shadowColor = clip.voice[note.voice];
      ink.shadowBlur = 10;
      block(ink, p.box(note));
    }
    ink.shadowBlur = 0;
    ink.fillStyle = clip.ink.ink;
    ink.fillRect(x - 0.75, 4, 1.5, p.height - 4);
    ink.beginPath();
    ink.arc(x, 5, 4, 0, 7);
    ink.fill();
  }
  clip.chips.forEach((chip, voice) => chip.classList.toggle("on", sounding.has(voice)));
}

// --- playing ---

const clock = (seconds) => `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`;
const position = (clip) => (clip === current && !clip.pending ? audio.currentTime : clip.at);

function barAt(clip, seconds) {
  const bar = sight(clip).bars.filter((start) => start <= seconds + 0.001).length;
  return bar ? `, bar ${bar}` : "";
}

// Makes a clip the one that plays. Its sound is decoded here, and the one before is let go.
function choose(clip) {
  if (clip === current) return;
  const before = current;
  if (before) {
    before.at = position(before);
    audio.pause();
    URL.revokeObjectURL(audio.src);
    before.article.classList.remove("current", "playing");
    audio.remove();
    before.play.setAttribute("aria-label", "Play");
  }
  const text = atob(JSON.parse(clip.article.querySelector(".sound").textContent));
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  current = clip;
  clip.pending = true; // until the sound is open, `at` is where it will start
  clip.article.classList.add("current");
  clip.article.querySelector(".screen")?.append(audio);
  clip.trouble.textContent = "";
  audio.src = URL.createObjectURL(new Blob([bytes], { type: sight(clip).mime }));
  if (before) follow(before);
}

function toggle(clip) {
  if (clip.play.disabled) return;
  choose(clip);
  if (!audio.paused) { audio.pause(); return; }
  if (position(clip) >= clip.length - 0.05) seek(clip, 0);
  audio.play().catch((error) => { if (error.name !== "AbortError" && clip === current) complain(clip); });
}

function seek(clip, seconds) {
  if (clip.play.disabled) return;
  choose(clip);
  clip.at = Math.max(0, Math.min(seconds, clip.length));
  if (!clip.pending) audio.currentTime = clip.at;
  follow(clip);
}

function complain(clip) {
  audio.pause();
  clip.trouble.textContent = `This browser could not play the sound (${sight(clip).mime}).`;
}

function shows(playing) {
  if (!current) return;
  current.article.classList.toggle("playing", playing);
  current.play.setAttribute("aria-label", playing ? "Pause" : "Play");
  follow(current);
  cancelAnimationFrame(frame);
  if (playing) frame = requestAnimationFrame(tick);
}

let frame = 0;

function tick() {
  follow(current);
  frame = requestAnimationFrame(tick);
}

audio.addEventListener("loadedmetadata", () => {
  audio.currentTime = current.at;
  current.pending = false;
});
audio.addEventListener("play", () => shows(true));
audio.addEventListener("pause", () => shows(false));
audio.addEventListener("ended", () => shows(false));
audio.addEventListener("seeked", () => current && follow(current));
audio.addEventListener("error", () => current && complain(current));

// --- pointer, keys, page ---

for (const clip of clips) {
  clip.play.addEventListener("click", () => toggle(clip));
  const point = (event) => {
    const box = clip.view.getBoundingClientRect();
    seek(clip, ((event.clientX - box.left) / box.width) * clip.length);
  };
  clip.view.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    clip.view.setPointerCapture(event.pointerId);
    if (event.pointerType !== "touch") point(event); // a finger may be about to scroll: wait until it moves sideways or lifts
  });
  clip.view.addEventListener("pointerup", (event) => {
    if (event.pointerType === "touch") point(event);
  });
  clip.view.addEventListener("pointermove", (event) => {
    if (clip.view.hasPointerCapture(event.pointerId)) point(event);
  });
}

function inView() {
  return clips.find(({ view, article }) => {
    const box = view.getBoundingClientRect();
    return !article.hidden && box.top >= 0 && box.bottom <= innerHeight;
  });
}

function nextBar(clip, direction) {
  const here = position(clip);
  const bars = [0, ...sight(clip).bars, clip.length];
  return direction > 0 ? bars.find((bar) => bar > here + 0.05) ?? clip.length : bars.findLast((bar) => bar < here - 0.3) ?? 0;
}

function go(clip, direction) {
  const next = clips[clips.indexOf(clip) + direction];
  if (!next) return;
  if (next.article.hidden) showAll();
  next.view.focus({ preventScroll: true });
  next.article.scrollIntoView({ block: "nearest" });
  if (clip === current && !audio.paused) { next.at = 0; toggleTo(next); }
}

function toggleTo(clip) {
  if (clip.play.disabled) audio.pause();
  else { choose(clip); toggle(clip); }
}

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.altKey || event.ctrlKey || event.metaKey) return;
  const inside = clips.find((clip) => clip.article.contains(event.target));
  if (!inside && event.target !== document.body) return; // links, tables and summaries keep their keys
  const clip = inside ?? current;
  const playing = current && !audio.paused;
  if (event.key === " ") {
    if (event.target.tagName === "BUTTON") return; // the button hears it itself
    const chosen = clip ?? inView();
    if (!chosen) return;
    toggle(chosen);
  } else if (!clip) {
    return;
  } else if (event.key === "ArrowLeft" || event.key === "ArrowRight") {
    const direction = event.key === "ArrowRight" ? 1 : -1;
    seek(clip, event.shiftKey ? nextBar(clip, direction) : position(clip) + direction * STEP);
  } else if ((event.key === "Home" || event.key === "End") && inside) {
    seek(clip, event.key === "Home" ? 0 : clip.length);
  } else if ((event.key === "ArrowUp" || event.key === "ArrowDown") && (inside || playing)) {
    go(clip, event.key === "ArrowDown" ? 1 : -1);
  } else {
    return;
  }
  event.preventDefault();
});

let more = null;

function showAll() {
  articles.forEach((article) => { article.hidden = false; });
  more?.remove();
}

if (articles.length > SHOWN_AT_FIRST + 2) {
  articles.slice(SHOWN_AT_FIRST).forEach((article) => { article.hidden = true; });
  more = document.createElement("button");
  more.type = "button";
  more.className = "more";
  more.textContent = `Show all ${articles.length} clips`;
  more.addEventListener("click", () => { showAll(); clips[SHOWN_AT_FIRST].play.focus(); });
  document.querySelector(".clips").after(more);
}

const seen = new WeakSet();
const sizes = new ResizeObserver((entries) => entries.forEach(({ target }) => repaint(target)));
const near = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) {
    if (!isIntersecting || seen.has(target)) continue;
    seen.add(target);
    sizes.observe(target); // tells the size at once, which paints
  }
}, { rootMargin: "400px" });
clips.forEach(({ view }) => near.observe(view));

function repaint(view) {
  paint(clips.find((clip) => clip.view === view));
}

matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => clips.filter((clip) => clip.plan).forEach(paint));
