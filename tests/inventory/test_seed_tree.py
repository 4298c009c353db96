"""Somebody's 52 GB, of which a list made by counting files was wrong: the inventory answers every question of that list."""

from __future__ import annotations

import json
import re
import shlex
import shutil
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from inventory import seed_tree as tree
from motet.cli import main
from motet.inventory import settings
from motet.inventory.findings import Derived, Holding, Inventory
from motet.inventory.looking import look

EXPECTED = {
    "groove": "kelly-audio-data/raw/grooves/groove_midi",
    "lakh-full": "kelly-audio-data/raw/chord_progressions",
    "maestro": "kelly-audio-data/raw/melodies/maestro",
    "musicnet": "kelly-audio-data/raw/melodies/musicnet",
    "ravdess-speech": "kelly-audio-data/raw/emotions/ravdess",
    "crema-d": "kelly-audio-data/raw/emotions/cremad",
    "tess": "kelly-audio-data/raw/emotions/tess",
    "gtzan": "kelly-audio-data/raw/emotions/gtzan",
}
WHO = "Sean: 168 GB, and we train on no classical music"
ASKED = ("groove", "lakh-full", "maestro", "musicnet", "ravdess-speech", "crema-d", "tess", "gtzan")
LARGE = ("fma-full", "fma-large", "mtg-jamendo", "nsynth", "musicnet")
LACKED = "drummer3/session1/"


@dataclass(frozen=True)
class Disks:
    """Four roots: the data, two drives of which one is not attached, and the music of the home folder."""

    data: Path
    ssd: Path
    away: Path
    music: Path
    settings: Path
    lacking: str  # what the copy of Groove on the drive lacks

    @property
    def kelly(self) -> Path:
        return self.data / "kelly-audio-data"


def settle(disks: Disks, **more: dict[str, str]) -> Path:
    tables = {"expected": EXPECTED, "excluded": {"musicnet": WHO}} | more
    lines = ["roots = " + json.dumps([str(root) for root in (disks.data, disks.ssd, disks.away, disks.music)])]
    for table, entries in tables.items():
        lines += [f"[{table}]", *(f"{key} = {json.dumps(value)}" for key, value in entries.items())]
    disks.settings.write_text("\n".join(lines) + "\n")
    return disks.settings


def disks_in(folder: Path, *, one_lakh_folder: bool = False) -> Disks:
    data = tree.data_disk(folder / "RECOVERY_OPS" / "AUDIO_MIDI_DATA", one_lakh_folder=one_lakh_folder)
    groove = tree.groove()
    lacking = next(path for path in groove if path.startswith(LACKED))
    del groove[lacking]
    ssd = folder / "Volumes" / "Extreme SSD" / "kmidi_audio_data"
    tree.write(ssd / "raw" / "grooves" / "groove", groove)
    music = tree.write(folder / "Music", {"iTunes/A/B/01 Song.wav": tree.wave(1), "iTunes/A/B/02 Song.wav": tree.wave(2)})
    disks = Disks(data, ssd, folder / "Volumes" / "sbdrive" / "kmidi_audio_data", music, folder / "roots.toml", lacking)
    settle(disks)
    return disks


@pytest.fixture(scope="session")
def disks(tmp_path_factory: pytest.TempPathFactory) -> Disks:
    return disks_in(tmp_path_factory.mktemp("seed"))


@pytest.fixture(scope="session")
def seen(disks: Disks, tmp_path_factory: pytest.TempPathFactory) -> Inventory:
    return look(chosen=settings.read(disks.settings), cache=tmp_path_factory.mktemp("memory"))


@pytest.fixture(scope="session")
def reports(disks: Disks, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("report")
    assert main(["inventory", "report", "--settings", str(disks.settings), "--to", str(folder)]) == 0
    return folder


@pytest.fixture(scope="session")
def written(reports: Path) -> dict[str, Any]:
    (file,) = reports.glob("*.json")
    told: dict[str, Any] = json.loads(file.read_text())
    return told


@pytest.fixture(scope="session")
def markdown(reports: Path) -> str:
    (file,) = reports.glob("*.md")
    return file.read_text()


def holding(seen: Inventory, name: str) -> Holding:
    (found,) = (one for one in seen.holdings if one.dataset.name == name)
    return found


def made(seen: Inventory, kind: str) -> list[Derived]:
    everything = {one.where: one for one in [*seen.derived, *(d for h in seen.holdings for d in h.derived)] if one.kind == kind}
    return list(everything.values())


def row(written: dict[str, Any], name: str) -> dict[str, Any]:
    (found,) = (one for one in written["datasets"] if one["name"] == name)
    assert isinstance(found, dict)
    return found


def advised(written: dict[str, Any], name: str) -> list[dict[str, Any]]:
    return [one for one in written["advice"] if one["dataset"] == name]


def table_row(markdown: str, name: str) -> str:
    section = markdown.split("\n## Datasets\n")[1].split("\n## ")[0]
    (line,) = (line for line in section.splitlines() if re.search(rf"^\| \**{name}\** \|", line))
    return line


# Total size: 52 GB


def test_every_file_and_every_byte_is_counted(disks: Disks, seen: Inventory) -> None:
    counted = [tree.size_of(root) for root in (disks.data, disks.ssd, disks.music)]
    assert (seen.files, seen.bytes) == (sum(files for files, _ in counted), sum(octets for _, octets in counted))


def test_the_report_gives_the_total_in_words(markdown: str, written: dict[str, Any]) -> None:
    assert "52 GB" in markdown
    assert 52_000_000_000 <= written["totals"]["bytes"] < 52_100_000_000


# Directory structure: kelly-audio-data/ and SSD_Transfer/


def test_a_large_folder_of_no_dataset_is_named_with_its_size(disks: Disks, seen: Inventory, markdown: str) -> None:
    (transfer,) = (one for one in seen.unknown if one.where.startswith(str(disks.data / "SSD_Transfer")))
    assert (transfer.files, transfer.bytes) == (tree.TAKES, tree.TAKES * tree.TAKE_BYTES)
    assert "SSD_Transfer" in markdown


def test_what_belongs_to_a_dataset_or_was_made_of_one_is_not_called_unknown(disks: Disks, seen: Inventory) -> None:
    assert [one.where for one in seen.unknown if one.where.startswith(str(disks.kelly))] == []


# Grooves: 1,150 MIDI files, complete


def test_groove_is_complete_with_1150_tunes_in_its_place(disks: Disks, seen: Inventory) -> None:
    groove = holding(seen, "groove")
    assert groove.state == "complete"
    assert groove.best is not None
    assert groove.best.where == str(disks.kelly / "raw/grooves/groove_midi/groove")
    (midi,) = (part for part in groove.best.parts if part.part == "midi")
    assert (midi.present, midi.expected, dict(midi.faulty), dict(midi.lacking)) == (1_150, 1_150, {}, {})
    assert groove.best.version == "1.0.0"


def test_a_dataset_below_the_place_where_it_is_expected_is_not_elsewhere(seen: Inventory) -> None:
    best = holding(seen, "groove").best
    assert best is not None
    assert "elsewhere" not in best.also
    assert "renamed" not in best.also


def test_the_report_says_groove_is_complete(markdown: str, written: dict[str, Any]) -> None:
    assert "complete" in table_row(markdown, "groove")
    assert "1,150 of 1,150" in table_row(markdown, "groove")
    assert row(written, "groove")["state"] == "complete"
    assert advised(written, "groove") == []


def test_the_second_groove_on_the_drive_lacks_one_file_which_is_named(disks: Disks, seen: Inventory, markdown: str) -> None:
    groove = holding(seen, "groove")
    assert "twice" in groove.also
    (other,) = (copy for copy in groove.copies if copy.root == str(disks.ssd))
    assert other.state == "partial"
    (midi,) = (part for part in other.parts if part.part == "midi")
    assert (midi.present, midi.missing) == (1_149, (disks.lacking,))
    assert disks.lacking in markdown


# Chord progressions: 10,180 files, "complete", "likely"


def test_ten_thousand_lakh_files_are_a_fragment(disks: Disks, seen: Inventory) -> None:
    lakh = holding(seen, "lakh-full")
    assert lakh.state == "partial"
    assert lakh.best is not None
    assert lakh.best.where == str(disks.kelly / "raw/chord_progressions/lmd_full")
    (midi,) = (part for part in lakh.best.parts if part.part == "midi")
    assert (midi.present, midi.expected) == (tree.LAKH_HERE, tree.LAKH_WHOLE)


def test_the_fragment_is_told_with_its_share_of_the_whole(markdown: str) -> None:
    line = table_row(markdown, "lakh-full")
    assert "partial" in line
    assert "10,180 of 178,561" in line
    assert "5.7 %" in line


def test_the_fragment_belongs_to_one_edition_of_lakh_only(seen: Inventory) -> None:
    assert {
        name: holding(seen, name).state for name in ("lakh-matched", "lakh-aligned", "lakh-clean", "midicaps")
    } == dict.fromkeys(("lakh-matched", "lakh-aligned", "lakh-clean", "midicaps"), "missing")


def test_the_person_is_told_how_to_mend_the_fragment(written: dict[str, Any]) -> None:
    (mend,) = advised(written, "lakh-full")
    assert "motet inventory fetch lakh-full" in mend["command"]
    assert mend["bytes"] == 1_768_163_879


def test_a_fragment_in_one_folder_called_otherwise_is_the_same_fragment(tmp_path: Path) -> None:
    disk = tree.write(tmp_path / "raw" / "chord_progressions", dict(tree.lakh(firsts="b")))
    lakh = holding(look([tmp_path / "raw"], settings.Settings(), cache=tmp_path / "memory"), "lakh-full")
    assert lakh.state == "partial"
    assert lakh.best is not None
    assert lakh.best.where == str(disk)
    assert lakh.best.parts[0].present == tree.LAKH_HERE
    assert "renamed" in lakh.also


def test_a_fragment_without_the_folders_of_digits_is_not_called_complete_or_missed(tmp_path: Path) -> None:
    flat = {path.split("/")[1]: content for path, content in tree.lakh()}
    tree.write(tmp_path / "raw" / "chord_progressions", flat)
    seen = look([tmp_path / "raw"], settings.Settings(), cache=tmp_path / "memory")
    assert holding(seen, "lakh-full").state == "partial"


def test_nothing_is_ever_likely(reports: Path) -> None:
    for file in reports.iterdir():
        assert not re.search(r"\b(un)?likely\b|\bprobably\b|\bmaybe\b(?! tomorrow)", file.read_text(), re.IGNORECASE), file.name


# Melodies: 0 files


def test_maestro_is_missing_and_the_command_gets_it_where_it_is_expected(
    disks: Disks, seen: Inventory, written: dict[str, Any]
) -> None:
    assert holding(seen, "maestro").state == "missing"
    (get,) = (one for one in advised(written, "maestro") if one["priority"] == "high")
    assert get["command"].startswith("motet inventory fetch maestro")
    assert str(disks.kelly / "raw/melodies") in get["command"] or "--to" not in get["command"]
    assert get["bytes"] == 58_416_533


def test_the_commands_use_the_settings_that_the_report_was_made_with(disks: Disks, written: dict[str, Any]) -> None:
    for one in written["advice"]:
        if "--to" not in one["command"] and "--into" not in one["command"]:
            assert str(disks.settings) in one["command"], one


def test_musicnet_is_left_out_on_purpose_and_who_says_so_is_told(seen: Inventory, markdown: str, written: dict[str, Any]) -> None:
    musicnet = holding(seen, "musicnet")
    assert musicnet.state == "excluded"
    assert any(WHO in one.sentence for one in musicnet.evidence)
    assert "excluded" in table_row(markdown, "musicnet")
    assert "Sean" in markdown
    assert advised(written, "musicnet") == []
    assert [one for one in written["actions"] if "musicnet" in one["text"]] == []


def test_a_very_large_dataset_that_nobody_excluded_is_missing_and_of_low_priority(disks: Disks, tmp_path: Path) -> None:
    told = settle(Disks(disks.data, disks.ssd, disks.away, disks.music, tmp_path / "roots.toml", ""), excluded={})
    assert main(["inventory", "report", "--settings", str(told), "--to", str(tmp_path / "report.json")]) == 0
    written = json.loads((tmp_path / "report.json").read_text())
    assert row(written, "musicnet")["state"] == "missing"
    assert {one["priority"] for one in advised(written, "musicnet")} == {"low"}


# Emotions: 0 files; RAVDESS processed


def test_ravdess_is_there_processed_only(disks: Disks, seen: Inventory) -> None:
    found = holding(seen, "ravdess-speech")
    assert found.state == "processed_only"
    (processed,) = (one for one in found.derived if one.kind == "processed")
    assert processed.where == str(disks.kelly / "processed/emotions/ravdess/processed")
    assert (processed.files, processed.dataset) == (tree.RAVDESS_SPEECH, "ravdess-speech")
    assert holding(seen, "ravdess-song").state == "missing"


def test_the_report_says_that_the_raw_files_are_on_no_root_and_how_to_get_them(markdown: str, written: dict[str, Any]) -> None:
    line = table_row(markdown, "ravdess-speech")
    assert "processed only" in line
    assert "no raw file on any root" in line
    (raw,) = (one for one in written["processed"] if one["dataset"] == "ravdess-speech")
    assert raw["raw"] == "missing"
    (get,) = advised(written, "ravdess-speech")
    assert get["priority"] == "high"
    assert "motet inventory fetch ravdess-speech" in get["command"]
    assert get["bytes"] == 208_468_073


def test_raw_ravdess_on_another_drive_is_found_and_told_as_elsewhere(disks: Disks, tmp_path: Path) -> None:
    tree.write(tmp_path / "ssd" / "emotion" / "Audio_Speech_Actors_01-24", tree.ravdess())
    chosen = settings.Settings(roots=(disks.data, tmp_path / "ssd"), expected=EXPECTED)
    found = holding(look(chosen=chosen, cache=tmp_path / "memory"), "ravdess-speech")
    assert found.state == "complete"
    assert found.best is not None
    assert found.best.where == str(tmp_path / "ssd" / "emotion" / "Audio_Speech_Actors_01-24")
    assert "elsewhere" in found.also
    assert [one.kind for one in found.derived if one.kind == "processed"] == ["processed"]


@pytest.mark.parametrize("name", ["crema-d", "tess", "gtzan"])
def test_the_other_sets_are_missing_and_recommended(name: str, seen: Inventory, markdown: str, written: dict[str, Any]) -> None:
    assert holding(seen, name).state == "missing"
    assert "missing" in table_row(markdown, name)
    (get,) = advised(written, name)
    assert get["priority"] in ("high", "medium")
    assert f"motet inventory fetch {name}" in get["command"]


def test_tess_and_crema_d_come_after_what_the_task_cannot_do_without(written: dict[str, Any]) -> None:
    order = [one["dataset"] for one in written["advice"]]
    assert order.index("ravdess-speech") < order.index("tess")
    assert {one["priority"] for name in ("crema-d", "tess") for one in advised(written, name)} == {"medium"}


def test_where_crema_d_is_recommended_the_trap_of_its_zip_is_told(markdown: str, written: dict[str, Any]) -> None:
    (get,) = advised(written, "crema-d")
    assert any("zip" in trap and "pointers" in trap for trap in get["traps"])
    block = re.search(r"^- \*\*crema-d\*\*.*?(?=^- |^#)", markdown, re.MULTILINE | re.DOTALL)
    assert block is not None
    assert "Git-LFS pointers" in block[0]
    assert "archive/refs/heads" not in get["command"] + " ".join(get["steps"])


def test_the_zip_that_the_list_recommends_is_called_pointers(disks: Disks, tmp_path: Path) -> None:
    there = tmp_path / "raw" / "emotions" / "cremad"
    file = tree.zipped(there / "master.zip", tree.crema_pointers(), below="CREMA-D-master/")
    chosen = settings.Settings(roots=(disks.data, tmp_path / "raw"))
    found = holding(look(chosen=chosen, cache=tmp_path / "memory"), "crema-d")
    assert found.state == "pointers"
    assert found.best is not None
    assert found.best.where.startswith(str(file))
    assert "in_archive" in found.also
    (audio,) = (part for part in found.best.parts if part.part == "audio")
    assert (audio.present, audio.expected) == (0, tree.CREMA)
    assert any(one.number == tree.CREMA for one in found.best.evidence if "pointer" in one.what)


def test_the_zip_unpacked_is_called_pointers_too_and_the_task_is_not_ready(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tree.write(tmp_path / "raw" / "emotions" / "cremad", tree.crema_pointers())
    assert main(["inventory", "status", "--root", str(tmp_path / "raw"), "--json"]) == 0
    written = json.loads(capsys.readouterr().out)
    assert row(written, "crema-d")["state"] == "pointers"
    (get,) = advised(written, "crema-d")
    assert any("pointers" in trap for trap in get["traps"])
    (emotion,) = (one for one in written["tasks"] if one["name"] == "emotion")
    assert emotion["ready"] is False


# Optional large datasets


def test_no_very_large_dataset_is_of_high_or_medium_priority(seen: Inventory, written: dict[str, Any]) -> None:
    large = {one.dataset.name for one in seen.holdings if one.dataset.very_large}
    assert set(LARGE) <= large
    assert [one["dataset"] for one in written["advice"] if one["priority"] != "low" and one["dataset"] in large] == []


def test_all_of_them_are_told_as_missing(seen: Inventory) -> None:
    for name in ("fma-small", "fma-full", "mtg-jamendo", "nsynth", "musdb18"):
        assert holding(seen, name).state == "missing"


# Training logs, mel spectrograms ("not checked"), embeddings ("not checked"), manifests


def test_the_training_logs_are_found_with_the_four_models(disks: Disks, seen: Inventory, markdown: str) -> None:
    logs = made(seen, "training_log")
    assert logs
    assert all(one.where.startswith(str(disks.kelly / "logs")) for one in logs)
    assert {name for one in logs for name in one.names} == set(tree.MODELS)
    assert sum(one.files for one in logs) == len(tree.training_logs())
    for model in tree.MODELS:
        assert model in markdown


def test_the_mel_spectrograms_are_found(disks: Disks, seen: Inventory) -> None:
    (mels,) = made(seen, "mel_spectrograms")
    assert (mels.where, mels.files) == (str(disks.kelly / "processed/emotions/mel_spectrograms"), tree.MELS)


def test_the_embeddings_are_found(disks: Disks, seen: Inventory) -> None:
    (embeddings,) = made(seen, "embeddings")
    assert (embeddings.where, embeddings.files) == (str(disks.kelly / "processed/embeddings"), tree.EMBEDDINGS)


def test_the_manifest_is_found(disks: Disks, seen: Inventory) -> None:
    (manifest,) = made(seen, "manifest")
    file = disks.kelly / "processed/emotions/ravdess/manifest.jsonl"
    assert (manifest.where, manifest.files, manifest.bytes) == (str(file), 1, file.stat().st_size)


def test_every_kind_of_made_things_is_given_with_its_bytes(disks: Disks, seen: Inventory) -> None:
    assert made(seen, "embeddings")[0].bytes == tree.size_of(disks.kelly / "processed/embeddings")[1]
    assert made(seen, "mel_spectrograms")[0].bytes == tree.size_of(disks.kelly / "processed/emotions/mel_spectrograms")[1]
    assert made(seen, "processed")[0].bytes == tree.size_of(disks.kelly / "processed/emotions/ravdess/processed")[1]
    assert sum(one.bytes for one in made(seen, "training_log")) == tree.size_of(disks.kelly / "logs")[1]


# Tasks


def test_of_the_four_tasks_only_groove_is_ready(written: dict[str, Any]) -> None:
    ready = {one["name"]: one["ready"] for one in written["tasks"]}
    assert {task: ready[task] for task in ("groove", "melody", "harmony", "emotion")} == {
        "groove": True,
        "melody": False,
        "harmony": False,
        "emotion": False,
    }


@pytest.mark.parametrize(("task", "dataset"), [("melody", "maestro"), ("harmony", "lakh-full"), ("emotion", "ravdess-speech")])
def test_what_would_make_a_task_ready_is_told(task: str, dataset: str, written: dict[str, Any], markdown: str) -> None:
    (found,) = (one for one in written["tasks"] if one["name"] == task)
    assert dataset in json.dumps(found["lacking"])
    section = markdown.split("## Training tasks")[1].split("\n## ")[0]
    (line,) = (
        line
        for line in section.splitlines()
        if re.search(rf"\b{task}\b", line.split("|")[1] if "|" in line else line.split(":")[0])
    )
    assert "not ready" in line
    assert dataset in line


# Recommendations and action items


def test_every_command_can_be_pasted_into_a_shell(disks: Disks, written: dict[str, Any], tmp_path: Path) -> None:
    tree.write(tmp_path / "My (old) Data; $HOME 'x'" / "n", {"a.txt": b"nothing"})
    assert (
        main(["inventory", "report", "--root", str(tmp_path / "My (old) Data; $HOME 'x'"), "--to", str(tmp_path / "r.json")]) == 0
    )
    odd = json.loads((tmp_path / "r.json").read_text())
    for told, roots in ((written, [disks.data, disks.ssd, disks.music]), (odd, [tmp_path / "My (old) Data; $HOME 'x'"])):
        commands = [one["command"] for one in told["advice"] if one["command"]]
        assert commands
        for command in commands:
            words = shlex.split(command)
            assert words[:3] == ["motet", "inventory", "fetch"]
            (place,) = (Path(there) for option, there in pairwise(words) if option in ("--to", "--into"))
            assert any(place.is_relative_to(root) for root in roots), command


def test_priorities_come_high_first_and_each_has_a_command_or_steps(written: dict[str, Any]) -> None:
    order = [("high", "medium", "low").index(one["priority"]) for one in written["advice"]]
    assert order == sorted(order)
    assert all(one["command"] or one["steps"] for one in written["advice"])


def test_the_action_list_can_be_ticked_off_and_holds_what_the_person_asked_for(markdown: str, written: dict[str, Any]) -> None:
    boxes = [line for line in markdown.splitlines() if line.startswith("- [ ] ")]
    for name in ("maestro", "ravdess-speech", "crema-d", "tess", "gtzan", "lakh-full"):
        assert any(re.search(rf"\b{name}\b", line) for line in boxes), name
        assert any(re.search(rf"\b{name}\b", one["text"]) for one in written["actions"]), name
    assert not any(re.search(r"\bmusicnet\b|\bfetch groove\b", line) for line in boxes)


def test_a_drive_that_is_not_attached_is_told_with_the_places_that_were_looked_at(
    disks: Disks, seen: Inventory, markdown: str, written: dict[str, Any]
) -> None:
    assert seen.roots == (str(disks.data), str(disks.ssd), str(disks.music))
    assert [one.root for one in seen.absent] == [str(disks.away)]
    assert str(disks.away) in markdown
    assert "not attached" in markdown
    assert [one["root"] for one in written["absent"]] == [str(disks.away)]


def test_what_lay_on_a_drive_is_told_when_it_is_gone(disks: Disks, tmp_path: Path) -> None:
    drive = tmp_path / "sbdrive"
    tree.write(drive / "tess_like" / "Audio_Speech_Actors_01-24", tree.ravdess())
    chosen = settings.Settings(roots=(disks.music, drive))
    assert holding(look(chosen=chosen, cache=tmp_path / "memory"), "ravdess-speech").state == "complete"
    drive.rename(tmp_path / "in the drawer")
    seen = look(chosen=chosen, cache=tmp_path / "memory")
    (absent,) = seen.absent
    assert absent.root == str(drive)
    assert re.fullmatch(r"\d{4}-\d\d-\d\d.*", absent.last_seen)
    assert absent.datasets == ("ravdess-speech",)
    assert holding(seen, "ravdess-speech").state == "missing"


def test_one_is_told_to_attach_the_drive_before_fetching_what_lies_on_it(
    disks: Disks, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    drive = tmp_path / "sbdrive"
    tree.write(drive / "Audio_Speech_Actors_01-24", tree.ravdess())
    told = tmp_path / "roots.toml"
    told.write_text(f"roots = {json.dumps([str(disks.music), str(drive)])}\n")
    assert main(["inventory", "status", "--settings", str(told)]) == 0
    drive.rename(tmp_path / "in the drawer")
    capsys.readouterr()
    assert main(["inventory", "status", "--settings", str(told), "ravdess-speech"]) == 0
    assert f"it lay on {drive}, not attached now" in " ".join(capsys.readouterr().out.split())
    assert main(["inventory", "status", "--settings", str(told), "--json"]) == 0
    written = json.loads(capsys.readouterr().out)
    (get,) = advised(written, "ravdess-speech")
    assert str(drive) in get["why"]
    attach = [one for one in written["actions"] if "ttach" in one["text"]]
    assert [one["priority"] for one in attach if str(drive) in one["text"]] == [get["priority"]]
    assert "ravdess-speech" in attach[0]["text"]


# One report must not contradict another


def test_all_forms_of_the_report_give_every_dataset_one_and_the_same_state(
    reports: Path, seen: Inventory, written: dict[str, Any]
) -> None:
    states = {one.dataset.name: one.state for one in seen.holdings}
    assert {one["name"]: one["state"] for one in written["datasets"]} == states
    (page,) = reports.glob("*.html")
    words = {"processed_only": "processed only", "pointers": "pointer files only", "wrong_version": "wrong version"}
    markdown = next(iter(reports.glob("*.md"))).read_text()
    for name, state in states.items():
        assert words.get(state, state) in table_row(markdown, name)
    plain = re.sub(r"<[^>]+>", " ", page.read_text())
    for name in ASKED:
        assert name in plain
    for figure in ("10,180 of 178,561", "1,150 of 1,150", "5.7 %", "Sean", str(len(tree.MODELS))):
        assert figure in plain


def test_the_next_report_says_what_has_changed(disks: Disks, tmp_path: Path) -> None:
    roots = ["--root", str(disks.music), "--root", str(tmp_path / "drive")]
    tree.write(tmp_path / "drive" / "notes", {"a.txt": b"nothing"})
    assert main(["inventory", "report", *roots, "--to", str(tmp_path / "old.json")]) == 0
    tree.write(tmp_path / "drive" / "Audio_Speech_Actors_01-24", tree.ravdess())
    assert main(["inventory", "report", *roots, "--since", str(tmp_path / "old.json"), "--to", str(tmp_path / "new.json")]) == 0
    difference = json.dumps(json.loads((tmp_path / "new.json").read_text())["difference"])
    assert "ravdess-speech" in difference
    assert "missing" in difference
    assert "emotion" in difference


def test_the_address_that_the_list_gives_for_maestro_is_known(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inventory", "show", "maestro"]) == 0
    assert "https://storage.googleapis.com/magentadata/datasets/maestro/v3.0.0/maestro-v3.0.0-midi.zip" in capsys.readouterr().out


def test_the_terminal_says_the_same_in_short(disks: Disks, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inventory", "status", "--settings", str(disks.settings)]) == 0
    said = " ".join(capsys.readouterr().out.split())
    for words in (
        "10,180 of 178,561",
        "5.7 %",
        "1,150 of 1,150",
        "processed only",
        WHO,
        "not attached",
        "motet inventory fetch maestro",
    ):
        assert words in said, words


def test_strict_status_fails_while_something_wanted_is_not_there(disks: Disks, tmp_path: Path) -> None:
    assert main(["inventory", "status", "--strict", "--settings", str(disks.settings)]) == 1
    told = tmp_path / "roots.toml"
    told.write_text(f'roots = [{json.dumps(str(disks.data))}]\n[expected]\ngroove = "{EXPECTED["groove"]}"\n')
    assert main(["inventory", "status", "--strict", "--settings", str(told)]) == 0


def test_nothing_on_the_disks_is_changed_by_looking(disks: Disks, tmp_path: Path) -> None:
    small = tmp_path / "disk"
    shutil.copytree(disks.kelly / "processed", small)
    before = {path: (path.lstat().st_mtime_ns, path.lstat().st_size) for path in small.rglob("*")}
    look([small], settings.Settings(), cache=tmp_path / "memory")
    assert main(["inventory", "verify", "--root", str(small)]) in (0, 1)
    assert {path: (path.lstat().st_mtime_ns, path.lstat().st_size) for path in small.rglob("*")} == before
