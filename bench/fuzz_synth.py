"""Broken fonts and broken MIDI, played by our own synth: each gives sound or a documented error, within time and memory.

    bench/fuzz_synth.py --cases 100000 --seed 1
    bench/fuzz_synth.py --seed 1 --case 4711      one of them again, here, with its traceback

A case is made from its seed and number alone. Cases run in a child that has a limit of memory and, for each case, of time;
what is neither sound nor such an error is kept as files.
"""

from __future__ import annotations

import argparse
import faulthandler
import os
import random
import resource
import struct
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # before numpy: threads of a parent are not those of its fork
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))


from motet.demo import TUNES, arrange, to_midi
from motet.midi.events import META, SYSEX, Event, parse
from motet.render import Line, RenderError, find
from motet.render.soundfont import AS_PLAYED, AS_WRITTEN, SoundFontSynth, load
from render.soundfont.making import (
    CHANNEL_PRESSURE,
    CURVES,
    GENERATORS,
    KEY,
    KEY_PRESSURE,
    LINK,
    VELOCITY,
    WHEEL,
    WHEEL_RANGE,
    Font,
    Instrument,
    Modulator,
    Preset,
    Sample,
    controller,
    noise,
    ramp,
    source,
    steady,
    zone,
)  # fmt: skip

SECONDS = 20.0  # of wall clock for a case; the machine may be busy
MEMORY = 1 << 30  # bytes above what the child begins with
LOUDEST = 1000.0  # full scale is 1
SWOLLEN = LOUDEST * 10**4.8  # as written, a font may let an oscillator swell a sound by 96 dB
BATCH = 500  # cases of one child
RATES = (8000, 8000, 22050, 44100)
FONTS_OF_CASES = 0.7  # the others are broken MIDI
FLOODS = 1 / 2000  # of broken fonts, played by hundreds of notes at once
SEVEN_BITS = bytes(range(128)) * 2
TABLES = {  # widths of the fields of a record (SoundFont 2.04, section 7); names are one field
    b"phdr": (20, 2, 2, 2, 4, 4, 4),
    b"pbag": (2, 2),
    b"pmod": (2, 2, 2, 2, 2),
    b"pgen": (2, 2),
    b"inst": (20, 2),
    b"ibag": (2, 2),
    b"imod": (2, 2, 2, 2, 2),
    b"igen": (2, 2),
    b"shdr": (20, 4, 4, 4, 4, 4, 1, 1, 2, 2),
}
REFERENCES = (41, 53)  # generators that point at instruments and samples
EXTREMES = (0, 1, 2, 7, 0x7F, 0x80, 0xFF, 0x100, 0x7FFF, 0x8000, 0x8001, 0xFFFE, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)


@dataclass(frozen=True)
class Case:
    """A font, or None for the one that came along, and the MIDI that it plays."""

    font: bytes | None
    midi: bytes
    rate: int
    written: bool  # the reading
    streamed: bool


# --- what is broken ---


def small_fonts() -> list[bytes]:
    """Fonts that between them use all generators, all curves, links, loops, layers, kits, 24 bits and Vorbis."""
    samples = [
        Sample(noise(600), (100, 500)),
        Sample(ramp(3000), (8, 2990), rate=22050, root=72, correction=-30),
        Sample(steady(0.9, 256), (64, 192), rate=48000),
    ]
    moving = [
        Modulator(source(VELOCITY, "concave", falling=True), "attenuation", 960),
        Modulator(controller(1, "convex", bipolar=True), "fine_tune", 500, controller(2, "switch")),
        Modulator(source(CHANNEL_PRESSURE), "vib_lfo_to_pitch", 3, controller(11), 2),
        Modulator(source(KEY, "switch", bipolar=True), 5, 400),
        Modulator(source(KEY_PRESSURE), "filter_cutoff", -2400),
        Modulator(source(LINK), "volume_attack", 700),
        Modulator(source(WHEEL, bipolar=True), "coarse_tune", 24, source(WHEEL_RANGE)),
        Modulator(controller(91), "reverb", 1000),
        Modulator(controller(93), "chorus", 1000),
    ]
    shaped = {name: number for name, number in GENERATORS.items() if number not in (*REFERENCES, 43, 44, 46, 47)}
    every = zone(1, *moving, keys=(0, 127), **dict.fromkeys(shaped, 1))
    filtered = zone(
        0, keys=(20, 90), velocities=(10, 127), sample_modes=1, filter_cutoff=6000, filter_q=300, mod_env_to_filter=4000,
        mod_attack=-2000, volume_release=-3000, mod_lfo_to_pitch=80, vib_lfo_to_pitch=40, mod_lfo_to_volume=60, reverb=300,
    )  # fmt: skip
    once = zone(2, sample_modes=3, exclusive_class=1, pan=-500, volume_decay=-1000, volume_sustain=300, chorus=900)
    instruments = [Instrument([zone(None, *moving[:3], volume_attack=-4000), filtered, once]), Instrument([every])]
    presets = [
        Preset([zone(None, moving[0], pan=100), zone(0, keys=(30, 127)), zone(1, attenuation=50)]),
        Preset([zone(1, moving[4], coarse_tune=-7)], program=1),
        Preset([zone(0), zone(0, fine_tune=7)], bank=128),
    ]
    plain = Font(samples, instruments, presets)
    return [plain.bytes(), replace(plain, bits=24).bytes(), replace(plain, vorbis=True).bytes()]


def shortened(data: bytes, frames: int = 1 << 15) -> bytes:
    """A real font's tables over the first frames of its samples only."""
    places = chunks(data)
    at, size = places[b"shdr"]
    headers = b""
    for start in range(at, at + size, 46):
        name, first, last, loop, end, *rest = struct.unpack_from("<20sIIIIIBbHH", data, start)
        moved = first % (frames // 2)
        reach = min(last - first, frames - moved)
        loops = (moved + min(max(0, point - first), reach) for point in (loop, end))
        headers += struct.pack("<20sIIIIIBbHH", name, moved, moved + reach, *loops, *rest)
    data = data[:at] + headers + data[at + size :]
    at, size = places[b"smpl"]
    list_at = data.rindex(b"LIST", 0, at)
    lost = size - 2 * frames
    shorter = bytearray(data[: at + 2 * frames] + data[at + size :])
    for place in (4, list_at + 4, at - 4):
        struct.pack_into("<I", shorter, place, struct.unpack_from("<I", shorter, place)[0] - lost)
    return bytes(shorter)


def chunks(data: bytes) -> dict[bytes, tuple[int, int]]:
    """Where the chunks of a sound font's lists lie, and their sizes."""
    found = {}
    at = 12
    while at + 8 <= len(data):
        tag, size = data[at : at + 4], int.from_bytes(data[at + 4 : at + 8], "little")
        if tag == b"LIST":
            at += 12
            continue
        found[tag] = at + 8, size
        at += 8 + size + (size & 1)
    return found


def broken_font(data: bytes, dice: random.Random) -> bytes:
    """Fields of tables mostly, so that the font is still read; bytes of samples and sizes of chunks at times."""
    font = bytearray(data)
    places = chunks(data)
    for _ in range(1 + int(dice.expovariate(0.4))):
        way = dice.random()
        if way < 0.4:
            _set_generator(font, places, dice)
        elif way < 0.6:
            _set_modulator(font, places, dice)
        elif way < 0.75:
            _set_field(font, places, b"shdr", dice)
        elif way < 0.83:
            _set_field(font, places, dice.choice([*TABLES]), dice)
        elif way < 0.93:
            _break_samples(font, places, dice)
        elif way < 0.96:
            at, _ = places[dice.choice([*places])]
            _put(font, at - 4, 4, dice)
        else:
            font = bytearray(broken_bytes(bytes(font), dice))
            if len(font) != len(data):
                break
    return bytes(font)


def _value(old: int, width: int, dice: random.Random) -> int:
    new = dice.choice(
        [
            dice.choice(EXTREMES),
            dice.getrandbits(8 * width),
            old + dice.choice([-2, -1, 1, 2]),
            old ^ 1 << dice.randrange(8 * width),
        ]
    )
    return new & (1 << 8 * width) - 1


def _put(font: bytearray, at: int, width: int, dice: random.Random) -> None:
    old = int.from_bytes(font[at : at + width], "little")
    font[at : at + width] = _value(old, width, dice).to_bytes(width, "little")


def _record(places: dict[bytes, tuple[int, int]], table: bytes, dice: random.Random) -> int | None:
    at, size = places[table]
    width = sum(TABLES[table])
    return at + width * dice.randrange(size // width) if size >= width else None


def _set_field(font: bytearray, places: dict[bytes, tuple[int, int]], table: bytes, dice: random.Random) -> None:
    at = _record(places, table, dice)
    if at is not None:
        fields = TABLES[table]
        field = dice.randrange(len(fields))
        _put(font, at + sum(fields[:field]), fields[field], dice)


def _set_generator(font: bytearray, places: dict[bytes, tuple[int, int]], dice: random.Random) -> None:
    at = _record(places, dice.choice([b"pgen", b"igen"]), dice)
    if at is None or (font[at] in REFERENCES and dice.random() < 0.9):
        return
    if dice.random() < 0.6:
        font[at : at + 2] = dice.choice([dice.randrange(64), dice.getrandbits(16)]).to_bytes(2, "little")
    _put(font, at + 2, 2, dice)


def _set_modulator(font: bytearray, places: dict[bytes, tuple[int, int]], dice: random.Random) -> None:
    at = _record(places, dice.choice([b"pmod", b"imod"]), dice)
    if at is not None:
        curve = dice.choice(CURVES)
        palette = dice.choice([0, VELOCITY, KEY, KEY_PRESSURE, CHANNEL_PRESSURE, WHEEL, WHEEL_RANGE, LINK, dice.randrange(128)])
        made = source(palette, curve, bipolar=dice.random() < 0.5, falling=dice.random() < 0.5) | dice.choice([0, 0x80])
        to = dice.choice([dice.randrange(62), 0x8000 | dice.randrange(12), dice.getrandbits(16)])
        fields = [
            made,
            to,
            dice.getrandbits(16),
            dice.choice([0, made, dice.getrandbits(16)]),
            dice.choice([0, 2, dice.getrandbits(16)]),
        ]
        for number in dice.sample(range(5), dice.randint(1, 5)):
            struct.pack_into("<H", font, at + 2 * number, fields[number])


def _break_samples(font: bytearray, places: dict[bytes, tuple[int, int]], dice: random.Random) -> None:
    """Flips bits; where the samples are Ogg, the pages' sums are mostly made right again, so that the decoder reads on."""
    at, size = places[b"smpl"]
    if not size:
        return
    for _ in range(dice.randint(1, 8)):
        font[at + dice.randrange(size)] ^= 1 << dice.randrange(8)
    if font[at : at + 4] == b"OggS" and dice.random() < 0.8:
        _seal_pages(font, at, at + size)


def _seal_pages(font: bytearray, at: int, end: int) -> None:
    while (at := font.find(b"OggS", at, end)) >= 0 and at + 27 <= end:
        segments = font[at + 26]
        size = 27 + segments + sum(font[at + 27 : at + 27 + segments])
        font[at + 22 : at + 26] = bytes(4)
        total = 0
        for byte in font[at : min(at + size, end)]:
            total = (total << 8 & 0xFFFFFFFF) ^ OGG_SUMS[total >> 24 ^ byte]
        struct.pack_into("<I", font, at + 22, total)
        at += size


def _ogg_sum(byte: int) -> int:
    total = byte << 24
    for _ in range(8):
        total = (total << 1 ^ (0x04C11DB7 if total & 0x80000000 else 0)) & 0xFFFFFFFF
    return total


OGG_SUMS = [_ogg_sum(byte) for byte in range(256)]  # RFC 3533, section 6


def broken_bytes(data: bytes, dice: random.Random) -> bytes:
    """Blindly: bits, bytes, and stretches cut out, repeated or overwritten."""
    out = bytearray(data)
    for _ in range(dice.randint(1, 6)):
        if not out:
            break
        at, long = dice.randrange(len(out)), 1 + int(dice.expovariate(1 / 16))
        way = dice.randrange(7)
        if way < 2:
            out[at] ^= 1 << dice.randrange(8)
        elif way == 2:
            out[at] = dice.choice([0, 0x7F, 0x80, 0xF0, 0xFF])
        elif way == 3:
            del out[at : at + long]
        elif way == 4:
            out[at:at] = out[at : at + long]
        elif way == 5:
            out[at : at + long] = dice.randbytes(long)
        else:
            _put(out, min(at, max(0, len(out) - 4)), 4, dice)
    return bytes(out[: dice.randrange(len(out) + 1)] if out and dice.random() < 0.1 else out)


def score_of(dice: random.Random, programs: Sequence[int]) -> bytes:
    """A second or two that asks much of a font: soft and loud notes at the ends of the keyboard, and all that moves them."""
    tracks: list[list[Event]] = [[]]
    for channel in (0, 9):
        tracks[0].append((0, 0xC0 | channel, bytes([dice.choice(programs)])))
        for tick in range(0, 480, 60):
            key, velocity = dice.choice([0, 12, 36, 60, 60, 61, 72, 100, 127]), dice.choice([1, 40, 64, 100, 127])
            tracks[0].append((tick, 0x90 | channel, bytes([key, velocity])))
            tracks[0].append((tick + dice.choice([1, 60, 240, 700]), 0x80 | channel, bytes([key, 64])))
            if dice.random() < 0.7:
                tracks[0].append((tick + 30, *_any_message(dice, channel, programs)))
    if dice.random() < FLOODS:  # notes that nobody lets go, each with a bend of its own
        for tick in range(0, 10_000, 20):
            tracks[0] += [(tick, 0x90, bytes([dice.randrange(128), 100])), (tick, 0xE0, dice.randbytes(2).translate(SEVEN_BITS))]
    return written(tracks, 480, dice, running=0.0)


def _any_message(dice: random.Random, channel: int, programs: Sequence[int]) -> tuple[int, bytes]:
    def low() -> int:
        return dice.choice([0, 1, 63, 64, 127, dice.randrange(128)])

    way = dice.randrange(12)
    if way < 5:
        number = dice.choice(
            [0, 1, 5, 6, 7, 10, 11, 32, 38, 64, 65, 66, 67, 74, 84, 91, 93, 96, 97, 98, 99, 100, 101, 120, 121, 123, 126, 127]
        )
        return 0xB0 | channel, bytes([number, low()])
    if way == 5:
        return 0xA0 | channel, bytes([dice.choice([36, 60, low()]), low()])
    if way == 6:
        return 0xC0 | channel, bytes([dice.choice(programs)])
    if way == 7:
        return 0xD0 | channel, bytes([low()])
    if way < 10:
        return 0xE0 | channel, bytes([low(), low()])
    if way == 10:
        known = ["7e7f0901f7", "411042124000 7f0041f7", "43104c00007e00f7", "41104212401015 02 19f7", "7f7f040101 7f f7"]
        return SYSEX, bytes.fromhex(dice.choice(known))
    kind = dice.choice([0x51, 0x51, 0x58, 0x59, 0x54, dice.randrange(128)])
    return META, bytes([kind]) + dice.randbytes(dice.choice([0, 1, 3, 4, 60]))


def broken_midi(data: bytes, dice: random.Random) -> bytes:
    """Events that nobody would write, in any order and at any time; and now and then bytes that are no events at all."""
    if dice.random() < 0.05:
        return broken_bytes(data, dice)
    read = parse(data)
    tracks = [list(track) for track in read.tracks]
    stretched = dice.random() < 0.15
    for _ in range(1 + int(dice.expovariate(0.15))):
        track = dice.choice(tracks)
        at = dice.randrange(len(track) + 1)
        tick = track[at - 1][0] if at else 0
        way = dice.randrange(9)
        if way < 4:
            track.insert(at, (tick, *_any_message(dice, dice.randrange(16), range(128))))
        elif way == 4 and stretched and track:
            late = dice.choice([1 << 14, 1 << 20, (1 << 28) - 1])
            track[at:] = [(then + late, *rest) for then, *rest in track[at:]]
        elif way == 5:
            key = dice.randrange(128)
            track[at:at] = [
                (tick, dice.choice([0x80, 0x90]) | dice.randrange(16), bytes([key, dice.randrange(128)]))
            ] * dice.choice([2, 100])
        elif way == 6 and at < len(track):
            then, status, body = track[at]
            track[at] = (then, dice.choice([status, dice.randrange(0x80, 0x100)]), broken_bytes(body, dice))
        elif way == 7:
            del track[at : at + dice.choice([1, 10, 100])]
        elif way == 8:
            dice.shuffle(tracks)
    division = dice.choice([read.division] * 20 + [1, 0, 0x7FFF, 0xE728, 0x8000, 0xFFFF])
    return written(tracks, division, dice, running=dice.choice([0, 0, 0.02]), mangled=dice.choice([0, 0, 0.3]))


def written(tracks: list[list[Event]], division: int, dice: random.Random, running: float, mangled: float = 0.0) -> bytes:
    """As a file; with a chance of `running` a status byte is left out, right or wrong, and of `mangled` a track is broken."""
    out = b"MThd" + struct.pack(">IHHH", 6, 1, len(tracks), division)
    for track in tracks:
        body, now = bytearray(), 0
        for tick, status, data in sorted(track, key=lambda event: event[0]):
            body += _number(tick - now)
            now = tick
            if dice.random() >= running:
                body.append(status)
            if status == META:
                body += data[:1] + _number(len(data) - 1 if data else 0) + data[1:]
            else:
                body += _number(len(data)) + data if status >= SYSEX else data
        body += b"\0\xff\x2f\0"
        if dice.random() < mangled:
            body = bytearray(broken_bytes(bytes(body), dice))
        out += b"MTrk" + struct.pack(">I", len(body)) + body
    return out


def _number(value: int) -> bytes:
    out = bytes([value & 0x7F])
    while value := value >> 7:
        out = bytes([value & 0x7F | 0x80]) + out
    return out


# --- the cases, and what becomes of them ---


class Cases:
    """All that is made once, before the child processes are."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        whole = find()
        self.fonts = [*small_fonts(), shortened(whole.path.read_bytes())]
        self.tunes = [_beginning(to_midi(arrange(tune))) for tune in TUNES]
        self.synths = {
            (rate, way): load(whole, rate, AS_WRITTEN if way else AS_PLAYED) for rate in set(RATES) for way in (False, True)
        }

    def make(self, number: int) -> Case:
        dice = random.Random(f"{self.seed}:{number}")
        rate, written_, streamed = dice.choice(RATES), dice.random() < 0.3, dice.random() < 0.2
        if dice.random() >= FONTS_OF_CASES:
            return Case(None, broken_midi(dice.choice(self.tunes), dice), 8000, written_, streamed)
        kind = dice.randrange(len(self.fonts))
        programs = range(128) if kind == len(self.fonts) - 1 else range(2)
        return Case(broken_font(self.fonts[kind], dice), score_of(dice, programs), rate, written_, streamed)

    def play(self, case: Case, folder: Path, number: int) -> str:
        """What came of it, in a word or two; raises what no synth should."""
        path = folder / f"{number}.sf2"
        try:
            synth = self.synths[case.rate, case.written]
            if case.font is not None:
                path.write_bytes(case.font)
                synth = load(find(str(path)), case.rate, AS_WRITTEN if case.written else AS_PLAYED)
            return _heard(synth, case)
        except RenderError as error:
            return f"{type(error).__name__} {error.reason}"
        finally:
            path.unlink(missing_ok=True)


def _heard(synth: SoundFontSynth, case: Case) -> str:
    lines = [Line(case.midi)]
    buffers = (tile.mix for tile in synth.stream(lines * 2)) if case.streamed else synth.render(lines)
    peak = 0.0
    for audio in buffers:
        if len(audio):
            high = max(float(audio.max()), -float(audio.min()))
            if not high < (SWOLLEN if case.written else LOUDEST):  # NaN is not
                raise AssertionError(f"a peak of {high}")
            peak = max(peak, high)
    return "sound" if peak else "silence"


def _beginning(data: bytes, quarters: int = 4) -> bytes:
    """So many quarter notes of a tune: a case shall cost milliseconds."""
    whole = parse(data)
    end = quarters * whole.division
    return written(
        [[event for event in track if event[0] < end] for track in whole.tracks], whole.division, random.Random(0), 0.0
    )


def child(cases: Cases, numbers: range, folder: Path, answers: int, trace: int) -> None:
    """Play the cases under limits, and tell of each in a line: number, CPU seconds, what came of it."""
    size = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (size + MEMORY, size + MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    faulthandler.enable(trace)
    for number in numbers:
        faulthandler.dump_traceback_later(SECONDS, exit=True, file=trace)
        began = time.process_time()
        case = cases.make(number)
        try:
            told = cases.play(case, folder, number)
        except BaseException as error:  # noqa: BLE001 - whatever it is, it is a finding
            del case
            told = f"FINDING {type(error).__name__} {' '.join(traceback.format_exc(limit=-4).split())[-1500:]}"
        line = f"{number}\t{time.process_time() - began:.3f}\t{told}\n"
        os.write(answers, line.encode("utf-8", "backslashreplace"))
    faulthandler.cancel_dump_traceback_later()


def run(cases: Cases, numbers: range, keep: Path) -> Counter[str]:
    counts: Counter[str] = Counter()
    slow: list[tuple[float, int]] = []
    at, told_at = numbers.start, time.monotonic()
    with tempfile.TemporaryDirectory(prefix="motet-fuzz-") as name:
        while at < numbers.stop:
            batch = range(at, min(at + BATCH, numbers.stop))
            with tempfile.TemporaryFile("w+") as trace:
                reader, writer = os.pipe()
                process = os.fork()
                if not process:
                    os.close(reader)
                    child(cases, batch, Path(name), writer, trace.fileno())
                    os._exit(0)
                os.close(writer)
                with os.fdopen(reader) as answers:
                    for line in answers:
                        number, seconds, told = line.rstrip("\n").split("\t", 2)
                        at = int(number) + 1
                        slow = sorted([*slow, (float(seconds), int(number))])[-5:]
                        if told.startswith("FINDING"):
                            _keep(cases, int(number), told, keep)
                            told = " ".join(told.split()[:2])
                        counts[told] += 1
                _, status = os.waitpid(process, 0)
                if at < batch.stop:
                    trace.seek(0)
                    told = trace.read()
                    kind = "hang" if "Timeout" in told else f"crash, status {status}"
                    _keep(cases, at, f"FINDING {kind}\n{told}", keep)
                    counts[f"FINDING {kind}"] += 1
                    at += 1
            if time.monotonic() > told_at + 60:
                told_at = time.monotonic()
                print(f"{at - numbers.start} of {len(numbers)}: {dict(counts.most_common())}", flush=True)
    print("slowest, CPU seconds: " + ", ".join(f"{seconds:.2f} (case {number})" for seconds, number in reversed(slow)))
    return counts


def _keep(cases: Cases, number: int, told: str, keep: Path) -> None:
    keep.mkdir(parents=True, exist_ok=True)
    case = cases.make(number)
    stem = keep / f"{cases.seed}-{number}"
    stem.with_suffix(".txt").write_text(f"seed {cases.seed}, case {number}, rate {case.rate}\n{told}\n")
    stem.with_suffix(".mid").write_bytes(case.midi)
    if case.font is not None:
        stem.with_suffix(".sf2").write_bytes(case.font)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", type=int, default=0, help="number of the first case")
    parser.add_argument("--case", type=int, help="only this one, without limits")
    parser.add_argument("--keep", type=Path, default=Path(tempfile.gettempdir()) / "motet-fuzz", help="folder for findings")
    chosen = parser.parse_args()
    cases = Cases(chosen.seed)
    with tempfile.TemporaryDirectory() as name:
        if chosen.case is not None:
            print(cases.play(cases.make(chosen.case), Path(name), chosen.case))
            return
        _warm(cases, Path(name))
    began = time.monotonic()
    counts = run(cases, range(chosen.first, chosen.first + chosen.cases), chosen.keep)
    for told, count in counts.most_common():
        print(f"{count:>8}  {told}")
    findings = sum(count for told, count in counts.items() if told.startswith("FINDING"))
    print(
        f"{chosen.cases} cases of seed {chosen.seed} in {time.monotonic() - began:.0f} s: {findings} findings"
        + (f" in {chosen.keep}" if findings else "")
    )
    sys.exit(bool(findings))


def _warm(cases: Cases, folder: Path) -> None:
    """Everything is compiled and read before the first fork; what is whole must sound."""
    dice = random.Random(0)
    for number, font in enumerate(cases.fonts):
        for streamed in (False, True):
            told = cases.play(Case(font, score_of(dice, range(2)), 8000, streamed, streamed), folder, number)
            assert told == "sound", f"font {number}: {told}"
    for tune in cases.tunes:
        for rate, way in cases.synths:
            cases.play(Case(None, tune, rate, way, False), folder, 0)


if __name__ == "__main__":
    main()
