"""What can be trained with what is here, and what to get or mend for the rest."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from motet.errors import UserError
from motet.inventory.datasets import known
from motet.inventory.findings import Copy, Holding, PartFound, State
from motet.inventory.known import Dataset, Download
from motet.inventory.tasks import Need, Readiness, Recommendation, Task, cheapest, readiness, recommendations, tasks

KNOWN = known()
TASKS = tasks(None, KNOWN)


def holdings(states: Mapping[str, State], whole: tuple[str, ...] = (), datasets: Mapping[str, Dataset] = KNOWN) -> list[Holding]:
    """All datasets, those not named missing. `whole` names optional parts that are there: "maestro:audio"."""

    def parts(dataset: Dataset) -> tuple[PartFound, ...]:
        found = []
        for part in dataset.parts:
            here = part.required or f"{dataset.name}:{part.name}" in whole
            found.append(PartFound(part.name, (part.count or 1) if here else 0, part.count))
        return tuple(found)

    def holding(dataset: Dataset) -> Holding:
        state = states.get(dataset.name, "missing")
        copy = Copy(dataset.name, f"/d/{dataset.name}", "/d", state, (), "", parts(dataset), (), 1, 1)
        return Holding(dataset, state, (), () if state in ("missing", "excluded") else (copy,), (), ())

    return [holding(dataset) for dataset in datasets.values()]


def of(task: str, held: list[Holding]) -> Readiness:
    return next(found for found in readiness(TASKS, held) if found.task.name == task)


def advice(held: list[Holding], *names: str) -> dict[str, Recommendation]:
    wanted = {name: TASKS[name] for name in names} if names else TASKS
    return {r.dataset: r for r in recommendations(wanted, held)}


def test_the_packaged_tasks_are_those_a_lab_has() -> None:
    assert set(TASKS) >= {
        *("melody", "groove", "harmony", "emotion", "genre"),
        *("separation", "tagging", "transcription", "captions", "timbre"),
    }


def test_one_complete_dataset_of_a_group_makes_a_task_ready() -> None:
    ready = of("emotion", holdings({"crema-d": "complete"}))
    assert ready.ready
    assert ready.by == ("crema-d",)
    assert ready.lacking == ()
    assert "tess" in ready.helps_missing
    assert "crema-d" not in ready.helps_missing


@pytest.mark.parametrize("state", ["missing", "partial", "corrupt", "pointers", "wrong_version", "processed_only", "excluded"])
def test_anything_less_does_not(state: State) -> None:
    ready = of("groove", holdings({"groove": state}))
    assert not ready.ready
    assert ready.by == ("",)
    (group,) = ready.lacking
    assert {candidate.dataset: candidate.state for candidate in group} == {"groove": state, "e-gmd": "missing"}


def test_what_nobody_counted_is_used_and_told() -> None:
    ready = of("groove", holdings({"groove": "unverifiable"}))
    assert ready.ready
    assert ready.unverified == ("groove",)
    assert of("groove", holdings({"groove": "complete"})).unverified == ()


def test_a_task_can_want_a_part_that_the_dataset_does_not_require() -> None:
    """MAESTRO is complete with MIDI alone; who transcribes needs its recordings."""
    assert not of("transcription", holdings({"maestro": "complete"})).ready
    assert of("transcription", holdings({"maestro": "complete"}, whole=("maestro:audio",))).ready
    assert of("melody", holdings({"maestro": "complete"})).ready
    found = advice(holdings({"maestro": "complete"}), "transcription")["maestro"]
    assert found.priority == "low"  # its recordings are very large, though its MIDI files are not
    assert found.why.endswith("it is very large.")
    assert found.command == "motet inventory fetch maestro --part audio"
    assert "its part audio is not here" in found.why


def test_what_would_make_a_task_ready_comes_smallest_first_with_its_bytes() -> None:
    (group,) = of("groove", holdings({})).lacking
    assert [candidate.dataset for candidate in group] == ["groove", "e-gmd"]
    assert group[0].bytes == 3_260_318
    assert not group[0].by_hand


def test_what_is_unsourced_by_hand_very_large_or_excluded_comes_last() -> None:
    (group,) = of("separation", holdings({})).lacking
    assert group[0].dataset == "musdb18"
    (group,) = of("groove", holdings({"groove": "excluded"})).lacking
    assert [candidate.dataset for candidate in group] == ["e-gmd", "groove"]


def test_a_task_is_left_out_when_its_datasets_were_not_looked_for() -> None:
    only = [holding for holding in holdings({}) if holding.dataset.name in ("groove", "e-gmd")]
    assert [found.task.name for found in readiness(TASKS, only)] == ["groove"]


def test_what_a_task_cannot_do_without_is_of_high_priority_and_what_helps_of_medium() -> None:
    found = advice(holdings({}), "emotion")
    assert found["ravdess-speech"].priority == "high"
    assert found["ravdess-speech"].command == "motet inventory fetch ravdess-speech"
    assert found["ravdess-speech"].bytes == 208_468_073
    assert found["ravdess-speech"].why == "The task emotion cannot be done without it or crema-d."
    assert found["tess"].priority == "medium"
    assert [r.priority for r in recommendations(TASKS, holdings({}))] == sorted(
        (r.priority for r in recommendations(TASKS, holdings({}))), key=["high", "medium", "low"].index
    )


def test_what_is_very_large_is_of_low_priority_and_says_so() -> None:
    found = advice(holdings({}), "timbre")["nsynth"]
    assert found.priority == "low"
    assert found.why == "The task timbre cannot be done without it; it is very large."


def test_what_is_whole_or_excluded_is_never_recommended() -> None:
    found = advice(holdings({"groove": "complete", "maestro": "complete", "crema-d": "excluded", "nsynth": "excluded"}))
    assert not {"groove", "crema-d", "nsynth"} & set(found)
    every = holdings(dict.fromkeys(KNOWN, "complete"), whole=tuple(f"{d.name}:{p.name}" for d in KNOWN.values() for p in d.parts))
    assert recommendations(TASKS, every) == ()
    assert all(found.ready for found in readiness(TASKS, every))


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        ("partial", "files of it are missing"),
        ("corrupt", "files of it are damaged"),
        ("pointers", "content that never arrived"),
        ("wrong_version", "another version"),
    ],
)
def test_what_is_damaged_is_to_be_fetched_again(state: State, reason: str) -> None:
    found = advice(holdings({"ravdess-speech": state}), "emotion")["ravdess-speech"]
    assert reason in found.why
    assert found.command == "motet inventory fetch ravdess-speech --again"


def test_what_is_there_only_processed_is_fetched_for_the_first_time() -> None:
    found = advice(holdings({"ravdess-speech": "processed_only"}), "emotion")["ravdess-speech"]
    assert "only what was made of it" in found.why
    assert found.command == "motet inventory fetch ravdess-speech"


def test_what_is_damaged_and_wanted_by_no_task_is_told_last() -> None:
    found = recommendations({"groove": TASKS["groove"]}, holdings({"groove": "complete", "gtzan": "corrupt"}))
    (gtzan,) = [r for r in found if r.dataset == "gtzan"]
    assert gtzan.priority == "low"
    assert gtzan.why == "Files of it are damaged, so fetch it again."


def test_what_no_program_can_fetch_comes_with_what_to_do() -> None:
    found = advice(holdings({}), "tagging")["mtg-jamendo"]
    assert found.manual
    assert found.bytes is None
    assert all(step.endswith(".") for step in found.manual)


def test_one_dataset_of_several_tasks_is_told_once_for_the_weightiest() -> None:
    both = {
        "a": Task("a", "", ((Need("tess"),),), ()),
        "b": Task("b", "", ((Need("groove"),),), (Need("tess"),)),
    }
    found = [r for r in recommendations(both, holdings({})) if r.dataset == "tess"]
    assert [(r.priority, r.why) for r in found] == [("high", "The task a cannot be done without it.")]


def test_the_cheapest_downloads_are_those_of_fewest_bytes_that_need_no_person() -> None:
    def dataset(*downloads: Download) -> Dataset:
        return KNOWN["ravdess-speech"].model_copy(update={"downloads": downloads})

    def http(name: str, size: int | None, *gives: str) -> Download:
        return Download(name=name, kind="http", url="https://example.org/x", bytes=size, gives=gives, source="zenodo")

    by_hand = Download(name="hand", kind="manual", url="https://example.org", steps=("Ask.",), gives=("speech", "video"))
    one, both, rest = http("one", 10, "speech"), http("both", 50, "speech", "video"), http("rest", 30, "video")
    assert cheapest(dataset(both, one, by_hand), ["speech"]) == (one,)
    assert cheapest(dataset(both, one, rest), ["speech", "video"]) == (one, rest)
    assert cheapest(dataset(both, by_hand), ["speech", "video"]) == (both,)
    assert cheapest(dataset(by_hand), ["video"]) == (by_hand,)
    assert cheapest(dataset(http("one", None, "speech"), both), ["speech"]) == (both,)
    assert cheapest(dataset(one), ["video"]) == ()
    assert cheapest(dataset(by_hand.model_copy(update={"name": "one"}), one), ["speech"]) == (one,)


def test_tasks_of_one_s_own_stand_beside_the_packaged_ones(tmp_path: Path) -> None:
    file = tmp_path / "tasks.yaml"
    file.write_text("drums:\n  about: mine\n  needs: [[groove], [maestro:audio, tess]]\n")
    found = tasks(file, KNOWN)
    assert set(found) == {"drums", *TASKS}
    assert found["drums"].needs == ((Need("groove"),), (Need("maestro", "audio"), Need("tess")))
    states: dict[str, State] = {"groove": "complete", "tess": "partial"}
    (ready,) = [r for r in readiness(found, holdings(states)) if r.task.name == "drums"]
    assert (ready.ready, ready.by) == (False, ("groove", ""))
    assert len(ready.lacking) == 1


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("drums: {about: x, needs: [[grove]]}", "did you mean groove"),
        ("drums: {about: x, needs: [['groove:adio']]}", "no such part; known: midi, audio"),
        ("drums: {about: x, needs: [['groove:']]}", "no such part"),
        ("drums: {about: x, needs: [[groove], []]}", "empty group"),
        ("drums: {about: x, needs: []}", "drums > needs"),
        ("drums: {about: x, need: [[groove]]}", "drums"),
        ("drums: 3", "drums"),
        ("[drums]", "must hold entries"),
    ],
)
def test_a_wrong_file_of_tasks_is_answered_with_its_place(tmp_path: Path, text: str, answer: str) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(text)
    with pytest.raises(UserError, match=r"mine\.yaml") as caught:
        tasks(file, KNOWN)
    assert answer in str(caught.value)
