"""A dry run says what a build will take, and leaves no trace."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from motet.errors import UserError
from motet.forecasting.drawing import Found, Frame, Stratum, walked
from motet.forecasting.forecast import Forecast, Range, forecast, scaled
from motet.forecasting.trial import PREFIX, Share, StageTrial, Trial
from motet.recipe import Recipe, parse
from motet.run.build import build
from toys.midi import song

LETTERS = ["toys.stages:scan_text", "toys.costly:weigh", "toys.costly:tell"]


def recipe(*names: str, **settings: dict[str, Any]) -> Recipe:
    return parse({"name": "toys", "stages": [{name: settings.get(name.rpartition(":")[2], {})} for name in names]}, "toys")


@pytest.fixture
def letters(tmp_path: Path) -> Path:
    """Twelve different files of 1 to 12 bytes, two more copies of the longest, and an empty one."""
    folder = tmp_path / "letters"
    folder.mkdir()
    for number in range(1, 13):
        (folder / f"{number}.txt").write_bytes(b"x" * number)
    for copy in ("copy", "another copy"):
        (folder / f"{copy}.txt").write_bytes(b"x" * 12)
    (folder / "empty.txt").touch()
    return folder


def everything(folder: Path) -> dict[str, tuple[int, int]]:
    """All that is below a folder: sizes and times of change."""
    return {str(p.relative_to(folder)): ((s := p.lstat()).st_size, s.st_mtime_ns) for p in sorted(folder.rglob("*"))}


def stage(told: Forecast, name: str) -> Any:
    return next(one for one in told.stages if one.name.endswith(name))


def test_of_few_files_all_are_tried_and_the_forecast_is_what_the_build_makes(letters: Path, tmp_path: Path) -> None:
    small = recipe(*LETTERS, tell={"writer": "grammar"})
    before = everything(tmp_path)
    told = forecast(small, [str(letters)], tmp_path / "data", workers=1)
    assert everything(tmp_path) == before
    run = build(small, [letters], tmp_path / "data", workers=1)
    assert (told.found.files, told.sampled, told.of) == (15, 13, 13)
    for foretold, done in zip(told.stages, run.stages, strict=True):
        assert (foretold.inputs.likely, foretold.rows) == (done.inputs, Range(*[done.rows_out] * 3)), foretold.name
    assert told.media == Range(*[sum(report.media_bytes for report in run.stages)] * 3) == Range(78, 78, 78)
    assert stage(told, "weigh").lost == {"empty": pytest.approx(1 / 15)}
    assert stage(told, "weigh").cpu.likely >= 12 * 0.002
    assert told.peak_memory > 10_000_000


def test_what_is_answered_costs_nothing_and_the_dataset_is_not_touched(letters: Path, tmp_path: Path) -> None:
    small, data = recipe(*LETTERS, tell={"writer": "grammar"}), tmp_path / "data"
    build(small, [letters], data, workers=1)
    (letters / "new.txt").write_bytes(b"y" * 5)
    (letters / "1.txt").unlink()
    before = everything(tmp_path)
    told = forecast(small, None, data, workers=1)
    assert everything(tmp_path) == before
    assert (told.found.fresh, told.found.gone) == (1, 1)
    assert stage(told, "weigh").answered.likely == 12
    assert told.media.likely == 5
    assert stage(told, "weigh").median > 0.002  # the seconds that its ledger holds


def test_media_of_answered_rows_are_there_for_the_stages_behind_them(tmp_path: Path) -> None:
    (tmp_path / "numbers").mkdir()
    for number in (12, 345):
        (tmp_path / "numbers" / f"{number}.txt").write_text(str(number))
    names = [f"toys.stages:{name}" for name in ("scan_text", "parse_number", "digits", "sum_digits")]
    build(recipe(*names), [tmp_path / "numbers"], tmp_path / "data", workers=1)
    told = forecast(recipe(*names, sum_digits={"scale": 2}), None, tmp_path / "data", workers=1)
    assert [one.answered.likely for one in told.stages[1:]] == [2, 2, 0]
    assert told.stages[-1].rows.likely == 2


def test_a_service_is_not_asked_and_its_price_is_told(letters: Path, tmp_path: Path) -> None:
    asked = tmp_path / "asked"
    told = forecast(recipe(*LETTERS, tell={"asked": str(asked)}), [str(letters)], tmp_path / "data", workers=1)
    assert not asked.exists()
    assert told.dollars.likely == pytest.approx(0.78)
    assert "a language model" in stage(told, "tell").notes[0]
    assert any("services" in one for one in told.unknown)


def test_songs_that_a_sample_leaves_out_are_not_counted(tmp_path: Path) -> None:
    (tmp_path / "tunes").mkdir()
    for number in range(6):
        (tmp_path / "tunes" / f"{number}.mid").write_bytes(song(number))
    some = parse({"name": "tunes", "stages": ["scan", "clean", "split_parts", {"sample": {"songs": 2}}]}, "tunes")
    told = forecast(some, [str(tmp_path / "tunes")], tmp_path / "data", workers=1)
    assert stage(told, "sample").inputs.likely == 18
    assert stage(told, "sample").rows.likely == pytest.approx(3 * 2)


def test_no_files_are_no_work(tmp_path: Path) -> None:
    (tmp_path / "none").mkdir()
    told = forecast(recipe(*LETTERS), [str(tmp_path / "none")], tmp_path / "data")
    assert (told.found.files, told.sampled, told.wall, told.stages) == (0, 0, Range(0, 0, 0), [])


@pytest.mark.parametrize(
    ("sources", "said"),
    [(None, "needs sources"), ([os.devnull + "/nowhere"], "does not exist")],
)
def test_what_a_build_refuses_is_refused(tmp_path: Path, sources: list[str] | None, said: str) -> None:
    small = parse({"name": "tunes", "stages": ["scan", "clean"]}, "tunes")
    with pytest.raises(UserError, match=said):
        forecast(small, sources, tmp_path / "data")
    assert list(tmp_path.iterdir()) == []


def test_another_recipes_dataset_and_a_folder_of_something_else_are_refused(letters: Path, tmp_path: Path) -> None:
    build(recipe("toys.stages:scan_text"), [letters], tmp_path / "data", workers=1)
    other = parse({"name": "others", "stages": ["scan"]}, "others")
    with pytest.raises(UserError, match="was made by the recipe toys"):
        forecast(other, None, tmp_path / "data")
    with pytest.raises(UserError, match="is not a Motet dataset"):
        forecast(other, [str(letters)], letters)


def test_what_a_killed_dry_run_left_goes_with_the_next_and_a_running_ones_stays(letters: Path, tmp_path: Path) -> None:
    script = (
        "import sys, time\nfrom pathlib import Path\nfrom motet.forecasting.trial import aside\n"
        "with aside(Path(sys.argv[1])) as folder:\n    print(folder, flush=True)\n    time.sleep(600)\n"
    )

    def begun() -> tuple[subprocess.Popen[str], Path]:
        process = subprocess.Popen([sys.executable, "-c", script, tmp_path / "data"], stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        return process, Path(process.stdout.readline().strip())

    killed, left = begun()
    killed.kill()
    killed.wait()
    assert left.is_dir()
    running, used = begun()
    try:
        forecast(recipe("toys.stages:scan_text"), [str(letters)], tmp_path / "data", workers=1)
        assert [p.name for p in tmp_path.glob(f"{PREFIX}*")] == [used.name]
    finally:
        running.send_signal(signal.SIGINT)
        running.wait()
    assert list(tmp_path.glob(f"{PREFIX}*")) == []


# -- the arithmetic, on collections whose truth is known ----------------------------------------------------------------


def collection(folder: Path, sizes: list[int]) -> None:
    """A source of files of these sizes, each of its own content."""
    folder.mkdir()
    for number, octets in enumerate(sizes):
        (folder / f"{number:04d}.txt").write_bytes(number.to_bytes(4, "big") + b"x" * octets)


def heavy(number: int) -> list[int]:
    """Sizes with a long tail: a few files hold most of the bytes."""
    rng = random.Random(5)
    return [round(20 * rng.lognormvariate(1.0, 1.3)) for _ in range(number)]


class Drawing:
    """Samples of a collection in which a file costs a millisecond a byte, and half a second more by chance."""

    def __init__(self, folder: Path, sizes: list[int]) -> None:
        collection(folder / "sources", sizes)
        self.first = recipe("toys.stages:scan_text").steps[0]
        self.scratch = folder / "scratch"
        self.scratch.mkdir()
        walked(self.first, [str(folder / "sources")], folder / "none", self.scratch, {}, 0)
        rng = random.Random(1)
        frame = Frame(self.scratch, self.first, None, 10 * len(sizes), 0)
        self.rows = {row.id: row for row in frame.rows(frame.drawn(1 << 20))}
        self.costs = {row_id: row.size * rng.uniform(0.5, 1.5) / 1000 for row_id, row in self.rows.items()}  # type: ignore[attr-defined]
        self.truth = sum(self.costs.values())

    def strata(self, seed: int, files: int = 20) -> list[Stratum]:
        frame = Frame(self.scratch, self.first, None, files, seed)
        return frame.strata(max(frame.depths()))

    def cpu(self, strata: list[Stratum]) -> Range:
        shares = {row_id: Share(inputs=1, rows=1, kept=1, seconds=cost) for row_id, cost in self.costs.items()}
        told = StageTrial(recipe(*LETTERS).steps[1], shares=shares)
        return scaled(Trial(Found(len(self.costs)), strata, [told]), None, 1)[1]["cpu"]


@pytest.fixture(scope="module")
def drawing(tmp_path_factory: pytest.TempPathFactory) -> Drawing:
    return Drawing(tmp_path_factory.mktemp("drawing"), heavy(400))


def test_every_content_stands_behind_one_drawn_file(drawing: Drawing) -> None:
    strata = drawing.strata(seed=3)
    assert sum(stratum.contents for stratum in strata) == 400
    assert max(Counter(row_id for stratum in strata for row_id in stratum.drawn).values()) == 1
    assert strata == drawing.strata(seed=3) != drawing.strata(seed=4)


@pytest.mark.parametrize("files", [1, 2, 3, 7, 20, 100, 399, 400, 500])
def test_as_many_are_tried_as_are_asked_for(drawing: Drawing, files: int) -> None:
    strata = drawing.strata(seed=3, files=files)
    assert sum(len(stratum.drawn) for stratum in strata) == min(files, 400)
    assert sum(stratum.contents for stratum in strata) == 400


@pytest.mark.slow
def test_strata_by_size_are_nearer_than_an_even_draw(drawing: Drawing) -> None:
    ids = sorted(drawing.costs)
    even, by_size = [], []
    for seed in range(60):
        drawn = tuple(random.Random(seed).sample(ids, 20))
        even.append(drawing.cpu([Stratum(400, 400, drawn)]).likely / drawing.truth)
        by_size.append(drawing.cpu(drawing.strata(seed)).likely / drawing.truth)
    assert np.mean(by_size) == pytest.approx(1.0, abs=0.1)
    assert np.std(by_size) < 0.5 * np.std(even)


@pytest.mark.slow
def test_nine_intervals_in_ten_hold_the_truth(drawing: Drawing) -> None:
    ranges = [drawing.cpu(drawing.strata(seed)) for seed in range(100)]
    assert sum(one.low <= drawing.truth <= one.high for one in ranges) >= 85


@pytest.mark.slow
def test_fewer_files_give_wider_intervals(drawing: Drawing) -> None:
    def width(files: int) -> float:
        ranges = [drawing.cpu(drawing.strata(seed, files)) for seed in range(20)]
        return float(np.median([one.high / one.low for one in ranges]))

    assert width(8) > width(20) > width(100)


def test_the_driver_waits_for_nobody_but_the_longest_row(drawing: Drawing) -> None:
    told = StageTrial(recipe(*LETTERS).steps[1], shares={"a": Share(inputs=1, rows=1, kept=1, seconds=60)}, seconds=[60.0])
    ((stage,), _, _) = scaled(Trial(Found(1), [Stratum(1, 1, ("a",))], [told]), None, 8)
    assert stage.wall.likely == pytest.approx(60, abs=0.01)


def test_where_all_rows_are_compared_the_range_says_that_a_sample_tells_little(tmp_path: Path) -> None:
    drawing = Drawing(tmp_path, heavy(100))
    steps = parse({"name": "t", "stages": ["scan", "clean", "fingerprint", "deduplicate"]}, "t").steps
    shares = {row_id: Share(inputs=1, rows=1, kept=1) for row_id in drawing.costs}
    told = [StageTrial(steps[1], shares=shares), StageTrial(steps[3], shares=shares)]
    (songs, alike), _, _ = scaled(Trial(Found(100), drawing.strata(0), told), None, 1)
    assert songs.rows.likely == pytest.approx(100)
    assert alike.rows.low < 40
    assert alike.rows.likely == pytest.approx(100)
    assert "not estimated from a sample" in alike.notes[0]
