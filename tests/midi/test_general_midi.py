"""The instruments of General MIDI: every program has a name, a family and a class, and drums are drums."""

from motet.midi.general_midi import DRUM_KITS, DRUMS, FAMILIES, PROGRAMS, drum_kit, family, instrument, slakh_class


def test_sixteen_families_of_eight_programs() -> None:
    assert len(PROGRAMS) == 128
    assert [family(program) for program in range(128)] == [name for name in FAMILIES for _ in range(8)]
    assert (family(33), family(48), family(88), family(119)) == ("bass", "ensemble", "synth pad", "percussive")


def test_drums_have_no_program_but_a_kit() -> None:
    assert {instrument(program, is_drum=True) for program in DRUM_KITS} == {DRUMS}
    assert family(40, is_drum=True) == DRUMS
    assert (drum_kit(0), drum_kit(40), drum_kit(25), drum_kit(3)) == ("standard kit", "brush kit", "TR-808 kit", "drum kit")


def test_slakh_classes_are_written_as_slakh_writes_them() -> None:
    # Program and inst_class of stems in the metadata of Track00001.
    stems = {30: "Guitar", 1: "Piano", 33: "Bass", 52: "Strings (continued)", 17: "Organ", 103: "Sound Effects"}
    assert {program: slakh_class(program) for program in stems} == stems
    assert slakh_class(0, is_drum=True) == "Drums"
