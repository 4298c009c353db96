"""Notes fall on the second they should: against an independent reader, computed times, and a recording."""

import gc
from collections import Counter, defaultdict, deque
from collections.abc import Iterator
from fractions import Fraction
from io import BytesIO
from pathlib import Path

import mido
import numpy as np
import pytest
import soundfile

from motet import midi
from motet.midi.events import Events, write

META = 0xFF
NEVER = 1 << 62
Struck = list[tuple[int, float]]  # (pitch, seconds) of every note, sorted


def ours(data: bytes) -> Struck:
    score = midi.read(data)
    return sorted(zip(score.notes["pitch"].tolist(), score.tempo_map.to_seconds(score.notes["start"]).tolist(), strict=True))


def theirs(data: bytes) -> Struck:
    """What mido makes of the bytes from their first `MThd` on: its own deltas, summed, on a clock of our own beside it.

    A note needs an end in its track, and an end closes the oldest open note of its pitch and channel. Bytes above 127
    count as 127. All tracks share one clock, whatever the format.
    """
    song = mido.MidiFile(file=BytesIO(data[data.find(b"MThd") :]), clip=True)
    onsets: list[tuple[int, int]] = []
    tempi: list[tuple[int, int]] = []
    for track in song.tracks:
        tick = 0
        held: defaultdict[tuple[int, int], deque[int]] = defaultdict(deque)
        for message in track:
            tick += message.time
            if message.type == "note_on" and message.velocity:
                held[message.channel, message.note].append(tick)
            elif message.type in ("note_on", "note_off"):
                if waiting := held[message.channel, message.note]:
                    onsets.append((waiting.popleft(), message.note))
            elif message.type == "set_tempo":
                tempi.append((tick, message.tempo))
    onsets.sort()
    if song.ticks_per_beat < 0:  # SMPTE time, which mido leaves undecoded
        second = ticks_per_second(song.ticks_per_beat & 0xFFFF)
        return sorted((pitch, float(tick / second)) for tick, pitch in onsets)
    return sorted(on_clock(song.ticks_per_beat, sorted(tempi, key=lambda change: change[0]), onsets))


def ticks_per_second(division: int) -> Fraction:
    """Of a header in SMPTE time. Its 29 stands for 30 frames in 1.001 seconds."""
    rate, per_frame = 256 - (division >> 8), division & 0xFF
    return per_frame * (Fraction(30_000, 1001) if rate == 29 else Fraction(rate))


def on_clock(division: int, tempi: list[tuple[int, int]], onsets: list[tuple[int, int]]) -> Iterator[tuple[int, float]]:
    changes = iter([*tempi, (NEVER, 0)])
    coming, tempo = next(changes)
    now, passed, us = 0, 0, 500_000
    for tick, pitch in onsets:
        while coming <= tick:
            passed, now, us = passed + (coming - now) * us, coming, tempo
            coming, tempo = next(changes)
        yield pitch, (passed + (tick - now) * us) / (division * 1_000_000)


def only_tempo(kind: int, data: list[int], delta: int = 0) -> mido.MetaMessage | mido.UnknownMetaMessage:
    """For mido's own decoding of meta events, which gives up on signatures and offsets that nobody's notes depend on."""
    if kind == 0x51 and len(data) == 3:
        return mido.MetaMessage("set_tempo", tempo=int.from_bytes(data), time=delta)
    return mido.UnknownMetaMessage(kind, data, time=delta)


@pytest.mark.shared
def test_every_real_file_sounds_when_mido_says_so(shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mido.midifiles.midifiles.build_meta_message", only_tempo)
    kinds = {".mid", ".midi", ".kar", ".rmi"}
    files = [path for path in sorted((shared / "midi").rglob("*")) if path.suffix.lower() in kinds]
    fates: Counter[str] = Counter()
    wrong, alone, notes, furthest = [], [], 0, 0.0
    gc.disable()  # a quarter of the time would go into looking for cycles among mido's messages
    try:
        for path in files:
            data = path.read_bytes()
            try:
                mine = ours(data)
            except midi.Unreadable as error:
                fates[f"we refuse: {error.reason}"] += 1
                continue
            try:
                other = theirs(data)
            except Exception as error:  # noqa: BLE001 - mido may raise anything at all on a damaged file
                fates[f"mido refuses: {type(error).__name__}"] += 1
                alone.append(f"{path.relative_to(shared)}: {error!r}")
                continue
            fates["compared"] += 1
            same = [pitch for pitch, _ in mine] == [pitch for pitch, _ in other]
            away = max((abs(a - b) for (_, a), (_, b) in zip(mine, other, strict=True)), default=0.0) if same else np.inf
            notes, furthest = notes + len(mine), max(furthest, away)
            if away > 1e-4:
                wrong.append(f"{path.relative_to(shared)}: {away} s")
    finally:
        gc.enable()
    print(f"{len(files)} files:", *(f"{count} {fate}," for fate, count in fates.most_common()), *alone, sep="\n  ")
    print(f"{notes:,} notes compared, at most {furthest:.1e} s apart")
    assert not wrong
    assert sum(fates.values()) == len(files)
    assert fates["compared"] >= 0.98 * len(files)
    # What we alone read, mido gives up on; nothing that mido can read goes uncompared unless we refuse it with a reason.
    assert len(alone) <= 0.01 * len(files)


@pytest.mark.parametrize("rate", [24, 25, 29, 30])
@pytest.mark.parametrize("per_frame", [1, 4, 80, 255])
def test_smpte_time_is_counted_in_frames(rate: int, per_frame: int) -> None:
    division = (256 - rate) << 8 | per_frame
    frames = [0, 1, 29, 30, 1001, 107_892]  # the last: an hour of 29.97, in drop-frame numbers
    slower = (5, META, b"\x51\x0f\x42\x40")  # a tempo, which says nothing where time is in frames
    track = [*(event for frame in frames for event in note(frame * per_frame, 1)), slower]
    exact = [float(Fraction(frame) / (Fraction(30_000, 1001) if rate == 29 else rate)) for frame in frames]
    assert seconds(song(sorted(track), division=division)) == pytest.approx(exact, abs=1e-9)


def test_one_playing_track_of_format_2_keeps_its_time() -> None:
    playing = [tempo(0, 600_000), *note(480), tempo(960, 300_000), *note(1440)]
    named = [(0, META, b"\x03a name")]
    assert seconds(song(named, playing, named, form=2)) == [0.6, 1.5]


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda data: b"RIFF\x00\x00\x00\x00RMIDdata\x00\x00\x00\x00" + data, id="RMID"),
        pytest.param(lambda data: b"\x00\x05_HM-MIDI.MID" + bytes(114) + data, id="MacBinary header"),
        pytest.param(lambda data: data.replace(b"MTrk", b"XFIH\0\0\0\4abcdMTrk", 1), id="a chunk that is no track"),
        pytest.param(lambda data: data[:10] + b"\0\3" + data[12:], id="fewer tracks than the header says"),
        pytest.param(lambda data: data.replace(b"\x59\x02\x00\x00", b"\x59\x02\xfb\x07"), id="a mode that is none"),
        pytest.param(lambda data: data.replace(b"\x59\x02\x00\x00", b"\x59\x02\x63\x01"), id="99 sharps"),
        pytest.param(lambda data: data.replace(b"\x54\x05\x60", b"\x54\x05\xff"), id="a frame rate that is none"),
        pytest.param(lambda data: data.replace(b"\x54\x05\x60\0\0\0\0", b"\x54\x05\x60\0\0\0\xee"), id="100 subframes"),
        pytest.param(lambda data: data.replace(b"\xff\x20\x01\x00", b"\xff\x20\x00"), id="a channel prefix of none"),
    ],
)
def test_files_that_mido_refuses_keep_time(spoil: object) -> None:
    """`spoil` leaves the length of chunks alone or is given one that mends it."""
    metas = [(0, META, b"\x59\0\0"), (0, META, b"\x54\x60\0\0\0\0"), (0, META, b"\x20\0"), tempo(0, 600_000)]
    plain = song([*metas, *note(480), tempo(960, 300_000), *note(1440)])
    spoiled = mended(spoil(plain))  # type: ignore[operator]
    with pytest.raises(Exception):  # noqa: B017, PT011 - whatever mido raises
        mido.MidiFile(file=BytesIO(spoiled))
    assert seconds(spoiled) == seconds(plain) == [0.6, 1.5]


def test_tempo_may_stand_in_any_track_and_order() -> None:
    changes = [(0, 1_000_000), (240, 250_000), (480, 125_000), (480, 750_000), (1000, 333_333)]
    exact = seconds(song([tempo(*change) for change in changes], [*note(0), *note(480), *note(2000)]))
    assert exact == pytest.approx([0, 0.625, 0.625 + 520 / 480 * 0.75 + 1000 / 480 * 0.333333], abs=1e-12)
    for at in range(1, len(changes)):
        first, last = [tempo(*change) for change in changes[:at]], [tempo(*change) for change in changes[at:]]
        assert seconds(song(first, [*note(0), *note(480), *note(2000)], last)) == exact


def test_a_tempo_after_the_last_note_changes_nothing() -> None:
    plain = [tempo(0, 400_000), *note(960)]
    assert seconds(song([*plain, tempo(5000, 9)])) == seconds(song(plain)) == [0.8]


def test_three_hundred_tempo_changes_a_second_add_up() -> None:
    chance = np.random.default_rng(3)
    lengths = chance.integers(300_000, 900_000, 300 * 60).tolist()  # microseconds per quarter note
    division = 180  # at 100 quarter notes a minute, a change every tick
    track = [event for tick, us in enumerate(lengths) for event in (tempo(tick, us), *(note(tick, 1) if tick % 7 == 0 else []))]
    exact = [Fraction(0)]
    for us in lengths:
        exact.append(exact[-1] + Fraction(us, division * 1_000_000))
    found = seconds(song(sorted(track, key=lambda event: event[0]), division=division))
    assert found == [float(time) for time in exact[: len(lengths) : 7]]


@pytest.mark.shared
def test_a_recording_of_a_song_has_its_onsets(shared: Path) -> None:
    """The song is one that its maker made to test a player's timing, beside a recording of how it should go.

    Measured on onsets that have no other within 20 ms: where the treble rises most, within 12 ms. The recording starts
    elsewhere than the file: its first sound is the first note within 20 ms, and the median onset is taken as zero.
    """
    folder = shared / "audio" / "generaluser_midi_render_pairs" / "support"
    channels, rate = soundfile.read(folder / "MIDI timing test.ogg")
    expected = np.unique([time for _, time in ours((folder / "MIDI timing test.mid").read_bytes())]) * 1000
    heard = np.abs(channels).max(axis=1)
    sharp = np.diff(channels.mean(axis=1), n=6)
    hop = rate // 1000
    energy = np.cumsum((sharp[: len(sharp) // hop * hop].reshape(-1, hop) ** 2).sum(axis=1))
    ahead = 5  # milliseconds compared, after an instant and before it
    power = energy[ahead:] - energy[:-ahead] + 1e-6 * energy[-1] / len(energy)
    rise = np.zeros(len(energy))
    rise[ahead:-ahead] = np.log10(power[ahead:] / power[:-ahead])

    first = expected[0] - 1000 / rate * np.argmax(heard > 1e-3 * heard.max())
    gaps = np.diff(expected, prepend=-np.inf, append=np.inf)
    alone = expected[(gaps[:-1] > 20) & (gaps[1:] > 20) & (expected < expected[0] + len(rise) - 200)]
    offset = max(first + np.arange(-20, 21), key=lambda offset: rise[np.rint(alone - offset).astype(int)].sum())
    near = np.rint(alone - offset).astype(int)[:, None] + np.arange(-12, 13)
    sharpest = rise[near].argmax(axis=1)
    late = near[np.arange(len(near)), sharpest] - (alone - offset)
    late = late[rise[near].max(axis=1) > 1]  # ten times the energy before
    away = np.abs(late - np.median(late))
    print(f"{len(late)} of {len(alone)} onsets are sharp, the file {offset - np.median(late):.1f} ms ahead of the recording,")
    print("off by {:.2f} ms (median), {:.2f} (95 %), {:.2f} (most)".format(*np.percentile(away, (50, 95, 100))))
    assert len(late) > 0.9 * len(alone) > 700
    assert away.max() <= 5


def song(*tracks: list, form: int = 1, division: int = 480) -> bytes:
    return write(Events(form, division, list(tracks)))


def note(start: int, length: int = 100, pitch: int = 60) -> list:
    return [(start, 0x90, bytes((pitch, 64))), (start + length, 0x80, bytes((pitch, 0)))]


def tempo(tick: int, us: int) -> tuple:
    return (tick, META, b"\x51" + us.to_bytes(3))


def seconds(data: bytes) -> list[float]:
    return [time for _, time in ours(data)]


def mended(data: bytes) -> bytes:
    """With the length of the only track as it now is."""
    at = data.index(b"MTrk") + 4
    return data[:at] + (len(data) - at - 4).to_bytes(4) + data[at + 4 :]
