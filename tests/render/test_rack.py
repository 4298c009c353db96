"""Racks: what is drawn lies in its range, each draw has chance of its own, and a mistake in the file is told with its place."""

import math
import os
import pickle
import random
from collections import Counter
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from motet.errors import UserError
from motet.midi.general_midi import DRUM_KITS
from motet.midi.instruments import ROLES
from motet.render import Player, RenderError, find, try_rack
from motet.render.effects import EFFECTS, complete
from motet.render.patch import Patch, Preset
from motet.render.rack import Rack, Rule, Who, read, ready
from motet.render.rack.chance import Between, Fixed, LogBetween, Lots, OneOf, Range

pedalboard = pytest.mark.skipif(not find_spec("pedalboard"), reason="pedalboard is not installed: pip install 'motet[effects]'")
ZAM = Path("/usr/lib/vst3/ZamDelay.vst3")

PIANO = Who(program=0, role="chords")
KIT = Who(program=0, is_drum=True)


def rack(tmp_path: Path, instruments: str = "  - {name: all, font: auto}", rest: str = "", file: str = "test.yaml") -> Rack:
    path = tmp_path / file
    path.write_text(f"name: test\nabout: a rack for a test\ninstruments:\n{instruments}\n{rest}", encoding="utf-8")
    return read(path)


def share(count: int, of: int) -> tuple[float, float]:
    """Between which shares a true one lies (Wilson, 4 standard deviations: wrong once in 16,000)."""
    z, p = 4.0, count / of
    middle, spread = p + z * z / (2 * of), z * math.sqrt(p * (1 - p) / of + z * z / (4 * of * of))
    return (middle - spread) / (1 + z * z / of), (middle + spread) / (1 + z * z / of)


def near(count: int, of: int, expected: float) -> bool:
    low, high = share(count, of)
    return low <= expected <= high


# --- numbers ---

ends = st.tuples(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6)).map(sorted)
positive = st.tuples(st.floats(5e-324, 1e9), st.floats(5e-324, 1e9)).map(sorted)
ranges: st.SearchStrategy[Range] = st.one_of(
    st.floats(-1e6, 1e6).map(Fixed),
    ends.map(lambda two: Between(*two)),
    positive.map(lambda two: LogBetween(*two)),
    st.lists(st.tuples(st.floats(-9, 9), st.floats(0.001, 9)), min_size=1).map(lambda some: OneOf(*zip(*some, strict=True))),
)


@given(ranges, st.integers(0, 2**64 - 1), st.text())
def test_a_drawn_number_lies_in_its_range(drawn_from: Range, seed: int, name: str) -> None:
    lot = Lots(seed)(name)
    assert 0 < lot < 1
    low, high = drawn_from.ends
    assert low <= drawn_from.at(lot) <= high


@given(st.floats(1e-9, 1 - 1e-9))
def test_a_drawn_number_is_written_in_four_digits(lot: float) -> None:
    number = Between(0, 1).at(lot)
    assert number == float(f"{number:.4g}")
    assert number == pytest.approx(lot, rel=1e-3)


def test_half_of_a_range_of_ratios_lies_under_its_middle_ratio() -> None:
    drawn = [LogBetween(100, 400).at(Lots(seed)("hz")) for seed in range(2000)]
    assert near(sum(hz < 200 for hz in drawn), 2000, 0.5)
    assert near(sum(hz < 200 for hz in (Between(100, 400).at(Lots(seed)("hz")) for seed in range(2000))), 2000, 1 / 3)


def test_numbers_with_weights_come_as_often_as_these_say() -> None:
    drawn = Counter(OneOf((1, 2, 3), (0, 1, 3)).at(Lots(seed)("x")) for seed in range(2000))
    assert drawn[1] == 0
    assert near(drawn[2], 2000, 0.25)


# --- instruments ---

THREE = "  - {name: a, font: auto}\n  - {name: b, font: auto, weight: 2, gain_db: [-6, 6]}\n  - {name: c, font: auto, weight: 5}"
FOUR = "  - {name: new, font: auto, weight: 9}\n" + THREE


def test_the_first_instrument_and_the_next_are_drawn_by_weight(tmp_path: Path) -> None:
    drawn = rack(tmp_path, THREE)
    orders = [tuple(one.instrument for one in drawn.draw(PIANO, random.Random(seed)).patches) for seed in range(3000)]
    assert all(sorted(order) == ["a", "b", "c"] for order in orders)
    for name, expected in {"a": 1 / 8, "b": 2 / 8, "c": 5 / 8}.items():
        assert near(sum(order[0] == name for order in orders), 3000, expected)
    after_c = [order for order in orders if order[0] == "c"]
    assert near(sum(order[1] == "b" for order in after_c), len(after_c), 2 / 3)


@pedalboard
def test_another_instrument_changes_nothing_of_the_others(tmp_path: Path) -> None:
    chain = "effects:\n  - {how_many: [1, 1], chain: [{effect: reverb, room_size: [0, 0.9]}]}\nhumanise:\n  - timing_ms: [0, 9]"
    small, large = rack(tmp_path, THREE, chain, "small.yaml"), rack(tmp_path, FOUR, chain, "large.yaml")
    for seed in range(200):
        few, more = (shelf.draw(PIANO, random.Random(seed)) for shelf in (small, large))
        assert [one for one in more.patches if one.instrument != "new"] == list(few.patches)
        assert more.timing_ms == few.timing_ms


@pedalboard
def test_one_seed_draws_one_thing_and_another_seed_another() -> None:
    studio, again = read("studio"), read("studio")
    drawn = [studio.draw(PIANO, random.Random(seed)) for seed in range(100)]
    assert drawn == [again.draw(PIANO, random.Random(seed)) for seed in range(100)]
    assert len({repr(one) for one in drawn}) == 100


@pytest.mark.parametrize(
    ("rule", "fitting", "others"),
    [
        (Rule(), [PIANO, KIT, Who(40)], []),
        (Rule(programs=(0, 1)), [PIANO], [Who(2), KIT]),
        (Rule(programs=(40,), drums=True), [Who(40, is_drum=True)], [Who(40), KIT]),
        (Rule(families=("bass",)), [Who(33), Who(38, role="melody")], [Who(0, role="bass"), KIT]),
        (Rule(roles=("melody",)), [Who(73, role="melody")], [Who(73, role="bass"), Who(73), KIT]),
        (Rule(roles=("drums", "bass")), [KIT, Who(43, role="bass")], [PIANO]),
        (Rule(programs=(0,), roles=("melody",)), [Who(0, role="melody")], [PIANO, Who(1, role="melody")]),
        (Rule(drums=False), [PIANO, Who(0)], [KIT]),
        (Rule(banks=(8,)), [Who(0, bank=8)], [PIANO, KIT]),
    ],
)
def test_a_rule_fits_where_all_its_conditions_hold(rule: Rule, fitting: list[Who], others: list[Who]) -> None:
    assert all(rule.fits(who) for who in fitting)
    assert not any(rule.fits(who) for who in others)


def test_a_part_that_no_instrument_serves_is_told_apart(tmp_path: Path) -> None:
    pianos = rack(tmp_path, "  - {name: piano, for: {families: [piano]}, font: auto}")
    with pytest.raises(RenderError, match=r"no instrument for program 40 \(strings\) as melody: add an instrument") as told:
        pianos.draw(Who(40, role="melody"), random.Random(1))
    assert told.value.reason == "no_instrument"


@pytest.mark.parametrize(
    ("said", "who", "preset"),
    [
        ("", PIANO, None),
        ("program: 5", PIANO, Preset(0, 5)),
        ("program: 5, bank: 8", PIANO, Preset(8, 5)),
        ("bank: 8", Who(3), Preset(8, 3)),
        ("program: 40", KIT, Preset(128, 40)),
        ("program: {one_of: [7]}", PIANO, Preset(0, 7)),
    ],
)
def test_a_font_plays_what_the_part_asks_for_or_what_the_rack_says(
    tmp_path: Path, said: str, who: Who, preset: Preset | None
) -> None:
    (patch,) = rack(tmp_path, f"  - {{name: one, font: auto, {said}}}").draw(who, random.Random(1)).patches
    assert patch.sound.preset == preset


def test_a_patch_tells_all_and_its_file_is_found_again(tmp_path: Path) -> None:
    font = find()
    (tmp_path / "own.sf2").write_bytes(font.path.read_bytes())
    own = rack(tmp_path, '  - {name: one, font: own.sf2, gain_db: -3, pan: 0.5, licence: "CC0"}')
    (patch,) = own.draw(PIANO, random.Random(1)).patches
    assert (patch.instrument, patch.gain_db, patch.pan) == ("one", -3.0, 0.5)
    assert (patch.sound.file, patch.sound.sha256, patch.sound.licence) == ("own.sf2", font.sha256, "CC0")
    assert Path(own.where(patch.sound.sha256)) == tmp_path / "own.sf2"
    assert [(file.kind, file.name) for file in own.files()] == [("font", "own.sf2")]
    assert Patch.from_json(patch.to_json()) == patch
    with pytest.raises(RenderError, match="has no file"):
        own.where("ab" * 32)


def test_a_font_for_all_is_given_from_outside(tmp_path: Path) -> None:
    (tmp_path / "other.sf2").write_bytes(find().path.read_bytes())
    (file,) = read("default", font=str(tmp_path / "other.sf2")).files()
    assert file.name == "other.sf2"
    with pytest.raises(UserError, match="no synth 'sine'"):
        read("default", synth="sine")


# --- effects ---

CHAIN = """effects:
  - for: {roles: [drums]}
    always: [{effect: compressor, ratio: [2, 4]}]
  - always: [{effect: highpass, hz: {log: [40, 160]}}]
    how_many: [1, 2, 1]
    chain: [{effect: delay, weight: 3}, {effect: delay, seconds: 1}, {effect: reverb, weight: 2}]
"""


@pedalboard
def test_the_first_chain_that_fits_is_played_in_the_order_of_the_list(tmp_path: Path) -> None:
    drawn = rack(tmp_path, rest=CHAIN)
    (drums,) = drawn.draw(KIT, random.Random(1)).patches
    assert [effect.name for effect in drums.effects] == ["compressor"]
    chains = [drawn.draw(PIANO, random.Random(seed)).patches[0].effects for seed in range(2000)]
    orders = Counter(tuple(effect.name for effect in chain) for chain in chains)
    assert set(orders) == {
        ("highpass",),
        ("highpass", "delay"),
        ("highpass", "reverb"),
        ("highpass", "delay", "delay"),
        ("highpass", "delay", "reverb"),
    }
    lengths = Counter(len(chain) - 1 for chain in chains)
    assert all(near(lengths[many], 2000, weight / 4) for many, weight in enumerate([1, 2, 1]))
    alone = [chain[1] for chain in chains if len(chain) == 2]
    assert near(sum(one.parameters.get("seconds") == 1 for one in alone), len(alone), 1 / 6)


@pedalboard
def test_an_effect_records_every_parameter_it_takes(tmp_path: Path) -> None:
    (patch,) = rack(tmp_path, rest=CHAIN).draw(KIT, random.Random(1)).patches
    (effect,) = patch.effects
    assert effect.parameters.keys() == EFFECTS["compressor"].keys()
    assert 2 <= effect.parameters["ratio"] <= 4
    assert effect.engine == "pedalboard"
    assert effect.engine_version


@pedalboard
def test_every_instrument_of_a_draw_has_the_same_effects_behind_it(tmp_path: Path) -> None:
    patches = rack(tmp_path, THREE, CHAIN).draw(PIANO, random.Random(3)).patches
    assert len({str(one.effects) for one in patches}) == 1


@pedalboard
@pytest.mark.skipif(not ZAM.exists(), reason="no ZamDelay.vst3: install zam-plugins")
def test_plug_ins_and_their_presets_are_named_by_content(tmp_path: Path) -> None:
    (tmp_path / "soft.vstpreset").write_bytes(b"soft")
    (tmp_path / "loud.vstpreset").write_bytes(b"loud")
    presets = "[{file: soft.vstpreset, weight: 3}, loud.vstpreset]"
    plugged = rack(
        tmp_path,
        f"  - {{name: vst, plugin: {ZAM}, preset: {presets}, parameters: {{feedback: [0.2, 0.4]}}}}",
        f"effects: [{{always: [{{plugin: {ZAM}, parameters: {{time: 0.5}}}}]}}]",
    )
    drawn = [plugged.draw(PIANO, random.Random(seed)).patches[0] for seed in range(1000)]
    assert near(sum(one.sound.preset_file == "soft.vstpreset" for one in drawn), 1000, 0.75)
    patch = drawn[0]
    assert 0.2 <= patch.sound.parameters["feedback"] <= 0.4
    assert patch.effects[0].parameters == {"time": 0.5}
    assert patch.effects[0].sha256 == patch.sound.sha256
    assert Path(plugged.where(patch.sound.preset_sha256)).parent == tmp_path
    assert sorted(file.kind for file in plugged.files()) == ["plugin", "preset", "preset"]


# --- the key of what is drawn ---


@pedalboard
def test_contents_change_with_what_is_drawn_and_with_nothing_else(tmp_path: Path) -> None:
    told = rack(tmp_path, THREE, CHAIN).contents()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "own.sf2").write_bytes(find().path.read_bytes())
    same = [
        rack(tmp_path, THREE, "# a remark\n" + CHAIN, "remarked.yaml"),
        rack(tmp_path, THREE.replace("weight: 2, gain_db: [-6, 6]", "gain_db: [-6.0, 6], weight: 2"), CHAIN, "turned.yaml"),
    ]
    assert all(one.contents() == told for one in same)
    others = [THREE.replace("5", "6"), THREE.replace("name: c", "name: d"), FOUR, THREE.replace("[-6, 6]", "[-6, 5]")]
    assert all(rack(tmp_path, other, CHAIN, "other.yaml").contents() != told for other in others)
    ratios = CHAIN.replace("hz: {log: [40, 160]}", "hz: [40, 160]")
    assert rack(tmp_path, THREE, ratios, "ratios.yaml").contents() != told
    assert told["font TimGM6mb.sf2"] == find().sha256


def test_a_rack_travels_to_workers(tmp_path: Path) -> None:
    shelf = rack(tmp_path, THREE)
    there = pickle.loads(pickle.dumps(shelf))
    assert there == shelf
    assert there.contents() == shelf.contents()
    assert there.draw(PIANO, random.Random(5)) == shelf.draw(PIANO, random.Random(5))


# --- instruments and effects tried ---


def test_an_instrument_is_tried_with_each_program_it_may_draw(tmp_path: Path) -> None:
    told = "{one_of: [73, 0, 73, 4], weights: [1, 1, 1, 0]}"
    with Player(rack(tmp_path, f"  - {{name: one, font: auto, program: {told}}}"), 22050) as player:
        trials = list(try_rack(player))
    assert [(trial.program, trial.faults) for trial in trials] == [(73, ()), (0, ())]


@pedalboard
@pytest.mark.skipif(not ZAM.exists(), reason="no ZamDelay.vst3: install zam-plugins")
def test_a_plug_in_is_tried_at_both_ends_and_in_the_middle_of_its_ranges(tmp_path: Path) -> None:
    told = f"{{plugin: {ZAM}, parameters: {{Feedback: [0.2, 0.4]}}}}"
    with Player(rack(tmp_path, rest=f"effects: [{{always: [{told}]}}]"), 22050) as player:
        trials = list(try_rack(player, range(0)))[1:]  # the first is the instrument with a kit
    assert [trial.parameters for trial in trials] == [{"Feedback": end} for end in (0.2, 0.3, 0.4)]
    assert not any(fault.reason == "no_such_parameter" for trial in trials for fault in trial.faults)


# --- the ready racks ---


def test_the_default_rack_adds_nothing_to_any_part() -> None:
    shelf = read("default")
    for who in [*map(Who, range(128)), *(Who(kit, is_drum=True) for kit in DRUM_KITS)]:
        drawn = shelf.draw(who, random.Random(1))
        (patch,) = drawn.patches
        assert (patch.effects, patch.gain_db, patch.pan, patch.sound.preset) == ((), 0.0, 0.0, None)
        assert (drawn.timing_ms, drawn.velocity) == (0.0, 0.0)


@pedalboard
def test_the_studio_plays_every_part_within_the_ranges_of_its_effects() -> None:
    studio = read("studio")
    parts = [Who(program, role=role) for program in range(128) for role in (*ROLES, None)]
    parts += [Who(kit, is_drum=True) for kit in DRUM_KITS]
    for seed, who in enumerate(parts):
        drawn = studio.draw(who, random.Random(seed))
        (patch,) = drawn.patches
        for effect in patch.effects:
            assert complete(effect.name, effect.parameters) == effect.parameters
        assert len(patch.effects) <= 4
        assert -3 <= patch.gain_db <= 3
        assert drawn.timing_ms <= 8
        if who.family in ("drums", "bass"):
            assert patch.pan == 0


def test_ready_racks_say_what_they_are_about() -> None:
    told = ready()
    assert set(told) >= {"default", "studio"}
    assert all(len(about) > 20 for about in told.values())


# --- mistakes ---

BEGIN = "name: n\nabout: a\n"
ONE = BEGIN + "instruments:\n"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "bad.yaml is empty; write name"),
        ("[a]", "line 1: a list stands where a map is wanted, with name, about, instruments"),
        (BEGIN, "line 1: instruments is missing; add it."),
        (BEGIN + "instrument: []", "line 3, instrument: there is no key 'instrument' here; did you mean instruments?"),
        (BEGIN + "instruments: []", "line 3, instruments: this list is empty; write the instruments into it"),
        (BEGIN + "instruments: all", "line 3, instruments: 'all' stands where a list is wanted: the instruments"),
        (BEGIN + "name: b", "line 3: 'name' stands here twice"),
        (ONE + " - {name: x}", "line 4, instruments[1]: an instrument plays either a `font` or a `plugin`"),
        (ONE + " - {font: auto}", "instruments[1]: name is missing"),
        (ONE + " - {name: x, font: no.sf2}", "line 4, instruments[1].font: there is no SoundFont at "),
        (ONE + " - {name: x, font: bad.yaml}", "is not a SoundFont"),
        (ONE + " - {name: x, font: ~nobody-of-this-name/x.sf2}", "there is no SoundFont at "),
        (ONE + " - {name: x, font: auto, synth: fluid}", "instruments[1].synth: there is no synth 'fluid'; there are: "),
        (ONE + " - {name: x, font: auto, engine: dawdreamer}", "engine has no meaning for a font"),
        (ONE + " - {name: x, font: auto, program: 128}", "'128' stands where a number from 0 to 127 is wanted"),
        (ONE + " - {name: x, font: auto, program: [0, 3]}", "a program is a whole number; write one, or several as {one_of"),
        (ONE + " - {name: x, font: auto, weight: 0}", "'0' stands where a number from 0.001 to 1000 is wanted"),
        (ONE + " - {name: x, font: auto, weight: .inf}", "'.inf' stands where a number"),
        (ONE + " - {name: x, font: auto, weight: nan}", "'nan' stands where a number"),
        (ONE + " - {name: x, font: auto, gain_db: '3'}", "'3' stands where a number"),
        (ONE + " - {name: x, font: auto, pan: [1, -1]}", "goes from 1 down to -1; write the lower number first"),
        (ONE + " - {name: x, font: auto, pan: [0, 0.5, 1]}", "a range has two numbers, not 3"),
        (ONE + " - {name: x, font: auto, pan: {log: [0, 1]}}", "a range of ratios begins above 0"),
        (ONE + " - {name: x, font: auto, pan: {one_of: [0, 1], weights: [1]}}", "there are 1 weights for 2 numbers"),
        (
            ONE + " - {name: x, font: auto, pan: {one_of: []}}",
            "instruments[1].pan.one_of: this list is empty; write numbers into it",
        ),
        (ONE + " - {name: x, font: auto, pan: {one_of: [0], weights: [0]}}", "all weights are 0"),
        (ONE + " - {name: x, font: auto}\n - {name: x, font: auto}", "line 5, instruments[2]: the name 'x' stands twice"),
        (ONE + " - {name: x, font: auto, for: {family: bass}}", "there is no key 'family' here; did you mean families?"),
        (ONE + " - {name: x, font: auto, for: {families: guitars}}", "'guitars' is not known here; did you mean guitar?"),
        (ONE + " - {name: x, font: auto, for: {programs: 3-1}}", "'3-1' is no number or range from 0 to 127; write 5 or 0-3"),
        (ONE + " - {name: x, font: auto, for: {programs: [0-999999]}}", "is no number or range from 0 to 127"),
        (ONE + " - {name: x, font: auto, for: {drums: yes, families: bass}}", "'yes' stands where true or false is wanted"),
        (ONE + " - {name: x, font: auto, for: {drums: true, families: bass}}", "no part can meet these conditions together"),
        (ONE + " - {name: x, plugin: no.vst3}", "there is no plug-in at "),
        (ONE + " - {name: x, font: /dev/zero}", "the SoundFont /dev/zero is not a regular file"),
        (ONE + " - {name: x, plugin: /dev/zero}", "/dev/zero is not a regular file"),
        (ONE + ' - {name: "\\ud800", font: auto}', "has characters that cannot be printed"),
        (ONE + ' - {name: "\\u001b[31m", font: auto}', "'\\x1b[31m' has characters that cannot be printed"),
        (ONE + " - {name: " + "x" * 501 + ", font: auto}", "a text of 501 characters is too long; 500 are the most"),
        (ONE + " - {name: x", "line 4: this is not valid YAML"),
        ("a: &a [b]\nc: *a", "line 2: `*` stands for a value from elsewhere in the file"),
        ("[" * 100_000, "line 1: values lie more than 12 deep"),
        ("[" + "a," * 30_000, "line 1: there are more than 20,000 values"),
        ("#" * 200_000, "bad.yaml has more than 131,072 bytes"),
        ("name: \0", "bad.yaml is not valid YAML (special characters are not allowed)"),
        ("!!python/object/apply:os.abort []", "a list stands where a map is wanted"),
    ],
    ids=lambda text: text[-40:] if text.isprintable() else None,
)
def test_a_mistake_is_told_in_one_sentence_with_its_place(tmp_path: Path, text: str, sentence: str) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UserError) as told:
        read(path)
    assert sentence in str(told.value)
    assert str(told.value).isprintable()
    assert len(str(told.value)) < 500


FINE = ONE + " - {name: x, font: auto}\n"


@pedalboard
@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("effects: [{always: [reverb]}]", "effects[1].always[1]: an effect is written as {effect: reverb"),
        ("effects: [{always: [{effect: rewerb}]}]", "'rewerb' is not known here; did you mean reverb?"),
        ("effects: [{always: [{effect: reverb, room: 1}]}]", "there is no key 'room' here; did you mean room_size?"),
        ("effects: [{always: [{effect: reverb, weight: 2}]}]", "there is no key 'weight' here"),
        ("effects: [{always: [{effect: delay, seconds: [0.1, 5]}]}]", "'5' stands where a number from 0.01 to 2 is wanted"),
        ("effects: [{chain: [{effect: delay}]}]", "`how_many` and `chain` need each other"),
        ("effects: [{chain: [{effect: delay}], how_many: [0, 0, 1]}]", "2 effects cannot be drawn from 1; shorten it"),
        ("effects: [{chain: [{effect: delay}], how_many: [0, 0]}]", "all weights are 0"),
        ("humanise: [{for: {drums: true}}]", "there is neither `timing_ms` nor `velocity`"),
        ("humanise: [{timing_ms: [0, 500]}]", "'500' stands where a number from 0 to 50 is wanted"),
    ],
)
def test_a_mistake_in_effects_or_playing_is_told_as_well(tmp_path: Path, text: str, sentence: str) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(FINE + text, encoding="utf-8")
    with pytest.raises(UserError, match=r"^bad\.yaml, line 5, ") as told:
        read(path)
    assert sentence in str(told.value)


@pytest.mark.parametrize(
    "name", ["studoi", "x" * 100_000, "\x1b[31m", "\ud800.yaml", "a\0.yaml", "nowhere/at/all.yaml", "/.yaml"]
)
def test_a_rack_that_is_not_there_is_told_in_one_printable_sentence(name: str) -> None:
    with pytest.raises(UserError) as told:
        read(name)
    assert str(told.value).isprintable()
    assert len(str(told.value)) < 500


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir])
def test_what_may_never_end_is_not_read(tmp_path: Path, make: Callable[[Path], None]) -> None:
    make(tmp_path / "odd.yaml")
    with pytest.raises(UserError, match="cannot be read: it is not a regular file"):
        read(tmp_path / "odd.yaml")


@pedalboard
@pytest.mark.skipif(not ZAM.exists(), reason="no ZamDelay.vst3: install zam-plugins")
def test_a_preset_that_may_never_end_is_not_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "odd.vstpreset")
    with pytest.raises(UserError, match=r"odd\.vstpreset' cannot be read \(it is not a regular file\)"):
        rack(tmp_path, f"  - {{name: one, plugin: {ZAM}, preset: odd.vstpreset}}")


@given(st.binary(max_size=300) | st.text(max_size=300).map(lambda text: (FINE + text).encode("utf-8", "surrogatepass")))
def test_any_bytes_are_a_rack_or_one_sentence(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "any.yaml"
    path.write_bytes(data)
    said = ""
    try:
        read(path)
    except UserError as error:
        said = str(error)
    assert said.isprintable()


# --- the page about racks ---

PAGE = Path(__file__).parents[2] / "docs" / "racks.md"


@pedalboard
def test_the_example_of_the_page_is_a_rack_and_its_mistake_is_told_so(tmp_path: Path) -> None:
    example = PAGE.read_text("utf-8").split("```yaml\n")[1].split("```")[0]
    path = tmp_path / "club.yaml"
    path.write_text(example, encoding="utf-8")
    club = read(path)
    bass = [club.draw(Who(33, role="bass"), random.Random(seed)).patches for seed in range(1000)]
    assert near(sum(patches[0].instrument == "square-bass" for patches in bass), 1000, 0.75)
    path.write_text(example.replace("threshold_db", "treshold_db"), encoding="utf-8")
    with pytest.raises(UserError) as told:
        read(path)
    assert str(told.value) in PAGE.read_text("utf-8")


def test_the_page_names_every_effect_with_its_ranges() -> None:
    rows = {line.split("`")[1]: line for line in PAGE.read_text("utf-8").splitlines() if line.startswith("| `")}
    for name, known in EFFECTS.items():
        for key, kind in known.items():
            assert f"`{key}` {kind.low:g} to {kind.high:g} ({kind.default:g})" in rows[name]
