"""What a listener could tell of a clip, from its notes: the fact record, as far as notes go."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from motet import midi
from motet.midi.general_midi import DRUMS, family, instrument
from motet.midi.key import keys
from motet.midi.runs import changes
from motet.text import words
from motet.text.record import Articulation, Change, Dynamics, Key, Player, Record, Register, Swing, Tempo

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_SUSTAIN = 64  # the controller of the damper pedal
_REST = 1.0  # seconds; one who rests no longer plays on
_OVERHANG = 0.25  # seconds; who sounds no longer than this, and strikes nothing, only rings over from before
_LATE, _EARLY = 0.15, 0.85  # of the clip: who comes after or stops before that has entered or left
_WRITTEN = 0.9  # confidence of a metre the file states and the notes do not contradict: chosen, not fitted
_SURE_CHORDS = 0.5  # mean confidence of chords, by time, that are told
# LUFS as `motet.midi.loudness` estimates them and mean velocity; both must agree. The estimate errs by 4.5 dB between songs.
_SOFT, _LOUD = (-27.0, 68.0), (-17.0, 92.0)
_FASTEST = 1000.0  # taps a minute; no listener follows more
_FEWEST_CLASSES = 3  # pitch classes without which nobody can tell a key
_FEWEST_ONSETS = 4  # after a change of tempo or metre, or nobody hears it
_SPANS = 4  # of a clip, by which its loudness is followed; within a song the estimate errs by 0.9 dB
_GROWS, _EVEN = 4.0, 2.5  # dB from the first to the last of them, and the most they may differ
_JOINED, _DETACHED = 0.9, 0.55  # of the time to the next onset that a note sounds
_MOSTLY = 0.65  # of the notes
_FEWEST_JOINS = 8
_TEMPO_APART, _TEMPO_LASTS = 0.04, 2.0  # share by which a new tempo differs, and seconds it stays
_SURE_KEY = 0.9  # of each of two keys that a clip is said to have
_MOST_CHANGES = 64


def listen(passage: midi.Passage, found: midi.Description) -> Record:
    """The fact record of a clip: all but effects, tags, section and withheld names, which notes do not tell.

    `found` is what `motet.midi.describe` says of the passage. Tempo is what one taps; chords are told if they are sure on
    average, without their bass. Instruments of one name are one, with the role of the one that plays most. Who rests for
    less than a second counts as playing on, so a bass of short notes is present throughout. Dynamics are judged by an
    estimate of loudness and by velocities; articulation by how far notes reach towards the next onset of their voice, the
    pedal counted; its confidence is the share of notes that agree, and is not calibrated.
    """
    heard = found.texture
    players = _players(passage, found)
    return Record(
        seconds=round(passage.seconds, 3),
        tempo=_tempo(found),
        metre=found.tempo.metre,
        metre_confidence=_metre_confidence(found.metre),
        key=_key(passage, found.key),
        chords=_chords(passage, found),
        instruments=tuple(players),
        notes_per_second=round(heard.notes_per_second, 3),
        polyphony=None if heard.polyphony is None else round(heard.polyphony, 3),
        register=_register(heard),
        articulation=_articulation(passage),
        dynamics=_dynamics(passage, found),
        swing=_swing(found.feel),
        changes=tuple(_changes(passage, found, players)[:_MOST_CHANGES]),
    )


def _tempo(found: midi.Description) -> Tempo | None:
    if found.tap is None or not 0 < found.tap.tempo <= _FASTEST:
        return None
    # Where the notes do not follow the file's clock, its steadiness says nothing of theirs.
    steady = found.tempo.steady if found.tap.follows_map else None
    return Tempo(bpm=round(found.tap.tempo, 2), steady=steady, confidence=_share(found.tap.confidence))


def _metre_confidence(metre: midi.Metre | None) -> float | None:
    if metre is None:
        return None
    by_notes = metre.confidence or 0.0
    return _share(max(by_notes, _WRITTEN) if metre.written and metre.alternative is None else by_notes)


def _key(passage: midi.Passage, key: midi.Key | None) -> Key | None:
    if key is None or len(np.unique(passage.pitched["pitch"] % 12)) < _FEWEST_CLASSES:
        return None
    return Key(tonic=_tonic(key.name), mode=key.mode, confidence=_share(key.confidence), runner_up=key.runner_up_name)


def _tonic(name: str) -> str:
    return name.rsplit(" ", 1)[0]


def _share(value: float) -> float:
    return round(min(max(value, 0.0), 1.0), 3)


def _register(heard: midi.Texture) -> Register | None:
    if heard.pitch_low is None or heard.pitch_median is None or heard.pitch_high is None:
        return None
    return Register(low=heard.pitch_low, median=heard.pitch_median, high=heard.pitch_high)


def _swing(feel: midi.Feel | None) -> Swing | None:
    if feel is None or feel.swing is None:
        return None
    return Swing(ratio=round(feel.swing, 3), confidence=_share(feel.swing_confidence))


def _chords(passage: midi.Passage, found: midi.Description) -> tuple[str, ...] | None:
    length = passage.end - passage.start
    if not found.chords or sum((one.end - one.start) * one.confidence for one in found.chords) < _SURE_CHORDS * length:
        return None
    told: list[str] = []
    for one in found.chords:
        symbol = one.symbol.partition("/")[0]
        if told[-1:] != [symbol]:
            told.append(symbol)
    return tuple(told)


def _players(passage: midi.Passage, found: midi.Description) -> list[Player]:
    """Who plays: each name once, most notes first, drums last."""
    notes, clock = passage.sounding, passage.clock
    if not len(notes):
        return []
    start, seconds = clock.to_seconds(passage.start), passage.seconds
    begins = clock.to_seconds(notes["start"]) - start
    ends = clock.to_seconds(notes["start"] + notes["duration"]) - start
    struck = np.bincount(passage.struck["track"], minlength=len(passage.score.symusic.tracks))
    tracks: dict[str, list[midi.Instrument]] = {}
    for one in found.instruments:
        tracks.setdefault(instrument(one.program, one.is_drum), []).append(one)
    told = []
    for name, parts in tracks.items():
        here = np.isin(notes["track"], [one.track for one in parts]) if len(tracks) > 1 else slice(None)
        first, last = begins[here], ends[here]
        sounds = float((last - first).sum())
        if not sum(int(struck[one.track]) for one in parts) and sounds < _OVERHANG:
            continue
        main = max(parts, key=lambda one: (one.notes, -one.track))
        enters, leaves = max(float(first.min()), 0.0), min(float(last.max()), seconds)
        told.append(
            Player(
                name=name,
                family=family(main.program, main.is_drum),
                role=main.role,  # type: ignore[arg-type]
                role_confidence=_share(main.confidence),
                notes=sum(one.notes for one in parts),
                presence=_share(_playing(first, last, seconds) / seconds) if seconds else 0.0,
                enters=round(enters, 3),
                leaves=round(leaves, 3),
            )
        )
    return sorted(told, key=lambda one: (one.name == DRUMS, -(one.notes or 0), one.name))


def _playing(first: Floats, last: Floats, seconds: float) -> float:
    """Seconds in which notes that ascend by their start sound, rests of less than a second bridged."""
    if np.any(first[1:] < first[:-1]):
        order = first.argsort(kind="stable")
        first, last = first[order], last[order]
    reach = np.minimum(np.maximum.accumulate(last), seconds)
    rests = first[1:] - reach[:-1]
    ends_at = min(float(reach[-1]) + (_REST if seconds - reach[-1] < _REST else 0.0), seconds)
    begins_at = 0.0 if first[0] < _REST else float(first[0])
    return max(ends_at - begins_at - float(rests[rests > _REST].sum()), 0.0)


def _articulation(passage: midi.Passage) -> Articulation | None:
    """How notes are joined, by the share of their way to the next onset of their voice for which they sound."""
    notes = passage.pitched
    if len(notes) < _FEWEST_JOINS:
        return None
    clock = passage.clock
    # A voice is a track; notes struck together count as one, the longest.
    moment = notes["track"].astype(np.int64) << 40 | notes["start"]
    order = moment.argsort(kind="stable")
    moment, lengths, tracks = moment[order], notes["duration"][order], notes["track"][order]
    heads = np.flatnonzero(changes(moment))
    longest, tracks = np.maximum.reduceat(lengths, heads), tracks[heads].astype(np.int64)
    starts = moment[heads] & ((1 << 40) - 1)
    follows = tracks[1:] == tracks[:-1]
    gaps = (starts[1:] - starts[:-1])[follows]
    held = longest[:-1][follows] / np.maximum(gaps, 1)
    # What follows after a long time follows a rest, and says nothing of how notes are joined.
    near = gaps < 1.5 * clock.division
    if np.count_nonzero(near) < _FEWEST_JOINS:
        return None
    (pedal,) = passage.score.controlled((_SUSTAIN,), tracks[:-1][follows], starts[:-1][follows])
    if pedal is not None:
        held = np.where(pedal >= 64, 1.0, held)
    held = held[near]
    joined, detached = float((held >= _JOINED).mean()), float((held <= _DETACHED).mean())
    if joined >= _MOSTLY:
        return Articulation(kind="legato", confidence=_share(joined))
    if detached >= _MOSTLY:
        return Articulation(kind="staccato", confidence=_share(detached))
    return Articulation(kind="mixed", confidence=_share(1 - max(joined, detached)))


def _dynamics(passage: midi.Passage, found: midi.Description) -> Dynamics | None:
    velocity = found.texture.velocity_mean
    if velocity is None:
        return None
    level = "moderate"
    if found.lufs <= _SOFT[0] and velocity <= _SOFT[1]:
        level = "soft"
    elif found.lufs >= _LOUD[0] and velocity >= _LOUD[1]:
        level = "loud"
    edges = np.unique(np.linspace(passage.start, passage.end, _SPANS + 1).round().astype(np.int64))
    if len(edges) <= _SPANS:
        return Dynamics(level=level)  # type: ignore[arg-type]
    spans = midi.loudness(passage, edges)
    steps, change = np.diff(spans), None
    if spans.max() - spans.min() <= _EVEN:
        change = "steady"
    # Not in one step, as when drums join, but all the way.
    elif abs(spans[-1] - spans[0]) >= _GROWS and spans.min() > -60:
        if (steps > 0.3).all() and steps.max() < 0.75 * steps.sum():
            change = "crescendo"
        elif (steps < -0.3).all() and steps.min() > 0.75 * steps.sum():
            change = "decrescendo"
    return Dynamics(level=level, change=change)  # type: ignore[arg-type]


def _changes(passage: midi.Passage, found: midi.Description, players: list[Player]) -> list[Change]:
    """What changes within the clip, in order of time."""
    seconds, told = passage.seconds, list[Change]()
    for one in players:
        if (one.notes or 0) < words.FEW_NOTES or one.enters is None or one.leaves is None:
            continue
        if one.enters > _LATE * seconds:
            told.append(Change(at=one.enters, what="enters", instrument=one.name))
        if one.leaves < _EARLY * seconds:
            told.append(Change(at=one.leaves, what="leaves", instrument=one.name))
    told += [*_key_change(passage), *_tempo_changes(passage, found.tap), *_metre_changes(passage)]
    # What changes when hardly anything is struck any more nobody hears.
    starts = np.sort(passage.struck["start"])
    last = _at(passage, int(starts[-_FEWEST_ONSETS])) if len(starts) >= _FEWEST_ONSETS else 0.0
    return sorted((one for one in told if one.what in ("enters", "leaves") or one.at <= last), key=lambda one: one.at)


def _at(passage: midi.Passage, tick: int) -> float:
    return round(passage.clock.to_seconds(tick) - passage.clock.to_seconds(passage.start), 3)


def _key_change(passage: midi.Passage) -> list[Change]:
    """One change of key, where the keys before and after it are surest, if both are sure and no relatives."""
    beats = passage.beats.edges
    count = len(beats) - 1
    if count < 12:
        return []
    third = count // 3
    before, _, after = keys(passage, beats[[0, third, count - third, count]])
    if before is None or after is None or (before.tonic, before.mode) == (after.tonic, after.mode):
        return []
    if _related(before, after) or min(before.confidence, after.confidence) < _SURE_KEY / 1.5:
        return []
    best, at, to = 0.0, 0, ""
    for place in range(third, count - third + 1, max(1, count // 24)):
        first, second = keys(passage, beats[[0, place, count]])
        if first and second and (first.tonic, first.mode) == (before.tonic, before.mode) and second.name == after.name:
            sure = min(first.confidence, second.confidence)
            if sure > best:
                best, at, to = sure, int(beats[place]), second.name
    return [Change(at=_at(passage, at), what="key", to=to)] if best >= _SURE_KEY else []


def _related(one: midi.Key, other: midi.Key) -> bool:
    """Whether a listener might take one key for the other: relatives, and major and minor of one tonic."""
    if one.mode == other.mode:
        return False
    major, minor = (one, other) if one.mode == "major" else (other, one)
    return (major.tonic - minor.tonic) % 12 in (0, 3)


def _tempo_changes(passage: midi.Passage, tap: midi.Tap | None) -> list[Change]:
    """Where a new tempo begins that stays: what lasts less than two seconds is on its way to another."""
    clock = passage.clock
    if tap is None or not tap.follows_map or len(clock.tempi) == 1:
        return []
    ticks = [passage.start, *(tick for tick, _ in clock.tempi if passage.start < tick < passage.end), passage.end]
    kept: list[tuple[int, float]] = []
    stretch, tempo = ticks[0], clock.bpm_at(ticks[0])
    for tick in ticks[1:]:
        now = clock.bpm_at(tick) if tick < passage.end else 0.0
        if abs(now - tempo) <= 0.02 * tempo:
            continue
        if clock.to_seconds(tick) - clock.to_seconds(stretch) >= _TEMPO_LASTS:
            kept.append((stretch, tempo / tap.quarters))
        stretch, tempo = tick, now
    return [
        Change(at=_at(passage, tick), what="tempo", to=round(after, 2))
        for (_, before), (tick, after) in pairwise(kept)
        if abs(after - before) > _TEMPO_APART * before
    ]


def _metre_changes(passage: midi.Passage) -> list[Change]:
    inside = [(tick, f"{top}/{bottom}") for tick, top, bottom in passage.clock.metres if passage.start < tick < passage.end]
    return [Change(at=_at(passage, tick), what="metre", to=metre) for tick, metre in inside]
