"use strict";
// Draws the planned events under each film and moves with it. One film plays at a time.

const marks = JSON.parse(document.getElementById("marks").textContent);
const NEAR = 0.0005; // seconds within which two moments are one

const films = [...document.querySelectorAll(".film")].map((article) => {
  const find = (name) => article.querySelector("." + name);
  const raw = marks[article.dataset.film];
  const events = [];
  for (let i = 0; i < raw.marks.length; i += 3) {
    events.push({ at: raw.marks[i] / 1000, lane: raw.marks[i + 1], velocity: raw.marks[i + 2] });
  }
  return {
    article, video: article.querySelector("video"), strip: find("strip"), still: find("still"), live: find("live"),
    time: find("time"), frame: find("frame"), last: find("last"), events, moments: [...new Set(events.map((e) => e.at))].sort((a, b) => a - b),
    length: Math.max(raw.length, 1) / 1000, rate: raw.rate, lanes: raw.lanes, colours: raw.colours, bars: raw.bars.map((ms) => ms / 1000),
    ends: 0, place: null,
  };
});

const clock = (seconds) => `${Math.floor(seconds / 60)}:${(seconds % 60).toFixed(2).padStart(5, "0")}`;
const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();
// Where the film stands, or will once it has been opened.
const position = (film) => (film.wanted ?? film.video.currentTime);

// --- drawing ---

function canvasFor(canvas, width, height) {
  const ratio = window.devicePixelRatio || 1;
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  const ink = canvas.getContext("2d");
  ink.scale(ratio, ratio);
  return ink;
}

function paint(film) {
  film.strip.style.height = `${Math.max(36, 10 + film.lanes.length * 15)}px`;
  const { clientWidth: width, clientHeight: height } = film.strip;
  if (!width) return;
  const lane = (height - 8) / Math.max(film.lanes.length, 1);
  film.place = {
    width, height, lane, ink: colour("ink"), voices: film.colours.map((n) => colour("v" + n)),
    x: (seconds) => 1 + (seconds / film.length) * (width - 2),
    y: (number) => height - 4 - (number + 1) * lane,
  };
  const p = film.place;
  const ink = canvasFor(film.still, width, height);
  ink.fillStyle = colour("rule");
  for (const bar of film.bars) ink.fillRect(Math.round(p.x(bar)), 0, 1, height);
  ink.fillStyle = colour("line");
  for (let n = 1; n < film.lanes.length; n++) ink.fillRect(0, Math.round(p.y(n - 1)), width, 1);
  for (const event of film.events) {
    ink.globalAlpha = 0.35 + 0.65 * Math.min(event.velocity, 127) / 127;
    ink.fillStyle = p.voices[event.lane];
    mark(ink, p, event, 2.5);
  }
  canvasFor(film.live, width, height);
  follow(film);
}

// A mark is as high as its note is loud.
function mark(ink, p, event, width) {
  const height = Math.max(3, (p.lane - 3) * (0.35 + 0.65 * Math.min(event.velocity, 127) / 127));
  ink.fillRect(p.x(event.at) - width / 2, p.y(event.lane) + p.lane - 1.5 - height, width, height);
}

function follow(film) {
  const p = film.place, seconds = Math.min(position(film), film.length);
  const time = clock(seconds);
  if (film.time.textContent !== time) {
    const passed = film.events.filter((event) => event.at <= seconds + NEAR);
    const latest = passed.length ? passed[passed.length - 1].at : -1;
    const said = [...new Set(passed.filter((event) => event.at === latest).map((event) => film.lanes[event.lane]))].join(", ");
    film.time.textContent = time;
    film.frame.textContent = `picture ${Math.floor(seconds * film.rate + NEAR)}`;
    film.last.textContent = said;
    film.strip.setAttribute("aria-valuenow", seconds.toFixed(2));
    film.strip.setAttribute("aria-valuetext", `${time} of ${clock(film.length)}${said && seconds - latest < 1 / film.rate ? ": " + said : ""}`);
  }
  if (!p) return;
  const ink = film.live.getContext("2d");
  ink.clearRect(0, 0, p.width, p.height);
  for (const event of film.events) {
    const age = seconds - event.at + NEAR;
    if (age < 0 || age > 0.3) continue;
    ink.globalAlpha = 1 - age / 0.3;
    ink.fillStyle = ink.shadowColor = p.voices[event.lane];
    ink.shadowBlur = 8;
    mark(ink, p, event, 6);
  }
  ink.globalAlpha = 1;
  ink.shadowBlur = 0;
  ink.fillStyle = p.ink;
  ink.fillRect(p.x(seconds) - 0.75, 0, 1.5, p.height);
}

// --- playing ---

function seek(film, seconds) {
  const there = Math.max(0, Math.min(seconds, film.length - 0.001));
  film.wanted = there;
  if (film.video.readyState) film.video.currentTime = there;
  else { film.video.preload = "auto"; film.video.load(); }
  follow(film);
}

function toggle(film) {
  if (film.video.paused) film.video.play().catch((error) => { if (error.name !== "AbortError") film.last.textContent = "this browser cannot play it"; });
  else film.video.pause();
}

function run(film) {
  follow(film);
  film.ends = film.video.paused ? 0 : requestAnimationFrame(() => run(film));
}

for (const film of films) {
  const { video, strip, article } = film;
  video.addEventListener("play", () => {
    films.forEach((other) => { if (other !== film) other.video.pause(); });
    article.classList.add("playing");
    cancelAnimationFrame(film.ends);
    run(film);
  });
  video.addEventListener("pause", () => { article.classList.remove("playing"); follow(film); });
  video.addEventListener("loadedmetadata", () => { if (film.wanted !== undefined) video.currentTime = film.wanted; });
  video.addEventListener("seeked", () => { film.wanted = undefined; follow(film); });
  video.addEventListener("timeupdate", () => follow(film));

  const point = (event) => {
    const box = strip.getBoundingClientRect();
    seek(film, ((event.clientX - box.left) / box.width) * film.length);
  };
  strip.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    strip.setPointerCapture(event.pointerId);
    if (event.pointerType !== "touch") point(event); // a finger may be about to scroll: wait until it moves sideways or lifts
  });
  strip.addEventListener("pointerup", (event) => { if (event.pointerType === "touch") point(event); });
  strip.addEventListener("pointermove", (event) => { if (strip.hasPointerCapture(event.pointerId)) point(event); });
  strip.addEventListener("keydown", (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const here = position(film);
    // The middle of a picture is asked for: at its very edge a browser may show the one before.
    const middle = (seconds) => (Math.floor(seconds * film.rate + 2 * NEAR * film.rate) + 0.5) / film.rate;
    const half = 0.5 / film.rate;
    if (event.key === "ArrowRight") seek(film, middle(film.moments.find((at) => at > here + NEAR) ?? film.length - half));
    else if (event.key === "ArrowLeft") seek(film, middle(film.moments.filter((at) => at < here - half - NEAR).pop() ?? 0));
    else if (event.key === ".") seek(film, middle(here + 1 / film.rate));
    else if (event.key === ",") seek(film, middle(Math.max(0, here - 1 / film.rate)));
    else if (event.key === "Home") seek(film, 0);
    else if (event.key === "End") seek(film, film.length);
    else if (event.key === " ") toggle(film);
    else return;
    event.preventDefault();
  });
}

const sizes = new ResizeObserver((entries) => entries.forEach(({ target }) => paint(films.find((film) => film.strip === target))));
films.forEach(({ strip }) => sizes.observe(strip));
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => films.forEach(paint));
