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
    get length() { return sight(this).length; },
  };
}

// What a clip looks like, parsed when it is first needed.
function sight(clip) {
  if (clip.sight) return clip.sight;
  const raw = JSON.parse(clip.article.querySelector(".sight").textContent);
  const notes = motet.roll.notes(raw.notes, raw.voices.map((voice) => voice === "d"));
  clip.sight = { length: Math.max(raw.length, 1) / 1000, mime: raw.mime, voices: raw.voices, bars: raw.bars.map((ms) => ms / 1000), peaks: raw.peaks, notes };
  return clip.sight;
}

// --- drawing ---

function paint(clip) {
  clip.picture ??= motet.roll.picture({ view: clip.view, still: clip.still, live: clip.live, sight: sight(clip) });
  clip.picture.paint();
  follow(clip);
}

// The time, the playhead, and the instruments that sound now.
function follow(clip) {
  const seconds = Math.min(position(clip), clip.length);
  const time = clock(seconds);
  if (clip.now.textContent !== time) {
    clip.now.textContent = time;
    clip.view.setAttribute("aria-valuenow", seconds.toFixed(1));
    clip.view.setAttribute("aria-valuetext", `${time} of ${clock(clip.length)}${barAt(clip, seconds)}`);
  }
  const sounding = clip.picture?.follow(seconds, clip === current);
  if (sounding) clip.chips.forEach((chip, voice) => chip.classList.toggle("on", sounding.has(voice)));
}

// --- playing ---

const clock = (seconds) => `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`;
const position = (clip) => (clip === current && !clip.pending ? audio.currentTime : clip.at);

function barAt(clip, seconds) {
  const bar = motet.roll.barAt(sight(clip).bars, seconds);
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
    seek(clip, event.shiftKey ? motet.roll.nextBar(sight(clip).bars, clip.length, position(clip), direction) : position(clip) + direction * STEP);
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

matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => clips.filter((clip) => clip.picture).forEach(paint));
