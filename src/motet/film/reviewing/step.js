"use strict";
// Plays a film, a recording and a MIDI's sound on one clock: the seconds of the clip of the film.

const LOOSE = 0.1; // seconds apart from which a sound jumps into place; below, it hurries or waits a little
const TIGHT = 0.005;

class InStep {
  constructor(film, recording, midi, changed) {
    this.film = film;
    this.sounds = { recording, midi };
    this.changed = changed;
    this.wish = this.voice = "film"; // what is to be heard, and what is where that is absent
    this.mix = 0.5;
    this.playing = false;
    this.item = null;
    this.clock = 0; // where there is no film, its place is kept here
    this.jumped = { recording: 0, midi: 0 };
    this.lead = 0.05; // seconds that a sound takes to begin, as learnt from the last ones
    this.begun = 0;
    for (const sound of [recording, midi]) sound.preservesPitch = false; // a film that runs faster sounds higher
    film.addEventListener("ended", () => this.pause());
  }

  load(item, url) {
    this.item = item;
    const [clip, clipEnd] = item.clip, [from, to] = item.place, [first, last] = item.span;
    this.length = Math.max(clipEnd - clip, 0.05);
    this.from = from - clip;
    this.to = to - clip;
    this.ratio = to > from && last > first ? Math.min(Math.max((last - first) / (to - from), 0.25), 4) : 1;
    this.clock = 0;
    this.broken = {};
    this.url = url;
    this.pause();
    this.source(this.film, item.has.film ? url("film") : null);
    this.source(this.sounds.recording, item.has.recording ? url("recording") : null);
    this.source(this.sounds.midi, null); // rendered when it is first asked for
    this.choose(this.wish);
  }

  source(element, url) {
    if (url) element.src = url;
    else { element.removeAttribute("src"); element.load(); }
  }

  has(kind) { return Boolean(this.item && this.item.has[kind] && !this.broken[kind]); }
  can(voice) { return ({ film: ["film"], recording: ["recording"], both: ["film", "recording"], midi: ["midi"], over: ["film", "midi"] })[voice].every((k) => this.has(k)); }
  get sound() { return { recording: "recording", both: "recording", midi: "midi", over: "midi" }[this.voice]; }
  get at() { return this.has("film") ? Math.min(this.film.currentTime, this.length) : this.clock; }

  // The voice, or the first that there is.
  choose(voice) {
    this.voice = [voice, "film", "recording", "midi"].find((one) => this.can(one)) ?? "film";
    if (this.sound === "midi" && !this.sounds.midi.getAttribute("src")) this.source(this.sounds.midi, this.url("midi"));
    this.changed();
  }

  hear(voice) {
    if (!this.can(voice)) return;
    this.wish = voice;
    this.choose(voice);
    // Where only what is laid over is heard, begin where it begins.
    if (this.sound && (this.at >= this.to - 0.05 || this.at < this.from)) this.seek(Math.max(this.from - (voice === "both" || voice === "over" ? 0.5 : 0), 0));
    this.play();
  }

  level() {
    const over = this.voice === "both" || this.voice === "over";
    const heard = this.voice === "film" || over;
    this.film.muted = !heard;
    this.film.volume = over ? Math.min(1, 2 - 2 * this.mix) : 1;
    for (const name of ["recording", "midi"]) this.sounds[name].volume = over ? Math.min(1, 2 * this.mix) : 1;
  }

  play() {
    if (!this.item) return;
    if (!this.can(this.voice)) this.choose(this.wish);
    if (!this.can(this.voice)) return;
    if (this.at >= this.length - 0.02) this.seek(0);
    this.level();
    const begun = !this.playing;
    this.playing = true;
    this.before = performance.now();
    if (this.has("film")) this.film.play().catch(() => this.pause());
    this.follow();
    if (begun) requestAnimationFrame((now) => this.tick(now));
    this.changed();
  }

  pause() {
    this.playing = false;
    this.film.pause();
    for (const sound of Object.values(this.sounds)) sound.pause();
    this.changed();
  }

  toggle() { if (this.playing) this.pause(); else this.play(); }

  seek(seconds) {
    const at = Math.min(Math.max(seconds, 0), this.length);
    this.clock = at;
    if (this.has("film")) this.film.currentTime = at;
    this.jumped = { recording: 0, midi: 0 };
    this.follow();
    this.changed();
  }

  tick(now) {
    if (!this.playing) return;
    if (!this.has("film")) {
      const sound = this.sounds[this.sound];
      const waits = sound && !sound.ended && this.within(this.sound) && sound.readyState < 3;
      if (!waits) this.clock = Math.min(this.clock + (now - this.before) / 1000, this.length);
      if (this.clock >= this.length) { this.pause(); return; }
    }
    this.before = now;
    this.follow();
    this.changed();
    requestAnimationFrame((later) => this.tick(later));
  }

  rate(name) { return name === "recording" ? this.ratio : 1; }
  wanted(name) { return (this.at - this.from) * this.rate(name); }
  within(name) {
    const wanted = this.wanted(name), { duration } = this.sounds[name];
    return wanted >= 0 && wanted < (Number.isFinite(duration) ? duration : (this.to - this.from) * this.rate(name));
  }

  // Each sound is where it belongs, or silent.
  follow() {
    const held = this.has("film") && (this.film.seeking || this.film.readyState < 3);
    for (const [name, sound] of Object.entries(this.sounds)) {
      if (!this.playing || held || name !== this.sound || !this.has(name) || !this.within(name)) {
        if (!sound.paused) sound.pause();
        continue;
      }
      const apart = sound.currentTime - this.wanted(name);
      const now = performance.now();
      if (sound.paused || (Math.abs(apart) > LOOSE && now - this.jumped[name] > 700)) {
        sound.currentTime = this.wanted(name) + this.lead;
        this.jumped[name] = this.begun = now;
      } else if (this.begun && now - this.begun > 300) {
        this.lead = Math.min(Math.max(this.lead - apart * 0.7, 0), 0.25);
        this.begun = 0;
      }
      const hurry = Math.abs(apart) > TIGHT ? Math.min(Math.max(-apart, -0.05), 0.05) : 0;
      sound.playbackRate = this.rate(name) * (1 + hurry);
      if (sound.paused) sound.play().catch(() => {}); // asked again with the next picture
    }
  }
}

// How loud a file is over its time: the largest values of `count` equal spans, 0 … 1, and its length in seconds.
async function loudness(bytes, count) {
  const told = await new OfflineAudioContext(1, 1, 11025).decodeAudioData(bytes);
  const samples = told.getChannelData(0);
  const peaks = new Float32Array(count);
  const step = samples.length / count;
  for (let i = 0; i < count; i++) {
    let most = 0;
    for (let j = Math.floor(i * step), end = Math.min(Math.floor((i + 1) * step) + 1, samples.length); j < end; j++) most = Math.max(most, Math.abs(samples[j]));
    peaks[i] = most;
  }
  return { peaks, seconds: told.duration };
}
