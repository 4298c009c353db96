"""Files of examples: cut when they are asked for, once, to the frame; never a file of another place."""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from motet import Dataset, midi, render
from motet.clips import clip_audio, clip_midi
from motet.errors import UserError
from motet.explorer.cuts import Cut, Cuts, NotThere
from motet.explorer.held import Held
from motet.explorer.voices import stored_path, whole_path
from toys import explored

ROOM = 1 << 30


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return explored.rendered(tmp_path_factory.mktemp("cuts"))


@pytest.fixture(scope="module")
def dataset(folder: Path) -> Dataset:
    return Dataset(folder)


@pytest.fixture(scope="module")
def clips(dataset: Dataset) -> list[str]:
    return [id for (id,) in dataset.query("SELECT id FROM clips ORDER BY start").fetchall()]


@pytest.fixture
def cuts(dataset: Dataset, tmp_path: Path) -> Cuts:
    return Cuts(dataset, tmp_path / "cuts", ROOM)


def test_a_mix_is_cut_to_the_frame(dataset: Dataset, clips: list[str], cuts: Cuts) -> None:
    cut = cuts.get(clips[1], "mix")
    heard, rate = render.decode(cut.path)
    wanted, _ = clip_audio(dataset, clips[1])
    assert (rate, cut.mime, cut.path.suffix) == (16000, "audio/flac", ".flac")
    assert np.array_equal(heard, wanted)


def test_stems_together_are_the_mix(clips: list[str], cuts: Cuts) -> None:
    mix, _ = render.decode(cuts.get(clips[1], "mix").path)
    together = sum(render.decode(cuts.get(clips[1], f"stem-{index}").path)[0] for index in range(3))
    assert np.abs(together - mix).max() < 4 / 32768  # each is rounded to 16 bits


def test_notes_are_cut_as_the_clip_s_are(dataset: Dataset, clips: list[str], cuts: Cuts) -> None:
    assert cuts.get(clips[1], "midi").path.read_bytes() == clip_midi(dataset, clips[1])
    parts = [midi.read(cuts.get(clips[1], f"stem-{index}.mid").path.read_bytes()) for index in range(3)]
    assert sum(len(part.notes) for part in parts) == len(midi.read(clip_midi(dataset, clips[1])).notes)


def test_mp3_is_smaller_and_as_long(dataset: Dataset, clips: list[str], tmp_path: Path, cuts: Cuts) -> None:
    small = Cuts(dataset, tmp_path / "mp3", ROOM, form="mp3").get(clips[1], "mix")
    large = cuts.get(clips[1], "mix")
    assert (small.mime, small.path.suffix) == ("audio/mpeg", ".mp3")
    heard, rate = render.decode(small.path)
    assert (len(heard), rate) == (len(render.decode(large.path)[0]), 16000)
    assert small.path.stat().st_size < large.path.stat().st_size


def test_names_say_which_it_is(clips: list[str], cuts: Cuts) -> None:
    names = [cuts.get(id, what).filename for id in clips for what in ("mix", "midi", "stem-0", "stem-0.mid", "stem-1")]
    assert len(set(names)) == len(names)
    assert all("t000 c00" in name and "/" not in name for name in names)


def test_whoever_asks_for_what_is_being_cut_waits_for_it(dataset: Dataset, clips: list[str], tmp_path: Path) -> None:
    class Counted(Cuts):
        made = 0

        def _cut(self, held: Held, what: str) -> Cut:
            self.made += 1
            return super()._cut(held, what)

    cuts = Counted(dataset, tmp_path, ROOM)
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda _: cuts.get(clips[0], "mix"), range(24)))
    assert (cuts.made, len(set(found))) == (1, 1)
    assert [file.name for file in tmp_path.iterdir()] == [found[0].path.name]


def test_many_ask_for_many(dataset: Dataset, clips: list[str], tmp_path: Path, cuts: Cuts) -> None:
    asked = [(id, f"stem-{index}") for id in clips for index in range(3)] * 3
    with ThreadPoolExecutor(8) as threads:
        found = dict(zip(asked, threads.map(lambda one: cuts.get(*one).path.read_bytes(), asked), strict=True))
    again = Cuts(dataset, tmp_path / "again", ROOM)
    assert all(again.get(*one).path.read_bytes() == data for one, data in found.items())


def test_the_least_recently_asked_goes_when_there_is_no_room(dataset: Dataset, clips: list[str], tmp_path: Path) -> None:
    whole = Cuts(dataset, tmp_path / "whole", ROOM)
    sizes = {what: whole.get(clips[0], what).path.stat().st_size for what in ("mix", "stem-0", "stem-2")}
    tight = Cuts(dataset, tmp_path / "tight", sizes["mix"] + max(sizes["stem-0"], sizes["stem-2"]))
    mix, first = tight.get(clips[0], "mix").path, tight.get(clips[0], "stem-0").path
    tight.get(clips[0], "mix")
    last = tight.get(clips[0], "stem-2").path
    assert (mix.exists(), first.exists(), last.exists()) == (True, False, True)
    assert tight.get(clips[0], "stem-0").path.stat().st_size == sizes["stem-0"], "it is cut again"


def test_what_was_cut_before_is_found_again_and_leftovers_go(dataset: Dataset, clips: list[str], tmp_path: Path) -> None:
    before = Cuts(dataset, tmp_path, ROOM).get(clips[0], "mix").path
    touched = before.stat().st_mtime_ns
    (tmp_path / "0123.part").write_bytes(b"half")
    after = Cuts(dataset, tmp_path, ROOM).get(clips[0], "mix").path
    assert (after, after.stat().st_mtime_ns, (tmp_path / "0123.part").exists()) == (before, touched, False)


@pytest.mark.parametrize(
    ("what", "sentence"),
    [
        ("video", "This example has no video."),
        ("film-sound", "This example has no film-sound."),
        ("stem-9", "This example has no stem-9."),
        ("stem-9.mid", "This example has no stem-9.mid."),
        ("stem-00", "This example has no stem-00."),
        ("../../motet.yaml", "There is nothing called '../../motet.yaml'"),
        ("", "There is nothing called ''"),
        ("x" * 5000, "There is nothing called"),
        ("stem-0.mid\n", "There is nothing called"),
        ("stem-١", "There is nothing called"),
    ],
)
def test_a_voice_that_is_not_there_is_a_sentence(clips: list[str], cuts: Cuts, what: str, sentence: str) -> None:
    with pytest.raises(NotThere) as told:
        cuts.get(clips[0], what)
    assert str(told.value).startswith(sentence)
    assert len(str(told.value)) < 200


@pytest.mark.parametrize(
    "id", ["", "nobody", "0123456789abcdef.t000.c000", "'; DROP TABLE clips; --", "../..", "\ud800", "a\x00b", "x" * 5000]
)
def test_an_example_that_is_not_there_is_a_sentence(cuts: Cuts, id: str) -> None:
    with pytest.raises(NotThere, match="no example of this id"):
        cuts.get(id, "mix")


@pytest.fixture
def copy(folder: Path, tmp_path: Path) -> Dataset:
    return Dataset(Path(shutil.copytree(folder, tmp_path / "copy", symlinks=True)))


@pytest.mark.parametrize("what", ["mix", "midi", "stem-0", "stem-0.mid"])
def test_media_that_are_gone_are_a_sentence_and_leave_nothing(copy: Dataset, clips: list[str], tmp_path: Path, what: str) -> None:
    shutil.rmtree(copy.folder / "media")
    with pytest.raises(NotThere, match="motet check --repair") as told:
        Cuts(copy, tmp_path / "cuts", ROOM).get(clips[0], what)
    assert str(copy.folder) not in str(told.value)
    assert list((tmp_path / "cuts").iterdir()) == []


@pytest.mark.parametrize("what", ["mix", "midi", "stem-0", "stem-0.mid"])
def test_damaged_media_are_a_sentence_and_leave_nothing(copy: Dataset, clips: list[str], tmp_path: Path, what: str) -> None:
    for file in (copy.folder / "media").rglob("*.*"):
        file.write_bytes(file.read_bytes()[: file.stat().st_size // 3])
    with pytest.raises(NotThere, match="motet check --repair"):
        Cuts(copy, tmp_path / "cuts", ROOM).get(clips[1], what)
    assert list((tmp_path / "cuts").iterdir()) == []


def test_a_cut_that_has_no_room_on_the_disk_is_a_sentence(dataset: Dataset, clips: list[str], tmp_path: Path) -> None:
    cuts = Cuts(dataset, tmp_path / "cuts", ROOM)
    shutil.rmtree(tmp_path / "cuts")
    (tmp_path / "cuts").write_text("in the way")
    with pytest.raises(UserError, match="No sound can be cut"):
        cuts.get(clips[0], "mix")


ELSEWHERE = ["../../../../etc/hostname", "/etc/hostname", "motet.yaml", "media", "media/../motet.yaml", "media/a\x00b"]


@pytest.mark.parametrize("reference", ELSEWHERE)
def test_no_file_outside_the_media_is_given(dataset: Dataset, reference: str) -> None:
    with pytest.raises(NotThere, match="is gone"):
        stored_path(dataset, reference)


def test_a_link_that_leads_out_of_the_media_is_not_followed(copy: Dataset, tmp_path: Path) -> None:
    (tmp_path / "secret.flac").write_bytes(b"secret")
    (copy.folder / "media" / "out.flac").symlink_to(tmp_path / "secret.flac")
    with pytest.raises(NotThere):
        stored_path(copy, "media/out.flac")


def test_a_stored_file_is_given_as_it_lies_if_it_is_whole(copy: Dataset, clips: list[str]) -> None:
    ((reference,),) = copy.query("SELECT midi FROM stems WHERE index = 0").fetchall()
    assert whole_path(copy, reference) == copy.folder / reference
    (copy.folder / reference).write_bytes(b"other")
    with pytest.raises(NotThere, match="is damaged"):
        whole_path(copy, reference)


@pytest.mark.slow
def test_parts_of_a_song_are_given_without_a_copy(tmp_path: Path) -> None:
    dataset = Dataset(explored.symbolic(tmp_path))
    ((id, reference),) = dataset.query("SELECT source, midi FROM parts WHERE index = 0").fetchall()
    cuts = Cuts(dataset, tmp_path / "cuts", ROOM)
    assert cuts.get(id, "stem-0.mid").path == dataset.folder / reference
    assert list((tmp_path / "cuts").iterdir()) == []
    assert len(midi.read(cuts.get(id, "midi").path.read_bytes()).notes) == 3 * 4 * explored.BARS
