"""A farm of Deforum servers: every fault that the API is known for, and none twice."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from motet.errors import UserError
from motet.video.deforum import Change, Farm, Job, Outcome, Rendered, settings
from motet.video.deforum.result import check
from motet.video.errors import VideoError
from video.deforum_server import FPS, FRAMES, MANIFEST, QUICK, SIZE, Faults, farm, film, job, made, servers


def first(fault: str) -> Callable[[int], Faults]:
    """The first batch of each server goes wrong, all others well."""
    return lambda number: Faults(lambda settings, posted: fault if posted == 1 else "")


def always(fault: str) -> Callable[[int], Faults]:
    return lambda number: Faults(lambda settings, posted: fault)


def test_a_job_becomes_a_film_that_was_checked(tmp_path: Path) -> None:
    seen: list[Change] = []
    with servers(tmp_path) as found, farm(found, tmp_path) as ours:
        rendered = ours.render(job(1, tmp_path), seen.append)
    assert rendered == Rendered(tmp_path / "films/1.mp4", FRAMES, SIZE, FPS, len(film(FRAMES, *SIZE, FPS)), found[0].url, tries=1)
    assert check(rendered.path, frames=FRAMES, size=SIZE, fps=FPS).bytes == rendered.bytes
    assert {change.id for change in seen} == {"song 1"}
    assert seen[-1].progress == 1.0
    assert [path.name for path in rendered.path.parent.iterdir()] == ["1.mp4"]


def test_a_finished_job_asks_no_server_again(tmp_path: Path) -> None:
    with servers(tmp_path) as found:
        with farm(found, tmp_path) as ours:
            before = ours.render(job(1, tmp_path))
        asked = sum(found[0].asked.values())
        with farm(found, tmp_path) as ours:
            assert ours.render(job(1, tmp_path)) == before
        assert sum(found[0].asked.values()) == asked


def test_other_settings_or_a_film_that_is_gone_make_the_job_new(tmp_path: Path) -> None:
    with servers(tmp_path) as found, farm(found, tmp_path) as ours:
        ours.render(job(1, tmp_path)).path.unlink()
        rendered = ours.render(job(1, tmp_path))
        other = Job("song 1", settings(MANIFEST, size=SIZE, seed=5), FRAMES, SIZE, FPS, rendered.path)
        ours.render(other)
    assert found[0].made == {1: 2, 5: 1}


@pytest.mark.parametrize("fault", ["RETRYABLE", "no file", "wrong frames", "wrong size", "wrong rate", "cut film"])
def test_what_goes_wrong_is_tried_on_another_server(tmp_path: Path, fault: str) -> None:
    with servers(tmp_path, 2, first(fault)) as found, farm(found, tmp_path) as ours:
        found[1].faults = Faults()
        # `turn` in Leases.any sends this job to the first server first.
        number = next(n for n in range(1, 9) if sum(f"song {n}".encode()) % 2 == 0)
        rendered = ours.render(job(number, tmp_path))
    assert rendered.tries == 2
    assert (found[0].posted[number], found[1].posted[number]) == (1, 1)
    assert made(found) == {number: 1}


@pytest.mark.parametrize(
    "fault, reason",
    [
        ("RETRYABLE", "failed"),
        ("no file", "no_film"),
        ("wrong frames", "wrong_frames"),
        ("wrong size", "wrong_size"),
        ("wrong rate", "wrong_rate"),
        ("cut film", "unreadable_film"),
        ("stall", "stalled"),
        ("queued for ever", "stalled"),
        ("TERMINAL", "terminal"),
        ("CANCELLED", "cancelled"),
        ("restart", "lost"),
    ],
)
def test_what_goes_wrong_each_time_ends_with_its_reason(tmp_path: Path, fault: str, reason: str) -> None:
    with servers(tmp_path, 1, always(fault)) as found:
        with farm(found, tmp_path, tries=2, stalled_after=0.15) as ours, pytest.raises(VideoError) as ended:
            ours.render(job(1, tmp_path))
        posted = found[0].posted[1]
        # The end is kept: a new run does not begin again, unless it is told to.
        with farm(found, tmp_path, tries=2) as ours, pytest.raises(VideoError, match=ended.value.detail[:30]):
            ours.render(job(1, tmp_path))
        assert found[0].posted[1] == posted
        found[0].faults = Faults()
        with farm(found, tmp_path, again=True) as ours:
            assert ours.render(job(1, tmp_path)).frames == FRAMES
    assert ended.value.reason == reason
    assert posted == {"terminal": 1, "cancelled": 1, "lost": 11}.get(reason, 2)
    assert ended.value.detail.endswith(".")


def test_a_stalled_batch_is_cancelled_before_the_job_is_sent_again(tmp_path: Path) -> None:
    with servers(tmp_path, 1, first("stall")) as found, farm(found, tmp_path, stalled_after=0.15) as ours:
        assert ours.render(job(1, tmp_path)).tries == 2
    assert found[0].deleted == 1
    assert found[0].together == 1


def test_a_film_finished_just_before_a_restart_is_not_made_again(tmp_path: Path) -> None:
    with servers(tmp_path) as found, farm(found, tmp_path) as ours:
        ours.render(job(1, tmp_path))  # tells where the server's films lie
        found[0].faults = Faults(lambda settings, posted: "restart after")
        ours.render(job(2, tmp_path))
    assert made(found) == {1: 1, 2: 1}
    assert found[0].posted[2] == 1


def test_a_batch_whose_answer_was_lost_is_found_by_its_mark(tmp_path: Path) -> None:
    with servers(tmp_path) as found, farm(found, tmp_path) as ours:
        server, route = found[0], found[0].route
        spoilt = iter(["cut", "500", "garbage"])

        def spoiling(method: str, url: Any, body: bytes) -> tuple[int, Any]:
            status, told = route(method, url, body)
            if method == "POST":
                return {"cut": (200, 7), "500": (500, told), "garbage": (202, "{{{")}[next(spoilt)]
            return status, told

        server.route = spoiling  # type: ignore[method-assign]
        for number in range(3):
            ours.render(job(number, tmp_path))
    assert made(found) == {0: 1, 1: 1, 2: 1}
    assert found[0].posted == {0: 1, 1: 1, 2: 1}


def test_a_list_of_jobs_too_long_to_read_is_gone_through_by_batches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("motet.sources.wire.MOST_BYTES", 20_000)  # one job's answer has some 9000
    with servers(tmp_path) as found, farm(found, tmp_path) as ours:
        for number in range(3):
            ours.render(job(number, tmp_path))
        route = found[0].route
        found[0].route = lambda method, url, body: (  # type: ignore[method-assign]
            (500, route(method, url, body)) if method == "POST" else route(method, url, body)
        )
        ours.render(job(3, tmp_path))
    assert found[0].posted[3] == 1


def test_a_server_that_is_down_is_left_alone_and_used_again_later(tmp_path: Path) -> None:
    with servers(tmp_path, 2) as found, farm(found, tmp_path) as ours:
        found[0].restart(down=600)
        outcomes = list(ours.run(job(number, tmp_path) for number in range(8)))
        assert set(found[1].made) == set(range(8))
        found[0].down_until = 0.0
        for number in range(8, 2000):
            outcomes += ours.run([job(number, tmp_path)])
            if found[0].made:
                break
    assert all(outcome.rendered for outcome in outcomes)
    assert set(made(found).values()) == {1}
    assert found[0].made


def test_when_all_servers_stay_away_jobs_end_with_a_reason_and_may_be_asked_for_again(tmp_path: Path) -> None:
    with servers(tmp_path, 2) as found:
        for server in found:
            server.restart(down=60)
        with farm(found, tmp_path, patience=0.2) as ours:
            outcomes = list(ours.run([job(1, tmp_path), job(2, tmp_path)]))
        assert [outcome.error.reason for outcome in outcomes if outcome.error] == ["no_server", "no_server"]
        for server in found:
            server.down_until = 0.0
        with farm(found, tmp_path) as ours:
            assert ours.render(job(1, tmp_path)).tries == 1


def test_a_server_has_one_batch_at_a_time_whoever_asks(tmp_path: Path) -> None:
    with servers(tmp_path, 2) as found, farm(found, tmp_path) as one, farm(found, tmp_path) as two:
        outcomes: list[Outcome] = []

        def run(ours: Farm) -> None:
            outcomes.extend(ours.run(job(number, tmp_path) for number in range(10)))

        threads = [threading.Thread(target=run, args=(ours,)) for ours in (one, two)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(outcomes) == 20
    assert all(outcome.rendered for outcome in outcomes)
    assert [server.together for server in found] == [1, 1]
    assert made(found) == dict.fromkeys(range(10), 1)


def test_folders_of_a_server_are_found_under_ours(tmp_path: Path) -> None:
    with servers(tmp_path) as found:
        theirs = str(found[0].folder)
        (tmp_path / "mounted").mkdir()
        Path(theirs).symlink_to(tmp_path / "mounted")
        with farm(found, tmp_path, outputs={"/elsewhere": tmp_path}) as ours, pytest.raises(UserError, match="outputs"):
            ours.render(job(1, tmp_path))
        # What was made before the setting was right is not made again.
        with farm(found, tmp_path, outputs={theirs: tmp_path / "mounted"}) as ours:
            ours.render(job(1, tmp_path))
    assert found[0].posted == {1: 1}


@pytest.mark.parametrize("outdir", ["/srv/../../etc", "relative", "", None, 7, "/x" * 9000])
def test_a_server_cannot_name_a_file_outside_its_folders(tmp_path: Path, outdir: Any) -> None:
    with servers(tmp_path) as found, farm(found, tmp_path, tries=1) as ours:
        change = found[0].change
        found[0].change = lambda job, epoch, **new: change(  # type: ignore[method-assign]
            job, epoch, **{**new, **({"outdir": outdir} if "outdir" in new else {})}
        )
        with pytest.raises(VideoError) as ended:
            ours.render(job(1, tmp_path))
    assert ended.value.reason == "no_film"


def test_a_password_is_sent_and_never_shown(tmp_path: Path) -> None:
    with servers(tmp_path) as found:
        found[0].password = "a-word-of-mine"
        seen: list[Change] = []
        with farm(found, tmp_path) as ours:
            rendered = ours.render(job(1, tmp_path), seen.append)
        found[0].password = "another"
        stale = Farm([f"http://me:a-word-of-mine@127.0.0.1:{found[0].port}"], tmp_path / "journal", **QUICK)
        with stale as ours, pytest.raises(UserError, match="password") as refused:
            ours.render(job(2, tmp_path))
    kept = b"".join(path.read_bytes() for path in (tmp_path / "journal").rglob("*.json"))
    assert kept
    for shown in (repr(rendered), repr(seen), str(refused.value), kept.decode()):
        assert "a-word-of-mine" not in shown


def test_settings_that_deforum_would_misread_are_not_sent(tmp_path: Path) -> None:
    with servers(tmp_path) as found, farm(found, tmp_path) as ours:
        wrong = Job("song", {**job(1, tmp_path).settings, "zoom": "0:(bez(1,2))"}, FRAMES, SIZE, FPS, tmp_path / "x.mp4")
        with pytest.raises(VideoError) as ended:
            ours.render(wrong)
    assert ended.value.reason == "bad_settings"
    assert not found[0].posted


@pytest.mark.parametrize("address", ["", "127.0.0.1:7860", "ftp://host", "http://", "http://host:99999"])
def test_what_is_no_address_is_told(tmp_path: Path, address: str) -> None:
    with pytest.raises(UserError, match="http://127"):
        Farm([address], tmp_path)
    with pytest.raises(UserError, match="no server"):
        Farm([], tmp_path)


def test_a_server_without_deforum_is_told(tmp_path: Path) -> None:
    with servers(tmp_path) as found, farm(found, tmp_path) as ours:
        found[0].route = lambda method, url, body: (404, {"detail": "Not Found"})  # type: ignore[method-assign]
        with pytest.raises(UserError, match="--deforum-api"):
            ours.render(job(1, tmp_path))


def test_closing_a_farm_leaves_its_batches_to_the_next(tmp_path: Path) -> None:
    with servers(tmp_path) as found:
        found[0].step = 0.2
        with farm(found, tmp_path) as ours:
            outcomes = ours.run([job(1, tmp_path), job(2, tmp_path)])
            next(outcomes)
            outcomes.close()  # type: ignore[attr-defined]
        with farm(found, tmp_path) as ours:
            assert all(outcome.rendered for outcome in ours.run([job(2, tmp_path), job(1, tmp_path)]))
    assert made(found) == {1: 1, 2: 1}
