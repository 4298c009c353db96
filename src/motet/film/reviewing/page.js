"use strict";
// One match at a time: shown, played, judged. Names from outside are only ever set as text.

const $ = (id) => document.getElementById(id);
const STEP = 2, FINE = 0.1; // seconds an arrow key moves
const ROWS = 200; // of the list at first
const LARGEST = 48 * 2 ** 20; // bytes of a file whose wave is drawn
const WORDS = { yes: "yes", no: "no", unsure: "unsure" };

let items = [], labels = {}, order = [], current = -1, busy = false, rows = ROWS, lost = false;
const done = []; // labels of this visit, to be taken back
let waves = {}, shown = 0; // of the match that is shown, whose number `shown` changes with each
const player = new InStep($("film"), $("recording"), $("midi"), () => tell());

const url = (number) => (kind) => `media/${number}/${kind}`;
const percent = (value) => `${Math.round(value * 100)} %`;
function clock(seconds, fine) {
  const whole = Math.floor(seconds + 1e-6), hours = Math.floor(whole / 3600), minutes = Math.floor(whole / 60) % 60;
  const tail = `${String(whole % 60).padStart(2, "0")}${fine ? "." + Math.floor((seconds - whole + 1e-6) * 10) : ""}`;
  return hours ? `${hours}:${String(minutes).padStart(2, "0")}:${tail}` : `${minutes}:${tail}`;
}

// --- the server ---

async function ask(path, body) {
  let answer;
  try {
    answer = await fetch(path, body && { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
  } catch {
    lost = true;
    throw new Error("The server of this page does not answer: start it again and open its new address. What was not confirmed is not saved.");
  }
  lost = false;
  const told = await answer.json();
  if (!answer.ok) throw new Error(told.detail || `The server answered ${answer.status}.`);
  return told;
}

function trouble(text) {
  $("trouble").textContent = text;
  $("trouble").hidden = !text;
}

function know(state) {
  labels = state.labels;
  if (!lost) trouble(state.told.join(" "));
}

async function refresh() {
  if (document.hidden || busy) return;
  try {
    know(await ask("labels"));
    list();
    tell();
    verdicts();
  } catch (error) {
    trouble(error.message);
  }
}

// --- which are shown, and in which order ---

function arrange() {
  const kind = $("kind").value, words = $("find").value.toLowerCase().split(/\s+/).filter(Boolean);
  const limit = (id, other) => ($(id).value === "" || !Number.isFinite(+$(id).value) ? other : +$(id).value / 100);
  const low = limit("low", 0), high = limit("high", 1);
  order = items.map((_, number) => number).filter((number) => {
    const item = items[number], label = labels[item.stamp];
    if (kind && (label ? label.verdict : "none") !== kind) return false;
    if (item.confidence < low - 0.005 || item.confidence > high + 0.005) return false;
    const text = `${item.film} ${item.song} ${item.artist}`.toLowerCase();
    return words.every((word) => text.includes(word));
  });
  const by = { doubtful: (a, b) => a.confidence - b.confidence, sure: (a, b) => b.confidence - a.confidence, film: (a, b) => a.film.localeCompare(b.film) || a.place[0] - b.place[0] }[$("order").value];
  if (by) order.sort((a, b) => by(items[a], items[b]) || a - b);
}

// The place of the match that is shown; if the filter hides it, that of the first after it.
function place() {
  const here = order.indexOf(current);
  if (here >= 0) return here;
  const after = order.findIndex((number) => number > current);
  return (after < 0 ? order.length : after) - 0.5;
}

function move(way) {
  const next = Math.round(place() + (Number.isInteger(place()) ? way : way / 2));
  if (next >= 0 && next < order.length) open_(order[next]);
}

function unjudged(from) {
  const later = [...order.filter((_, i) => i > from), ...order.filter((_, i) => i <= from)];
  return later.find((number) => !labels[items[number].stamp]);
}

// --- one match ---

function open_(number, go) {
  const item = items[number];
  const again = number === current;
  current = number;
  history.replaceState(null, "", `#${number + 1}`);
  $("asks").textContent = item.has.midi ? "Does this song play here? Does the MIDI fit?" : "Does this song play here?";
  $("song").textContent = item.song || "(no title)";
  $("artist").textContent = item.artist;
  $("of").textContent = `${item.film}${item.year === null ? "" : ` (${item.year})`}, ${clock(item.place[0])} to ${clock(item.place[1])}`;
  $("sure").textContent = `confidence ${percent(item.confidence)}`;
  $("meter").value = item.confidence;
  $("evidence").replaceChildren(...item.evidence.map((line) => made("li", "clamp", line)));
  $("note").value = labels[item.stamp]?.note ?? "";
  if (!again) {
    waves = {};
    shown += 1;
    player.load(item, url(number));
    const speed = player.ratio;
    const faster = Math.abs(speed - 1) < 0.002 ? "" : ` · film at ${speed.toFixed(3)} of the recording's speed`;
    $("told").textContent = `recording ${clock(item.span[0])} to ${clock(item.span[1])}${faster}${item.licence ? ` · ${item.licence}` : ""}`;
    dark();
    for (const kind of ["film", "recording"]) if (item.has[kind]) look(number, kind, shown);
  }
  verdicts();
  list();
  tell();
  draw();
  if (go && !again) player.play();
}

function made(tag, name, text) {
  const element = document.createElement(tag);
  if (name) element.className = name;
  if (text !== undefined) element.textContent = text;
  if (name === "clamp") element.dir = "auto";
  return element;
}

function dark() {
  const item = items[current];
  const making = $("film").readyState < 2 ? "The moment is being cut out of the film …" : "";
  const why = item.has.film ? (player.broken.film ?? making) : "There is no film to show.";
  $("dark").textContent = why || "";
  $("dark").hidden = !why;
}

// Ask for the file once: for its wave, and for the sentence if there is none.
async function look(number, kind, mine) {
  try {
    const answer = await fetch(url(number)(kind));
    if (mine !== shown) return;
    if (!answer.ok) {
      const { detail } = await answer.json();
      if (mine !== shown) return;
      player.broken[kind] = detail;
      if (kind === "film") dark();
      else $("said").textContent = detail;
      tell();
      return;
    }
    if (+answer.headers.get("Content-Length") > LARGEST) { answer.body.cancel(); return; }
    const bytes = await answer.arrayBuffer();
    const wave = await loudness(bytes, 1200);
    if (mine !== shown) return;
    waves[kind] = wave;
    draw();
    if (kind === "recording" || !items[number].has.recording) ahead();
  } catch {
    // A file without sound, or one that this browser cannot read: the player tells the second, and the first has no wave.
  }
}

// Have the server make what is needed next while this one is heard.
async function ahead() {
  const next = unjudged(place());
  if (next === undefined || next === current) return;
  for (const kind of ["film", "recording"]) {
    if (items[next].has[kind]) await fetch(url(next)(kind), { method: "HEAD" }).catch(() => {});
  }
}

for (const [kind, element] of [["film", $("film")], ["recording", $("recording")], ["midi", $("midi")]]) {
  element.addEventListener("error", () => {
    if (!element.getAttribute("src") || player.broken[kind]) return;
    player.broken[kind] = `This browser cannot play the ${kind === "midi" ? "MIDI's sound" : kind}.`;
    if (player.playing && (kind === "film" || player.sound === kind)) player.pause();
    if (kind === "film") dark();
    else $("said").textContent = player.broken[kind];
    if (kind === "midi") look(current, kind, shown);
    tell();
  });
}
$("film").addEventListener("loadeddata", dark);
$("midi").addEventListener("loadedmetadata", () => look(current, "midi", shown));

// --- judging ---

async function judge(verdict) {
  if (busy || current < 0) return;
  busy = true;
  const item = items[current], number = current, going = player.playing;
  try {
    const { label } = await ask("labels", { stamp: item.stamp, verdict, note: $("note").value });
    const from = place();
    labels[item.stamp] = label;
    done.push({ stamp: item.stamp, at: label.at, number });
    if (!lost) trouble("");
    const next = unjudged(from);
    arrange();
    const said = `${verdict[0].toUpperCase()}${verdict.slice(1)}: “${item.song}”`;
    if (next === undefined) {
      $("said").textContent = `${said}. ${order.length === items.length ? "All are judged." : "No other in this list is unjudged."}`;
      verdicts();
      list();
      tell();
    } else {
      open_(next, going);
      $("said").textContent = `${said}.`;
      if (document.activeElement?.closest?.("[data-verdict], textarea")) $("song").focus({ preventScroll: true });
    }
  } catch (error) {
    trouble(error.message);
  } finally {
    busy = false;
  }
}

async function undo() {
  const standing = current >= 0 && labels[items[current].stamp];
  const last = done.at(-1) ?? (standing && { stamp: standing.stamp, at: standing.at, number: current });
  if (busy || !last) return;
  busy = true;
  try {
    const { label } = await ask("undo", { stamp: last.stamp, at: last.at });
    done.pop();
    if (label) labels[last.stamp] = label;
    else delete labels[last.stamp];
    arrange();
    open_(last.number);
    $("said").textContent = `Taken back: “${items[last.number].song}”.`;
  } catch (error) {
    done.pop();
    trouble(error.message);
  } finally {
    busy = false;
  }
}

function verdicts() {
  const label = current >= 0 ? labels[items[current].stamp] : undefined;
  for (const button of document.querySelectorAll("[data-verdict]")) button.setAttribute("aria-pressed", String(label?.verdict === button.dataset.verdict));
  $("undo").disabled = !done.length && !label;
  const judged = items.filter((item) => labels[item.stamp]).length;
  $("progress").textContent = `${judged} of ${items.length} judged`;
  $("bar").max = Math.max(items.length, 1);
  $("bar").value = judged;
  document.title = `${judged} of ${items.length} · motet`;
}

// --- what is heard and where ---

function tell() {
  if (current < 0) return;
  const { at } = player, length = player.length;
  document.body.classList.toggle("playing", player.playing);
  $("play").setAttribute("aria-label", player.playing ? "Pause" : "Play");
  $("now").textContent = clock(at, true);
  $("place").textContent = `film ${clock(items[current].clip[0] + at)}`;
  $("head").style.left = `${Math.min(at / length, 1) * 100}%`;
  const lanes = $("lanes");
  lanes.setAttribute("aria-valuemax", length.toFixed(1));
  lanes.setAttribute("aria-valuenow", at.toFixed(1));
  lanes.setAttribute("aria-valuetext", `${clock(at)} of ${clock(length)}${at >= player.from && at < player.to ? ", in the match" : ""}`);
  for (const button of document.querySelectorAll("[data-voice]")) {
    const can = player.can(button.dataset.voice);
    if (button.disabled === can) button.disabled = !can;
    const pressed = String(player.voice === button.dataset.voice && can);
    if (button.getAttribute("aria-pressed") !== pressed) button.setAttribute("aria-pressed", pressed);
  }
  $("mixing").classList.toggle("off", !["both", "over"].includes(player.voice));
  $("laid").textContent = player.voice === "over" ? "MIDI" : "recording";
}

function draw() {
  const canvas = $("waves"), { clientWidth: width, clientHeight: height } = canvas;
  if (!width || current < 0) return;
  const ratio = window.devicePixelRatio || 1;
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  const ink = canvas.getContext("2d");
  ink.scale(ratio, ratio);
  const style = getComputedStyle(document.documentElement), colour = (name) => style.getPropertyValue("--" + name).trim();
  const kinds = ["film", "recording", "midi"].filter((kind) => (kind === "midi" ? waves.midi : kind === "film" || items[current].has[kind]));
  const x = (seconds) => (seconds / player.length) * width;
  ink.fillStyle = colour("stripe");
  ink.fillRect(x(player.from), 0, Math.max(x(player.to) - x(player.from), 1), height);
  ink.fillStyle = colour("accent");
  for (const edge of [player.from, player.to]) ink.fillRect(Math.min(Math.max(Math.round(x(edge)) - 1, 0), width - 2), 0, 2, height);
  const lane = height / kinds.length;
  kinds.forEach((kind, row) => {
    const middle = lane * (row + 0.5);
    ink.fillStyle = colour({ film: "v0", recording: "v2", midi: "v4" }[kind]);
    const wave = waves[kind];
    if (wave) {
      const start = kind === "film" ? 0 : player.from;
      const seconds = wave.seconds / (kind === "recording" ? player.ratio : 1);
      const most = Math.max(...wave.peaks, 1e-3);
      const step = (x(seconds) || 1) / wave.peaks.length;
      for (let i = 0; i < wave.peaks.length; i++) {
        const tall = Math.max((wave.peaks[i] / most) * (lane - 8), 1);
        ink.fillRect(x(start) + i * step, middle - tall / 2, Math.max(step, 0.6), tall);
      }
    }
    const name = { film: "film", recording: "recording", midi: "MIDI" }[kind];
    ink.font = "600 11px system-ui, sans-serif";
    ink.fillStyle = colour("card");
    ink.globalAlpha = 0.8;
    ink.fillRect(4, lane * row + 3, ink.measureText(name).width + 8, 15);
    ink.globalAlpha = 1;
    ink.fillStyle = colour("ink");
    ink.fillText(name, 8, lane * row + 14);
    if (row) { ink.fillStyle = colour("line"); ink.fillRect(0, Math.round(lane * row), width, 1); }
  });
}

// --- the list ---

function list() {
  const here = order.indexOf(current);
  $("which").textContent = here < 0 ? `– / ${order.length}` : `${here + 1} / ${order.length}`;
  $("before").disabled = place() <= 0;
  $("after").disabled = place() >= order.length - 1;
  $("count").textContent = `${order.length} of ${items.length} shown`;
  $("rows").replaceChildren(...order.slice(0, rows).map((number) => {
    const item = items[number], verdict = labels[item.stamp]?.verdict;
    const row = made("li"), button = made("button", number === current ? "row current" : "row");
    button.type = "button";
    button.dataset.number = number;
    if (number === current) button.setAttribute("aria-current", "true");
    const song = made("span", "what");
    song.append(made("bdi", "title", item.song || "(no title)"), made("bdi", "soft", item.artist));
    const film = made("span", "what");
    film.append(made("bdi", "title", item.film), made("span", "soft", `${clock(item.place[0])} to ${clock(item.place[1])}`));
    button.append(made("span", `chip ${verdict ? WORDS[verdict] : "none"}`, verdict ? WORDS[verdict] : "–"), song, film, made("span", "number", percent(item.confidence)));
    row.append(button);
    return row;
  }));
  $("more").hidden = order.length <= rows;
}

// --- hands ---

$("rows").addEventListener("click", (event) => {
  const row = event.target.closest("[data-number]");
  if (!row) return;
  open_(+row.dataset.number, player.playing);
  scrollTo({ top: 0 });
});
$("more").addEventListener("click", () => { rows += 1000; list(); });
$("before").addEventListener("click", () => move(-1));
$("after").addEventListener("click", () => move(1));
$("play").addEventListener("click", () => player.toggle());
$("film").addEventListener("click", () => player.toggle());
$("undo").addEventListener("click", undo);
$("mix").addEventListener("input", () => { player.mix = +$("mix").value / 100; player.level(); });
for (const button of document.querySelectorAll("[data-voice]")) button.addEventListener("click", () => player.hear(button.dataset.voice));
for (const button of document.querySelectorAll("[data-verdict]")) button.addEventListener("click", () => judge(button.dataset.verdict));
$("filter").addEventListener("input", () => { rows = ROWS; arrange(); list(); });
$("filter").addEventListener("submit", (event) => event.preventDefault());

function point(event) {
  const box = $("lanes").getBoundingClientRect();
  player.seek(((event.clientX - box.left) / box.width) * player.length);
}
$("lanes").addEventListener("pointerdown", (event) => { $("lanes").setPointerCapture(event.pointerId); point(event); });
$("lanes").addEventListener("pointermove", (event) => { if ($("lanes").hasPointerCapture(event.pointerId)) point(event); });

// A button that was clicked with the mouse does not keep the space bar.
document.addEventListener("click", (event) => { if (event.detail > 0) event.target.closest("button")?.blur(); });

const KEYS = {
  y: () => judge("yes"), n: () => judge("no"), u: () => judge("unsure"), z: undo, Backspace: undo,
  " ": () => player.toggle(), f: () => player.hear("film"), r: () => player.hear("recording"), a: () => player.hear("both"),
  m: () => player.hear("midi"), o: () => player.hear("over"),
  ArrowUp: () => move(-1), ArrowDown: () => move(1), Home: () => player.seek(0), End: () => player.seek(player.length),
};
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || current < 0) return;
  const field = event.target.closest?.("input, textarea, select");
  if (field) {
    if (event.key === "Escape") field.blur();
    return;
  }
  if (event.key === " " && event.target.closest?.("button, a")) return;
  if (event.key === "ArrowLeft" || event.key === "ArrowRight") player.seek(player.at + (event.key === "ArrowLeft" ? -1 : 1) * (event.shiftKey ? FINE : STEP));
  else {
    const does = KEYS[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (!does || event.shiftKey || (event.repeat && !event.key.startsWith("Arrow"))) return;
    does();
  }
  event.preventDefault();
});
addEventListener("resize", draw);
addEventListener("focus", refresh);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
setInterval(refresh, 20000);

(async () => {
  try {
    const state = await ask("items");
    items = state.items;
    know(state);
  } catch (error) {
    trouble(error.message);
    return;
  }
  arrange();
  if (!items.length) {
    trouble("There is no match to judge.");
    verdicts();
    return;
  }
  $("desk").hidden = false;
  const named = +location.hash.slice(1) - 1;
  open_(items[named] ? named : unjudged(-1) ?? 0);
})();
