"use strict";
// Plays. One element serves the whole site and is its clock, for sound and for film; stems sound beside it, in step.
{
  const DRIFT = 0.03; // seconds that stems may be off the clock
  const PATIENCE = 4; // frames in a row they must be off before they are started anew: one late frame is not drift
  const LEAD = 0.03; // seconds between the decision to start the stems and their first sample
  const RAMP = 0.008; // seconds a stem takes to come or go, so that it does not click
  const COMPANION_DRIFT = 0.08;

  const element = document.createElement("video");
  element.playsInline = true;
  element.preload = "auto";
  element.disablePictureInPicture = true;
  const companion = new Audio(); // another sound for the same picture
  companion.preload = "auto";

  const changed = new Set(), ticked = new Set();
  let now = nothing();
  let context = null, output = null;
  let quiet = false, span = null, frame = 0;

  function nothing() {
    return { id: null, url: "", mime: "", length: 0, at: 0, open: false, stems: new Map(), buffers: new Map(), gains: new Map(),
      sources: [], began: null, off: 0, muted: new Set(), solo: new Set(), ready: false, decoding: false, fault: "", beside: "" };
  }

  const tell = (what) => [...changed].forEach((fn) => fn(what));
  const mixing = () => now.muted.size > 0 || now.solo.size > 0;
  const heard = (index) => !now.muted.has(index) && (!now.solo.size || now.solo.has(index));

  function complain(sentence) {
    now.fault = sentence;
    tell("fault");
  }

  // The element is silent while something else sounds in its place.
  function hush() {
    element.muted = quiet || Boolean(now.beside) || (mixing() && now.ready);
    companion.muted = quiet || (mixing() && now.ready);
    if (output) output.gain.value = quiet ? 0 : 1;
  }

  // Makes this what plays; what is loaded already goes on. `length` in seconds is what is drawn, where the file is a little longer.
  // `stems`: [{index, silent, bytes() -> Promise<ArrayBuffer>}].
  function load({ id, url, mime = "", video = false, length = 0, stems = [], at = 0 }) {
    if (id !== now.id || url !== now.url) {
      stopStems();
      companion.pause();
      companion.removeAttribute("src");
      now = nothing();
      span = null;
      Object.assign(now, { id, url, mime, video, at });
      element.pause();
      element.src = url;
      hush();
      tell("load");
    }
    now.length = length || now.length;
    for (const stem of stems) now.stems.set(stem.index, stem);
  }

  function play() {
    if (!now.url || now.fault) return Promise.resolve();
    if (mixing()) context?.resume();
    if (time() >= long() - 0.05) seek(span ? span[0] : 0);
    const mine = now;
    return element.play().catch((error) => {
      if (mine !== now || error.name === "AbortError" || now.fault) return;
      if (error.name !== "NotAllowedError") { complain(unplayable()); return; }
      now.troubled = "The browser waits for a click before it plays."; // which is no fault of the sound
      tell("fault");
    });
  }

  const unplayable = () => `This browser could not play ${now.video ? "the film" : "the sound"}${now.mime ? ` (${now.mime})` : ""}.`;

  function long() {
    const own = Number.isFinite(element.duration) ? element.duration : 0;
    return now.length && own ? Math.min(now.length, own) : now.length || own;
  }

  const time = () => (now.open ? element.currentTime : now.at);

  function seek(seconds) {
    if (!now.url || !Number.isFinite(seconds)) return;
    now.at = Math.max(0, Math.min(seconds, long() || seconds));
    if (now.open) element.currentTime = now.at;
    tell("seek");
  }

  // --- stems ---

  function makeContext() {
    if (context) return;
    context = new AudioContext({ latencyHint: "interactive" });
    output = context.createGain();
    output.connect(context.destination);
  }

  // `muted` and `solo` hold indexes of stems. Those that shall be heard are read and decoded when they are first needed;
  // until they are, everything sounds on as before.
  async function mix({ muted = new Set(), solo = new Set() }) {
    const mine = now;
    now.muted = new Set(muted);
    now.solo = new Set(solo);
    if (!mixing()) {
      now.decoding = now.ready = false;
      stopStems();
      hush();
      tell("mix");
      return;
    }
    makeContext();
    context.resume();
    const wanted = [...now.stems.values()].filter(({ index, silent }) => !silent && heard(index) && !now.buffers.has(index));
    now.decoding = wanted.length > 0;
    tell("mix");
    const told = await Promise.allSettled(wanted.map(async ({ index, bytes }) => {
      const buffer = await context.decodeAudioData(await bytes());
      mine.buffers.set(index, buffer);
    }));
    if (mine !== now || !mixing()) return;
    const missing = [...now.stems.values()].some(({ index, silent }) => !silent && heard(index) && !now.buffers.has(index));
    const failed = told.find(({ status }) => status === "rejected");
    if (missing && !failed) return; // a later call waits for what is still missing
    now.decoding = false;
    if (failed) {
      now.muted.clear();
      now.solo.clear();
      now.ready = false;
      stopStems();
      hush();
      now.troubled = failed.reason?.message ? `A stem cannot be heard: ${failed.reason.message}` : "A stem cannot be heard.";
      tell("mix");
      return;
    }
    now.troubled = "";
    now.ready = true;
    hush();
    if (now.sources.length === now.buffers.size) setGains();
    else startStems();
    tell("mix");
  }

  function setGains() {
    for (const [index, gain] of now.gains) gain.gain.setTargetAtTime(heard(index) ? 1 : 0, context.currentTime, RAMP);
  }

  const latency = () => Math.min(context.outputLatency || 0, 0.3);

  function startStems() {
    stopStems();
    if (!mixing() || !now.ready || element.paused || element.ended || element.seeking) return;
    const at = context.currentTime + LEAD;
    const offset = element.currentTime + LEAD + latency();
    for (const [index, buffer] of now.buffers) {
      const source = new AudioBufferSourceNode(context, { buffer });
      const gain = new GainNode(context, { gain: heard(index) ? 1 : 0 });
      source.connect(gain).connect(output);
      if (offset < buffer.duration) source.start(at, offset);
      now.sources.push(source);
      now.gains.set(index, gain);
    }
    now.began = { at, offset };
    now.off = 0;
  }

  function stopStems() {
    for (const source of now.sources) { source.onended = null; source.disconnect(); }
    for (const gain of now.gains.values()) gain.disconnect();
    now.sources = [];
    now.gains = new Map();
    now.began = null;
  }

  // Seconds by which the stems are ahead of the element.
  function drift() {
    return now.began ? now.began.offset + context.currentTime - now.began.at - latency() - element.currentTime : 0;
  }

  function keepInStep() {
    if (now.began && context.currentTime > now.began.at) {
      now.off = Math.abs(drift()) > DRIFT ? now.off + 1 : 0;
      if (now.off >= PATIENCE) startStems();
    }
    if (now.beside && !companion.seeking && Math.abs(companion.currentTime - element.currentTime) > COMPANION_DRIFT) {
      companion.currentTime = element.currentTime;
    }
  }

  // --- another sound for the same picture ---

  function beside(url) {
    if (url === now.beside) return;
    now.beside = url ?? "";
    companion.pause();
    if (now.beside) {
      companion.src = now.beside;
      companion.currentTime = element.currentTime;
      if (!element.paused) followAlong();
    }
    hush();
    tell("mix");
  }

  function followAlong() {
    if (!now.beside || element.paused) return;
    companion.currentTime = element.currentTime;
    companion.play().catch((error) => {
      if (error.name === "AbortError" || !now.beside) return;
      now.beside = "";
      hush();
      now.troubled = "This browser could not play the recording, so the film keeps its own sound.";
      tell("mix");
    });
  }

  // --- the clock ---

  function tick() {
    if (span && element.currentTime >= span[1]) element.currentTime = span[0];
    keepInStep();
    for (const fn of ticked) fn();
    frame = requestAnimationFrame(tick);
  }

  function shows(playing) {
    cancelAnimationFrame(frame);
    if (playing) frame = requestAnimationFrame(tick);
    else { stopStems(); companion.pause(); }
    tell(playing ? "play" : "pause");
  }

  element.addEventListener("loadedmetadata", () => {
    if (now.at) element.currentTime = now.at;
    now.open = true;
    tell("load");
  });
  element.addEventListener("play", () => { now.troubled = ""; shows(true); });
  element.addEventListener("pause", () => shows(false));
  element.addEventListener("ended", () => {
    if (span) { seek(span[0]); play(); } else shows(false);
  });
  element.addEventListener("playing", () => { startStems(); followAlong(); });
  element.addEventListener("waiting", () => { stopStems(); companion.pause(); });
  element.addEventListener("seeking", () => stopStems());
  element.addEventListener("seeked", () => {
    if (!element.paused) { startStems(); followAlong(); }
    tell("seek");
  });
  // Frames stop in a tab that is not seen; the sound does not.
  element.addEventListener("timeupdate", () => {
    if (document.hidden && !element.paused && span && element.currentTime >= span[1]) element.currentTime = span[0];
  });
  element.addEventListener("error", () => {
    if (!element.getAttribute("src")) return;
    element.pause();
    complain(element.error?.code === 2 || element.error?.code === 4 && element.networkState === 3 ? `${unplayable()} It may be gone or damaged.` : unplayable());
  });

  const listen = (listeners) => (fn) => {
    listeners.add(fn);
    return () => listeners.delete(fn);
  };

  motet.player = {
    element,
    load, play, seek, mix, beside, drift,
    pause: () => element.pause(),
    toggle: () => (element.paused ? play() : element.pause()),
    onchange: listen(changed),
    ontick: listen(ticked),
    // The part that is played over and over, [from, to] in seconds, or null.
    get span() { return span; },
    set span(value) {
      span = value && value[1] - value[0] > 0.05 ? value : null;
      if (span && (time() < span[0] || time() >= span[1])) seek(span[0]);
    },
    get quiet() { return quiet; },
    set quiet(value) { quiet = Boolean(value); hush(); tell("mix"); },
    get id() { return now.id; },
    get url() { return now.url; },
    get time() { return Math.min(time(), long() || Infinity); },
    get length() { return long(); },
    get paused() { return element.paused; },
    get fault() { return now.fault; },
    get troubled() { return now.troubled ?? ""; },
    get decoding() { return now.decoding; },
    get mixing() { return mixing() && now.ready; },
    get muted() { return new Set(now.muted); },
    get solo() { return new Set(now.solo); },
    get companion() { return now.beside; },
    get context() { return context; },
    get output() { return output; },
  };
}
