"""Which notes move what: mapping files, the curves they intend, and the Parseq documents that hold exactly these."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from symusic.core import NoteTick, ScoreTick, TempoTick, TimeSignatureTick, TrackTick

from motet import midi
from motet.errors import UserError
from motet.video import mapping, parseq, themes
from motet.video.errors import VideoError
from motet.video.fields import FIELDS
from motet.video.mapping.curves import places
from motet.video.mapping.keyframes import keyframes
from motet.video.windows import Window, windows

BAR = 1920
ROLES = ["drums", "bass", "chords", "melody", "pad", "other"]
KICKED = "notes: {drum: kick}"
KICK, SNARE, CLOSED, PEDAL, OPEN = 36, 38, 42, 44, 46


def band(bars: int = 8, bpm: float = 120, metre: tuple[int, int] = (4, 4), parts: Sequence[str] = ROLES) -> midi.Score:
    """A song in which every part plays, one track a part in the order of `parts`, with velocities of all kinds."""
    score = ScoreTick(480)
    score.tempos.append(TempoTick(0, bpm))
    score.time_signatures.append(TimeSignatureTick(0, *metre))
    bar, beat = 4 * 480 * metre[0] // metre[1], 480
    for part in parts:
        track = TrackTick(part, {"bass": 33, "melody": 73, "pad": 89}.get(part, 0), part == "drums")
        for tick in range(0, bars * bar, beat):
            velocity = 1 + (tick // beat * 37) % 127
            if part == "drums":
                drums = [(0, [KICK, SNARE][tick // beat % 2]), (0, CLOSED), (240, [OPEN, PEDAL, 49, 47, 56][tick // beat % 5])]
                for after, pitch in drums:
                    track.notes.append(NoteTick(tick + after, 30, pitch, velocity))
            elif part in ("bass", "melody") or tick % bar == 0:
                pitch = {"bass": 36, "chords": 52, "melody": 40 + tick // beat * 3 % 50, "pad": 60, "other": 70}[part]
                track.notes.append(NoteTick(tick + 60, 400, pitch, velocity))
        score.tracks.append(track)
    return midi.read(score.dumps_midi())


def written(*rules: str, rest: str = "{}") -> mapping.Mapping:
    text = f"name: own\nabout: a mapping of a test\nrest: {rest}\nrules:\n" + "".join(f"  - {rule}\n" for rule in rules)
    return mapping.parse(text.encode(), "own.yaml")


def drafted(
    score: midi.Score,
    chosen: mapping.Mapping | str = "full-song",
    window: Window | None = None,
    roles: Sequence[str] = ROLES,
    fps: Fraction = Fraction(24),
    seed: int = 0,
    **more: Any,
) -> dict[str, Any]:
    chosen = mapping.read(chosen) if isinstance(chosen, str) else chosen
    told = {"size": (256, 256), "theme": None, "mood": "calm", "key": "E flat major", "tempo": 120.0} | more
    return mapping.draft(
        score, roles, window or windows(score)[0], chosen, fps=fps, random=random.Random(seed), **told
    )  # fmt: skip


def drawn(document: dict[str, Any], field: str) -> list[float]:
    """A field at every frame by Parseq's rules for `L` and `S`, read here by themselves."""
    rows = document["keyframes"]
    frames = rows[-1]["frame"] + 1
    known = {row["frame"]: row[field] for row in rows if field in row}
    ways = {row["frame"]: row[f"{field}_i"] for row in rows if f"{field}_i" in row}
    at = sorted(known)
    values, way = [], "L"
    for frame in range(frames):
        way = ways.get(frame, way)
        before = max(one for one in at if one <= frame)
        after = min((one for one in at if one > frame), default=before)
        values.append(
            known[before]
            if way == "S" or after == before
            else known[before] + (known[after] - known[before]) * (frame - before) / (after - before)
        )
    return values


def seen(document: dict[str, Any], field: str) -> list[float]:
    """What Deforum takes: values, or for fields that move the difference (of zoom one more), and at frame 0 the value."""
    values = drawn(document, field)
    if not FIELDS[field].delta:
        return values
    return [values[0], *(after - before + FIELDS[field].still for before, after in pairwise(values))]


def frames_of(document: dict[str, Any], field: str) -> list[int]:
    return sorted({event["frame"] for event in document["motet"]["events"] if field in event["fields"]})


# The mappings that come with Motet


def test_the_ready_mappings() -> None:
    assert mapping.names() == ["calm", "full-song", "melody", "pulse", "v2midi"]
    assert all(mapping.read(name).name == name and mapping.read(name).about for name in mapping.names())


def test_v2midi_maps_the_five_drums_of_the_dataset() -> None:
    rules = mapping.read("v2midi").rules
    found = {
        note: [rule.field for rule in rules if rule.notes.fit("drums", name, note, 64, 0)]
        for note, name in {46: "open hat", 44: "pedal hat", 42: "closed hat", 38: "snare", 36: "kick", 49: "crash"}.items()
    }
    assert found == {
        46: ["rotation_3d_x"], 44: ["rotation_3d_y"], 42: ["rotation_3d_z"], 38: ["translation_z"], 36: ["strength"], 49: [],
    }  # fmt: skip


def test_strength_in_v2midi_rests_between_80_and_90_and_falls_to_25_to_50_percent_at_a_kick() -> None:
    document = drafted(band(), "v2midi")
    kicks = frames_of(document, "strength")
    for frame, value in enumerate(seen(document, "strength")):
        low, high = (0.25, 0.5) if frame in kicks else (0.8, 0.9)
        assert low <= value <= high
    assert len(kicks) == 16


@pytest.mark.parametrize("name", mapping.names())
@pytest.mark.parametrize("fps", [Fraction(24), Fraction(30000, 1001)])
def test_every_planned_onset_moves_the_camera_or_falls_in_strength(name: str, fps: Fraction) -> None:
    document = drafted(band(), name, fps=fps, seed=3)
    shown = {field: seen(document, field) for field in document["managedFields"] if field != "seed"}
    rest = max(shown["strength"])
    assert document["motet"]["events"]
    for event in document["motet"]["events"]:
        moved = [field for field in event["fields"] if FIELDS[field].delta]
        assert all(abs(shown[field][event["frame"]] - FIELDS[field].still) > 1e-3 for field in moved)
        fallen = "strength" in event["fields"] and shown["strength"][event["frame"]] < rest - 0.1
        assert moved or fallen


def test_full_song_maps_every_note() -> None:
    document = drafted(band())
    assert document["motet"]["notes"] == []
    assert {event["role"] for event in document["motet"]["events"]} == set(ROLES)


# Shapes


def one_kick_a_bar() -> midi.Score:
    score = ScoreTick(480)
    score.tempos.append(TempoTick(0, 120))
    track = TrackTick("", 0, True)
    for bar in range(8):
        track.notes.append(NoteTick(bar * BAR + 480, 240, KICK, 127))
    score.tracks.append(track)
    return midi.read(score.dumps_midi())


@pytest.mark.parametrize(
    "rule, expected",
    [
        ("field: noise, shape: impulse, value: 0.5", [0.5, 0.1, 0.1, 0.1, 0.1]),
        ("field: noise, shape: hold, length: 3 frames, value: 0.5", [0.5, 0.5, 0.5, 0.1, 0.1]),
        ("field: noise, shape: hold, value: 0.5", [0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.1]),
        ("field: noise, shape: decay, length: 4 frames, value: 0.5", [0.5, 0.4, 0.3, 0.2, 0.1]),
        ("field: noise, shape: hold, length: 1/3 beat, value: 0.5", [0.5, 0.5, 0.5, 0.5, 0.1]),
        ("field: noise, shape: hold, length: 0.125 seconds, value: 0.5", [0.5, 0.5, 0.5, 0.1]),
        ("field: angle, shape: impulse, value: 3", [3, 0, 0]),
        ("field: angle, shape: decay, length: 3 frames, value: 3", [3, 2, 1, 0]),
        ("field: angle, shape: ramp, length: 4 frames, value: 3", [0.75, 0.75, 0.75, 0.75, 0]),
        ("field: angle, shape: impulse, value: 3, direction: down", [-3, 0]),
        ("field: zoom, shape: decay, length: 2 frames, value: 1.1", [1.1, 1.05, 1]),
        ("field: zoom, shape: impulse, value: 1.1, direction: down", [0.9, 1]),
    ],
)
def test_shapes(rule: str, expected: list[float]) -> None:
    field = rule.split()[1].strip(",")
    document = drafted(one_kick_a_bar(), written(f"{{notes: {{drum: kick}}, {rule}}}", rest="{noise: 0.1}"), roles=["drums"])
    shown = seen(document, field)
    for frame in frames_of(document, field):
        assert shown[frame : frame + len(expected)] == pytest.approx(expected, abs=1e-6)
        assert shown[frame - 1] == pytest.approx(expected[-1], abs=1e-6)


@pytest.mark.parametrize("field", [name for name in FIELDS if name not in ("seed", *(f"prompt_weight_{n}" for n in range(3, 9)))])
@pytest.mark.parametrize("shape", ["impulse", "decay"])
def test_any_field_may_be_moved(field: str, shape: str) -> None:
    low, high = FIELDS[field].still, FIELDS[field].high
    value = [low + (high - low) * 0.4, low + (high - low) * 0.6] if high > low else [low / 4, low / 2]
    mine = written(f"{{notes: {{role: melody}}, field: {field}, shape: {shape}, value: {value}}}")
    document = drafted(band(), mine)
    assert {event["fields"][0] for event in document["motet"]["events"]} == {field}
    assert len(set(drawn(document, field))) > 1
    parseq.render(document)


def test_a_direction_may_alternate() -> None:
    document = drafted(
        one_kick_a_bar(),
        written("{notes: {drum: kick}, field: angle, shape: impulse, value: 3, direction: alternate}"),
        roles=["drums"],
    )
    shown = seen(document, "angle")
    assert [shown[frame] for frame in frames_of(document, "angle")] == pytest.approx([3, -3] * 4)


@pytest.mark.parametrize("curve, expected", [("linear", 0.5), ("sqrt", math.sqrt(0.5)), ("square", 0.25)])
def test_louder_notes_go_further(curve: str, expected: float) -> None:
    score = one_kick_a_bar()
    rule = written(f"{{notes: {{drum: kick}}, field: angle, shape: impulse, value: [10, 20], velocity: {curve}}}")
    shown = seen(drafted(score, rule, roles=["drums"]), "angle")
    assert max(shown) == pytest.approx(20)
    assert mapping.read("full-song").digest != rule.digest
    soft = ScoreTick(480)
    track = TrackTick("", 0, True)
    track.notes.append(NoteTick(0, 100, KICK, 64))
    soft.tracks.append(track)
    shown = seen(drafted(midi.read(soft.dumps_midi()), rule, roles=["drums"]), "angle")
    assert shown[0] == pytest.approx(10 + 10 * expected, abs=0.1)


def test_a_new_event_cuts_the_one_before_off() -> None:
    rule = written("{notes: {drum: kick}, field: noise, shape: decay, length: 100 frames, value: 1}", rest="{noise: 0}")
    document = drafted(one_kick_a_bar(), rule, roles=["drums"])
    shown = seen(document, "noise")
    assert [shown[frame] for frame in frames_of(document, "noise")] == [1] * 8
    assert shown[60 + 47] == pytest.approx(1 - 47 / 100)


def test_of_events_at_one_frame_a_field_follows_the_one_furthest_from_rest() -> None:
    rules = [f"{{notes: {{drum: {drum}}}, field: angle, shape: impulse, value: {value}}}" for drum, value in
             (("kick", 2), ("closed hat", 9), ("snare", 4))]  # fmt: skip
    document = drafted(band(parts=["drums"]), written(*rules), roles=["drums"])
    shown = seen(document, "angle")
    assert [shown[frame] for frame in frames_of(document, "angle")] == pytest.approx([9.0] * 32)


# From curves to keyframes


@st.composite
def wild_curves(draw: st.DrawFn) -> np.ndarray[Any, Any]:
    pieces = draw(st.lists(st.tuples(st.integers(1, 12), st.floats(-100, 100), st.sampled_from("SLR")), min_size=1, max_size=8))
    values: list[float] = []
    for length, goal, way in pieces:
        begin = values[-1] if values else goal
        values += {
            "S": [goal] * length,
            "L": list(np.linspace(begin, goal, length + 1)[1:]),
            "R": [draw(st.floats(-100, 100)) for _ in range(length)],
        }[way]
    return np.array(values if len(values) > 1 else values * 2)


@given(wild_curves())
def test_keyframes_draw_the_curve_again(curve: np.ndarray[Any, Any]) -> None:
    document = {"keyframes": keyframes({"noise": curve})}
    assert drawn(document, "noise") == pytest.approx(curve.tolist(), abs=1e-6)
    assert "noise" in document["keyframes"][0]


def test_keyframes_are_as_few_as_can_be() -> None:
    still = keyframes({"noise": np.full(100, 0.3)})
    assert still == [{"frame": 0, "noise": 0.3, "noise_i": "S"}, {"frame": 99}]
    straight = keyframes({"noise": np.linspace(0, 1, 100)})
    assert straight == [{"frame": 0, "noise": 0, "noise_i": "L"}, {"frame": 99, "noise": 1}]
    struck = np.zeros(100)
    struck[40:] = 1
    assert [row["frame"] for row in keyframes({"noise": struck})] == [0, 40, 99]
    fallen = np.concatenate([np.zeros(40), 1 - np.arange(61) / 60])
    assert [row["frame"] for row in keyframes({"noise": fallen})] == [0, 40, 100]


@given(st.lists(st.floats(-50, 50), min_size=2, max_size=300))
def test_places_give_back_the_movements(movements: list[float]) -> None:
    summed = places("translation_z", np.array(movements))
    assert np.diff(summed, prepend=0) == pytest.approx(movements, abs=1e-6)


# The plan


def test_a_plan_says_what_is_moved_by_which_note() -> None:
    document = drafted(band(), "v2midi")
    told = document["motet"]
    assert told["version"] == 1
    assert told["size"] == [256, 256]
    assert (told["mapping"], told["camera"], told["mood"], told["key"], told["tempo"]) == (
        "v2midi",
        "3D",
        "calm",
        "E flat major",
        120,
    )
    assert told["theme"] in themes.fitting("calm")
    assert told["beats"] == [12.0 * beat for beat in range(32)]
    assert told["downbeats"] == [48.0 * bar for bar in range(8)]
    first = told["events"][0]
    assert first == {
        "frame": 0, "seconds": 0.0, "role": "drums", "drum": "kick", "pitch": 36, "velocity": 1, "duration": 0.03125,
        "fields": ["strength"],
    }  # fmt: skip
    assert all(event["fields"] for event in told["events"])
    assert all(note["fields"] == [] for note in told["notes"])
    assert {note["role"] for note in told["notes"]} == set(ROLES)
    frames = [event["frame"] for event in told["events"]]
    assert frames == sorted(frames)
    assert document["keyframes"][-1]["frame"] == 383
    assert document["options"] == {"bpm": 120.0, "output_fps": 24, "cadence": 1}


def test_frame_0_defines_every_managed_field() -> None:
    for name in mapping.names():
        document = drafted(band(), name)
        assert set(document["managedFields"]) <= document["keyframes"][0].keys()
        assert {"seed", "strength", "prompt_weight_1", "prompt_weight_2"} <= set(document["managedFields"])


def test_the_first_prompt_gives_way_to_the_second_where_the_section_changes() -> None:
    for turns, turn in ((), 192), ((5 * BAR,), 240), ((2 * BAR, 7 * BAR, 99 * BAR), 96):
        document = drafted(band(), "v2midi", turns=turns)
        first, second = drawn(document, "prompt_weight_1"), drawn(document, "prompt_weight_2")
        assert [one + other for one, other in zip(first, second, strict=True)] == pytest.approx([1] * 384)
        assert first[turn] == pytest.approx(0.5, abs=0.02)
        assert (first[0], first[383]) == (1, 0)
        one, other = document["prompts"]["promptList"]
        assert one["positive"] != other["positive"]
        shown = [[prompt["from"] <= frame <= prompt["to"] for prompt in (one, other)] for frame in range(384)]
        assert shown == [[first[frame] > 0, second[frame] > 0] for frame in range(384)]


def test_a_mapping_may_move_the_weights_of_prompts() -> None:
    rule = written("{notes: {drum: kick}, field: prompt_weight_2, shape: impulse, value: 1.5}")
    document = drafted(one_kick_a_bar(), rule, roles=["drums"])
    shown = seen(document, "prompt_weight_2")
    assert all(shown[frame] == 1.5 for frame in frames_of(document, "prompt_weight_2"))
    assert all(prompt["allFrames"] for prompt in document["prompts"]["promptList"])


def test_the_same_seed_plans_the_same_film() -> None:
    assert drafted(band(), seed=5) == drafted(band(), seed=5)
    assert drafted(band(), seed=5) != drafted(band(), seed=6)


@settings(max_examples=12)
@given(
    st.sampled_from(mapping.names()),
    st.sampled_from([Fraction(24), Fraction(30), Fraction(30000, 1001)]),
    st.integers(0, 1000),
    st.floats(60, 200),
    st.sampled_from([(4, 4), (6, 8), (7, 8), (3, 4)]),
)
def test_parseq_renders_exactly_the_curves_that_were_meant(
    name: str, fps: Fraction, seed: int, bpm: float, metre: tuple[int, int]
) -> None:
    score = band(4, bpm, metre)
    window, chosen = windows(score, 6.0)[0], mapping.read(name)
    told = {"fps": fps, "size": (256, 256), "theme": "coral-sea", "mood": "calm", "key": None, "tempo": bpm}
    document = mapping.plan(score, ROLES, window, chosen, random=random.Random(seed), **told)  # type: ignore[arg-type]
    assert parseq.problems(document) == []
    frames = document["rendered_frames"]
    assert [frame["frame"] for frame in frames] == list(range(len(frames)))
    assert len(frames) == math.ceil(Fraction(window.seconds).limit_denominator(10**9) * fps)
    for field in document["managedFields"]:
        if field == "seed":
            assert [frame["seed"] for frame in frames] == [document["motet"]["seed"] + one for one in range(len(frames))]
            continue
        key = f"{field}_delta" if FIELDS[field].delta else field
        assert [frame[key] for frame in frames] == pytest.approx(seen(document, field), abs=1e-6)


@pytest.mark.shared
def test_real_songs_under_every_mapping(shared: Path) -> None:
    files = sorted((shared / "midi" / "free").rglob("*.mid"))
    for index, path in enumerate(random.Random(1).sample(files, 25)):
        try:
            score = midi.read(path.read_bytes())
        except midi.Unreadable:
            continue
        roles = ["other"] * len(score.symusic.tracks)
        chosen = mapping.read(mapping.names()[index % len(mapping.names())])
        heard = mapping.mapped(score, roles, chosen)
        for window in windows(score)[:2]:
            if heard[(score.notes["start"] >= window.start_tick) & (score.notes["start"] < window.end_tick)].any():
                document = drafted(score, chosen, window, roles)
                assert parseq.problems(document) == []
                assert document["motet"]["events"]


# What cannot be planned


def test_a_drumless_song_under_a_mapping_of_drums() -> None:
    score = band(parts=["melody", "bass"])
    with pytest.raises(
        VideoError, match="v2midi maps none of the window's 64 notes: they are of bass and melody, not of drums"
    ) as caught:
        drafted(score, "v2midi", roles=["melody", "bass"])
    assert caught.value.reason == "no_mapped_notes"
    assert not mapping.mapped(score, ["melody", "bass"], mapping.read("v2midi")).any()
    assert mapping.mapped(score, ["melody", "bass"], mapping.read("full-song")).all()


def test_a_window_without_notes() -> None:
    with pytest.raises(VideoError, match="no note begins in the window") as caught:
        drafted(band(), window=Window(100 * BAR, 108 * BAR, 200.0, 216.0, 100, 8))
    assert caught.value.reason == "no_notes"


def test_a_window_of_no_length_or_of_hours() -> None:
    for end, reason in ((1, "too_short"), (40_000 * 4 * BAR, "too_long")):
        with pytest.raises(VideoError) as caught:
            drafted(band(), window=Window(0, end, 0.0, 1.0, 0, 1))
        assert caught.value.reason == reason


@pytest.mark.parametrize("size", [(255, 256), (256, 62), (4098, 256)])
def test_a_size_that_no_film_has(size: tuple[int, int]) -> None:
    with pytest.raises(UserError, match="both sides must be even numbers from 64 to 4096"):
        drafted(band(), size=size)


# What can be wrong with a mapping


@pytest.mark.parametrize(
    "rule, sentence",
    [
        ("{ON_KICK, field: zom, shape: impulse, value: 1.1}", "there is no field 'zom'; did you mean zoom?"),
        ("{notes: {drum: kik}, field: zoom, shape: impulse, value: 1.1}", "there is no drum 'kik'; did you mean kick?"),
        ("{notes: {drum: 128}, field: zoom, shape: impulse, value: 1.1}", "a number from 0 to 127 is wanted"),
        ("{notes: {drum: []}, field: zoom, shape: impulse, value: 1.1}", "this list is empty"),
        ("{notes: {}, field: zoom, shape: impulse, value: 1.1}", "there is no condition"),
        ("{notes: [kick], field: zoom, shape: impulse, value: 1.1}", "a list stands where a map is wanted"),
        ("{notes: {role: singer}, field: zoom, shape: impulse, value: 1.1}", "'singer' is not known here"),
        ("{notes: {pitch: H4}, field: zoom, shape: impulse, value: 1.1}", "'H4' is no pitch"),
        ("{notes: {pitch: [60, 36]}, field: zoom, shape: impulse, value: 1.1}", "write the lower first"),
        ("{notes: {pitch: [1, 2, 3]}, field: zoom, shape: impulse, value: 1.1}", "a lowest and a highest"),
        ("{notes: {drum: kick, pitch: 36}, field: zoom, shape: impulse, value: 1.1}", "no note meets these conditions"),
        ("{notes: {program: 0-200}, field: zoom, shape: impulse, value: 1.1}", "is no program"),
        ("{notes: {family: bass, program: 0}, field: zoom, shape: impulse, value: 1.1}", "no program is both"),
        ("{notes: {velocity: [90, 10]}, field: zoom, shape: impulse, value: 1.1}", "a softest and a loudest"),
        ("{ON_KICK, field: zoom, shape: wobble, value: 1.1}", "'wobble' is not known here"),
        ("{ON_KICK, field: zoom, shape: impulse, value: 9}", "9 is outside the limits of zoom; it goes from 0.5 to 2"),
        ("{ON_KICK, field: zoom, shape: impulse, value: 1.8, direction: down}", "zoom would reach 0.2, outside its limits"),
        ("{ON_KICK, field: zoom, shape: impulse, value: .nan}", "where a number from"),
        ("{ON_KICK, field: zoom, shape: impulse, value: [1.1, 1.2, 1.3]}", "a range has two numbers, not 3"),
        ("{ON_KICK, field: zoom, shape: impulse}", "value is missing; add it"),
        ("{ON_KICK, field: angle, shape: impulse, value: [-3, 3]}", "angle may be 0, which moves nothing"),
        ("{ON_KICK, field: strength, shape: impulse, value: [0.5, 0.7]}", "the same as at rest (0.6)"),
        ("{ON_KICK, field: strength, shape: ramp, value: 0.2}", "strength cannot move on and on in a ramp"),
        ("{ON_KICK, field: strength, shape: impulse, value: 0.2, direction: down}", "a direction is for fields that move"),
        ("{ON_KICK, field: angle, shape: impulse, length: 3 frames, value: 3}", "an impulse lasts one frame"),
        ("{ON_KICK, field: angle, shape: decay, length: soon, value: 3}", "'soon' is no length"),
        ("{ON_KICK, field: angle, shape: decay, length: 1/0 beat, value: 3}", "is no length"),
        ("{ON_KICK, field: angle, shape: decay, length: 0 frames, value: 3}", "is no length"),
        ("{ON_KICK, field: angle, shape: decay, length: 9999 beats, value: 3}", "is too long; 256 beats are the most"),
        ("{ON_KICK, field: angle, shape: decay, value: 3, velocity: linear}", "a velocity needs a range"),
        ("{ON_KICK, field: seed, shape: impulse, value: 3}", "seed cannot be moved"),
        ("{ON_KICK, field: prompt_weight_5, shape: impulse, value: 1}", "prompt_weight_5 cannot be moved"),
        ("{ON_KICK, field: angle, shape: impulse, value: 3, colour: red}", "there is no key 'colour' here"),
        ("wobble", "'wobble' stands where a map is wanted"),
    ],
)  # fmt: skip
def test_every_mistake_has_one_sentence_with_its_line(rule: str, sentence: str) -> None:
    with pytest.raises(UserError) as caught:
        written("{notes: {drum: snare}, field: angle, shape: impulse, value: 3}", rule.replace("ON_KICK", KICKED))
    said = str(caught.value)
    assert sentence in said
    assert said.startswith("own.yaml, line 6")
    assert "\n" not in said


@pytest.mark.parametrize(
    "text, sentence",
    [
        ("", "own.yaml is empty"),
        ("# nothing\n", "own.yaml is empty"),
        ("[1, 2]", "a list stands where a map is wanted"),
        ("name: [", "this is not valid YAML"),
        ("name: x\nname: y", "'name' stands here twice"),
        ("name: x\nabout: y", "rules is missing; add it"),
        ("name: x\nabout: y\nrules: []", "this list is empty"),
        ("name: x\nabout: y\nrules: {}", "a map stands where a list is wanted"),
        ("name: x\nabout: y\nrest: {zom: 1}\nrules: [1]", "there is no field 'zom'; did you mean zoom?"),
        ("name: x\nabout: y\nrest: {strength: 2}\nrules: [1]", "2 is outside the limits of strength"),
        ("name: &a x\nabout: *a", "write it out here"),
        ("a: " + "[" * 50 + "]" * 50, "deep"),
        ("name: x" + "y" * 200_000, "more than 131,072 bytes"),
    ],
)
def test_a_file_that_is_no_mapping(text: str, sentence: str) -> None:
    with pytest.raises(UserError) as caught:
        mapping.parse(text.encode(), "own.yaml")
    assert sentence in str(caught.value)


def test_two_cameras_in_one_mapping() -> None:
    flat, deep = (f"{{notes: {{drum: kick}}, field: {field}, shape: impulse, value: 2}}" for field in ("angle", "rotation_3d_x"))
    with pytest.raises(UserError, match="Deforum moves rotation_3d_x with a 3D camera alone and angle with a 2D one"):
        written(flat, deep)


def test_a_ramp_against_the_movement_at_rest() -> None:
    with pytest.raises(UserError, match="translation_z may stand still"):
        written("{notes: {drum: kick}, field: translation_z, shape: ramp, value: 4, direction: down}", rest="{translation_z: 1}")


def test_bytes_that_are_no_text() -> None:
    with pytest.raises(UserError, match=r"own\.yaml is not written in UTF-8"):
        mapping.parse(b"name: \xff\xfe", "own.yaml")


@settings(max_examples=150)
@given(st.binary(max_size=300) | st.text(alphabet="nameruls: {}[]-\n'\"&*!|>%#,0159.", max_size=200).map(str.encode))
def test_whatever_a_file_holds_it_is_refused_in_a_sentence(data: bytes) -> None:
    with pytest.raises(UserError):
        mapping.parse(data, "own.yaml")


def test_mappings_are_found_by_name_or_path(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"There is no mapping 'v2mid' .* did you mean v2midi\?"):
        mapping.read("v2mid")
    with pytest.raises(UserError, match="cannot be read: No such file"):
        mapping.read(tmp_path / "absent.yaml")
    (tmp_path / "folder.yaml").mkdir()
    with pytest.raises(UserError, match="not a regular file"):
        mapping.read(tmp_path / "folder.yaml")
    with pytest.raises(UserError, match="cannot be read"):
        mapping.read("a\0b.yaml")
    own = tmp_path / "own.yaml"
    own.write_text("name: mine\nabout: x\nrules:\n- {notes: {role: bass}, field: angle, shape: impulse, value: 2}\n")
    assert mapping.read(own).name == "mine"
    assert mapping.read(str(own)).rules[0].notes.roles == {"bass"}
