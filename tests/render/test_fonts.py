"""Which SoundFont is played, and which are refused before a synth sees them."""

import os
import struct
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from motet.render import FontError, find, load
from render.notation import note, part


def tiny_font(
    info: bytes = b"",
    sample_end: int = 64,
    instrument: int = 0,
    samples: int = 64,
    rom: tuple[int, int] | None = None,
    vorbis: bytes = b"",
    sdta: Callable[[bytes], bytes] = lambda smpl: smpl,
) -> bytes:
    """A complete SoundFont of one preset and one short sample.

    `rom` is from where to where a second sample reaches, on the keys above 60, in a sound card's memory; `vorbis` is a
    compressed sample in place of the plain one, and `sdta` makes of their chunk what their list holds. An odd list is not padded.
    """

    def chunk(tag: bytes, data: bytes) -> bytes:
        return tag + struct.pack("<I", len(data)) + data + b"\0" * (len(data) & 1)

    def preset(name: bytes, bag: int) -> bytes:
        return struct.pack("<20sHHHIII", name, 0, 0, bag, 0, 0, 0)

    def unpadded(tag: bytes, data: bytes) -> bytes:
        return tag + struct.pack("<I", len(data)) + data

    def sample(name: bytes, end: int, start: int = 0, kind: int = 1) -> bytes:
        return struct.pack("<20sIIIIIBbHH", name, start, end, start + 8, max(end - 8, 0), 44100, 60, 0, 0, kind)

    def zone(low: int, high: int, played: int) -> bytes:
        return struct.pack("<6H", 43, low | high << 8, 54, 1, 53, played)

    wave = struct.pack(f"<{samples}h", *(8000 if i % 16 < 8 else -8000 for i in range(samples)))
    hydra = (
        chunk(b"phdr", preset(b"Square", 0) + preset(b"EOP", 1))
        + chunk(b"pbag", struct.pack("<4H", 0, 0, 1, 0))
        + chunk(b"pmod", bytes(10))
        + chunk(b"pgen", struct.pack("<4H", 41, instrument, 0, 0))
        + chunk(b"inst", struct.pack("<20sH20sH", b"Square", 0, b"EOI", 1 if rom is None else 2))
        + chunk(b"ibag", struct.pack("<4H", 0, 0, 3, 0) if rom is None else struct.pack("<6H", 0, 0, 3, 0, 6, 0))
        + chunk(b"imod", bytes(10))
        + chunk(b"igen", zone(0, 60, 0) + (zone(61, 127, 1) if rom else b"") + bytes(4))
        + chunk(
            b"shdr",
            sample(b"Square", len(vorbis) or sample_end, 0, 0x11 if vorbis else 1)
            + (sample(b"Rom", rom[1], rom[0], 0x8001) if rom else b"")
            + sample(b"EOS", 0),
        )
    )
    lists = chunk(b"LIST", b"INFO" + info) + unpadded(b"LIST", b"sdta" + sdta(unpadded(b"smpl", vorbis or wave)))
    return unpadded(b"RIFF", b"sfbk" + lists + chunk(b"LIST", b"pdta" + hydra))


def text(tag: bytes, words: bytes) -> bytes:
    return tag + struct.pack("<I", len(words) + len(words) % 2) + words + b"\0" * (len(words) % 2)


def refusal(path: Path) -> str:
    with pytest.raises(FontError) as caught:
        find(str(path))
    assert str(path) in caught.value.detail
    return caught.value.reason


def test_auto_is_the_bundled_font_wherever_it_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MOTET_SOUNDFONT", raising=False)
    font = find()
    assert (font.name, font.licence) == ("TimGM6mb", "GPL-2.0")
    assert len(font.sha256) == 64


def test_the_variable_names_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "mine.sf2"
    path.write_bytes(tiny_font(text(b"INAM", b"My Squares\0")))
    monkeypatch.setenv("MOTET_SOUNDFONT", str(path))
    assert find().name == "My Squares"
    monkeypatch.setenv("MOTET_SOUNDFONT", str(tmp_path / "gone.sf2"))
    with pytest.raises(FontError, match=r"gone\.sf2") as caught:
        find()
    assert caught.value.reason == "missing"


@pytest.mark.parametrize(
    "name, info, licence",
    [
        ("squares", b"", "unknown"),
        ("squares", text(b"ICOP", b"Public Domain\0"), "Public Domain"),
        ("squares", text(b"ICMT", b"Made on a\r\nrainy day\0"), "unknown"),
        ("squares", text(b"ICMT", b"Licence: CC0\r\n\0"), "Licence: CC0"),
        ("FluidR3_GM", b"", "MIT"),
        ("x", text(b"INAM", b"MuseScore_General_Lite\0"), "MIT"),
    ],
)
def test_the_licence_is_known_or_read_or_unknown(tmp_path: Path, name: str, info: bytes, licence: str) -> None:
    path = tmp_path / f"{name}.sf2"
    path.write_bytes(tiny_font(info))
    assert find(str(path)).licence == licence


def test_a_small_font_plays(tmp_path: Path) -> None:
    path = tmp_path / "squares.sf2"
    path.write_bytes(tiny_font())
    (audio,) = load(find(str(path)), 22050).render([part(note(0, 480, 60))])
    assert abs(audio).max() > 0.05


def test_a_font_without_the_instrument_says_so(tmp_path: Path) -> None:
    """It has one program and no drums: nothing else is played in their place."""
    path = tmp_path / "squares.sf2"
    path.write_bytes(tiny_font())
    synth = load(find(str(path)), 22050)
    for messages, lacking in (([(0, b"\xc0\x49"), *note(0, 9, 60)], "program 73"), (note(0, 9, 38, 9, 9), "drum kit")):
        with pytest.raises(FontError, match=lacking) as caught:
            list(synth.render([part(messages)]))
        assert caught.value.reason == "no_preset"


def test_a_list_of_odd_size_needs_no_pad_byte(tmp_path: Path, engine: str) -> None:
    """As common fonts with compressed samples have it: the next list follows at once. A plain sample has two bytes."""
    ogg = BytesIO()
    soundfile.write(ogg, 0.25 * np.sign(np.sin(np.arange(1, 4096) / 8)), 22050, format="OGG", subtype="VORBIS")
    sample = ogg.getvalue()
    sample += bytes(1 - len(sample) % 2)
    path = tmp_path / "odd.sf3"
    path.write_bytes(tiny_font(vorbis=sample))
    assert sample + b"LIST" in path.read_bytes()
    (audio,) = load(find(str(path)), 22050, synth=engine).render([part(note(0, 480, 60))])
    assert abs(audio).max() > 0.05
    path.write_bytes(tiny_font(sdta=lambda smpl: b"smpl" + struct.pack("<I", 129) + smpl[8:] + b"\1"))
    assert refusal(path) == "damaged"


@pytest.mark.parametrize("rom", [(0, 1000), (40, 2**32 - 1), (1000, 2000), (2**32 - 100, 2**32 - 1), (2**31, 0), (1000, 40)])
def test_a_sample_in_a_sound_cards_memory_lies_elsewhere(tmp_path: Path, engine: str, rom: tuple[int, int]) -> None:
    """No synth has that memory; what else the font holds plays."""
    path = tmp_path / "rom.sf2"
    path.write_bytes(tiny_font(rom=rom))
    player = load(find(str(path)), 22050, synth=engine)
    own, elsewhere = player.render([part(note(0, 480, 60)), part(note(0, 480, 72))])
    assert abs(own).max() > 0.05
    assert abs(elsewhere).max() <= 1
    raw = path.read_bytes()
    path.write_bytes(raw.replace(struct.pack("<HH", 0, 0x8001), struct.pack("<HH", 0, 0x8011)))
    assert refusal(path) == "damaged"  # compressed samples are always in the file


@pytest.mark.parametrize(
    "sdta",
    [
        lambda smpl: smpl + smpl,
        lambda smpl: smpl + b"pdta",
        lambda smpl: smpl + b"\0abc" + bytes(4),
        lambda smpl: smpl + b"RIFF" + bytes(4),
        lambda smpl: smpl + b"LIST" + bytes(4),
        lambda smpl: b"sm24" + struct.pack("<I", 1) + b"\1" + smpl,
    ],
)
def test_a_font_that_can_be_read_in_two_ways_is_refused(tmp_path: Path, sdta: Callable[[bytes], bytes]) -> None:
    path = tmp_path / "two.sf2"
    path.write_bytes(tiny_font(sdta=sdta))
    assert refusal(path) == "damaged"


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir, lambda path: path.symlink_to("/dev/zero")])
def test_what_may_never_end_is_not_read(tmp_path: Path, make: Callable[[Path], None]) -> None:
    make(tmp_path / "odd.sf2")
    with pytest.raises(FontError, match=r"odd\.sf2 is not a regular file"):
        find(str(tmp_path / "odd.sf2"))


def test_more_than_a_font_can_hold_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "huge.sf2"
    with path.open("wb") as file:
        file.truncate(2**32 + 9)
    with pytest.raises(FontError, match="holds 4,294,967,305 bytes: a SoundFont has at most 4 GiB") as caught:
        find(str(path))
    assert caught.value.reason == "not_a_soundfont"


def test_what_is_no_font_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "font.sf2"
    assert refusal(path) == "missing"
    assert refusal(Path("~nobody-of-this-name/font.sf2")) == "missing"
    assert refusal(tmp_path) == "unreadable"
    path.write_bytes(b"<!DOCTYPE html><title>404</title>")
    assert refusal(path) == "not_a_soundfont"
    path.write_bytes(b"")
    assert refusal(path) == "not_a_soundfont"
    path.write_bytes(tiny_font(instrument=7))
    assert refusal(path) == "damaged"
    path.write_bytes(tiny_font(sample_end=1000))
    assert refusal(path) == "damaged"
    path.write_bytes(tiny_font(samples=0))
    assert refusal(path) == "damaged"


@given(st.integers(12, len(tiny_font()) - 1))
def test_a_font_cut_off_anywhere_is_truncated(tmp_path_factory: pytest.TempPathFactory, length: int) -> None:
    path = tmp_path_factory.getbasetemp() / "cut.sf2"
    path.write_bytes(tiny_font()[:length])
    assert refusal(path) == "truncated"


@settings(max_examples=150)
@given(st.data())
def test_a_font_with_any_byte_changed_is_refused_or_plays(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    raw = bytearray(tiny_font())
    tables = raw.index(b"pdta")
    raw[data.draw(st.integers(tables, len(raw) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.getbasetemp() / "changed.sf2"
    path.write_bytes(raw)
    reason = "none"
    try:
        load(find(str(path)), 22050)
    except FontError as error:
        reason = error.reason
    assert reason in {"none", "truncated", "damaged"}
