"""One contract for every file of the registry."""

import re
from itertools import combinations

import pytest

from motet.inventory.datasets import REGISTRY, known
from motet.inventory.known import Dataset
from motet.inventory.tasks import cheapest, tasks

KNOWN = known()
WANTED = {
    *("groove", "e-gmd", "lakh-full", "lakh-matched", "lakh-aligned", "lakh-clean", "maestro", "musicnet", "pop909", "slakh2100"),
    *("giantmidi", "adl-piano", "asap", "nsynth", "musdb18", "musdb18-hq", "fma-small", "fma-medium", "fma-large", "fma-full"),
    *("mtg-jamendo", "gtzan", "ravdess-speech", "ravdess-song", "crema-d", "tess", "emopia", "vgmidi", "midicaps", "gigamidi"),
    *("aria-midi", "musiccaps", "v2midi"),
}


@pytest.fixture(params=list(KNOWN.values()), ids=list(KNOWN))
def dataset(request: pytest.FixtureRequest) -> Dataset:
    """Each of them. That every figure names a source, and every layout is one, the record itself sees to."""
    found: Dataset = request.param
    return found


def test_the_registry_has_all_that_was_promised() -> None:
    assert set(KNOWN) >= WANTED
    assert {file.stem for file in REGISTRY.glob("*.yaml")} == {*KNOWN, "tasks"}


def test_it_says_what_it_is_whose_it_is_and_where_from(dataset: Dataset) -> None:
    for text in (dataset.title, dataset.about, dataset.citation, dataset.licence.name, *dataset.sources.values()):
        assert text
        assert text == text.strip()
    assert re.match(r"https?://", dataset.home)
    assert all((dataset.modalities, dataset.tasks, dataset.folders, dataset.parts))
    assert all(trap.endswith(".") for trap in dataset.traps)


def test_it_knows_the_others(dataset: Dataset) -> None:
    assert set(dataset.tasks) <= set(tasks(None, KNOWN))
    assert set(dataset.alternatives) <= set(KNOWN) - {dataset.name}


def test_what_a_task_needs_serves_it() -> None:
    for task in tasks(None, KNOWN).values():
        assert all(task.name in KNOWN[need.dataset].tasks for group in task.needs for need in group), task.name


def test_names_stand_once(dataset: Dataset) -> None:
    for names in ([p.name for p in dataset.parts], [v.name for v in dataset.versions], list(dataset.alternatives)):
        assert len(names) == len(set(names))


def test_counts_by_value_add_up(dataset: Dataset) -> None:
    for part in dataset.parts:
        for expected in part.each:
            assert part.count in (None, sum(expected.counts.values())), (part.name, expected.field)
            if expression := dataset.fields.get(expected.field):
                assert all(re.fullmatch(expression, value) for value in expected.counts)


def test_fields_are_used_and_labels_have_their_fields(dataset: Dataset) -> None:
    used = {field for part in dataset.parts for field in dataset.layout(part).fields}
    assert set(dataset.fields) <= used
    for name, label in dataset.labels.items():
        assert not label.field or label.field in used, name
        assert not label.pick or re.compile(label.pick).groups == 1, name
        if not label.pick and (expression := dataset.fields.get(label.field)):
            assert all(re.fullmatch(expression, value) for value in label.values), name


def test_an_index_is_a_part_of_it(dataset: Dataset) -> None:
    if dataset.index is not None:
        file = dataset.index.file
        assert any(dataset.layout(part).of_path(file) is not None for part in dataset.parts)


def test_every_required_part_can_be_had(dataset: Dataset) -> None:
    assert any(part.required for part in dataset.parts)
    assert cheapest(dataset, [part.name for part in dataset.parts if part.required])
    for download in dataset.downloads:
        assert re.match(r"https?://", download.url) or re.fullmatch(r"[\w.-]+/[\w.-]+", download.dataset)
        assert all(step.endswith(".") for step in download.steps)


def test_of_mirrors_all_give_the_same(dataset: Dataset) -> None:
    gives: dict[str, set[str]] = {}
    for download in dataset.downloads:
        assert gives.setdefault(download.name, set(download.gives)) == set(download.gives)


def test_no_two_datasets_are_told_by_the_same_folder_and_the_same_paths() -> None:
    def plain(name: str) -> str:
        return re.sub(r"[-_. ]", "", name.lower())

    def layouts(dataset: Dataset) -> set[str]:
        return {dataset.layout(part).whole.pattern for part in dataset.parts if part.required}

    for one, other in combinations(KNOWN.values(), 2):
        if {plain(f) for f in one.folders} & {plain(f) for f in other.folders}:
            assert not layouts(one) & layouts(other), (one.name, other.name)
        elif layouts(one) & layouts(other):
            # Then nothing but the folder's name tells them apart, and at most one may claim a file by its name alone.
            assert len([d for d in (one, other) if any(p.telling and p.required for p in d.parts)]) < 2, (one.name, other.name)


def test_nothing_takes_the_lfs_pointers_of_crema_d_for_a_download() -> None:
    assert not [d for d in KNOWN["crema-d"].downloads if d.kind == "http" and "github.com" in d.url]
    assert any("Git-LFS pointers" in trap for trap in KNOWN["crema-d"].traps)
