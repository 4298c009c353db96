"""`motet caption`: true words about any MIDI file, and the truth about any words."""

from __future__ import annotations

import io
import json
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from motet import demo
from motet.cli import main
from motet.text import Record, check
from sources.serving import Reply, Request, serving
from text.llm_server import asked, completion

Told = tuple[int, str, str]


@pytest.fixture(scope="module")
def tunes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tunes")
    demo.write(folder)
    return folder


@pytest.fixture
def ode(tunes: Path) -> Path:
    return next(tunes.glob("*/Ode to Joy.mid"))


@pytest.fixture
def caption(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Told]:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))

    def told(*words: object) -> Told:
        code = main(["caption", *map(str, words)])
        return code, *capsys.readouterr()

    return told


@pytest.fixture
def facts(caption: Callable[..., Told], ode: Path, tmp_path: Path) -> Path:
    (found,) = json.loads(caption(ode, "--json")[1])
    path = tmp_path / "facts.json"
    path.write_text(json.dumps(found["record"]))
    return path


def test_a_file_gets_a_caption_of_each_form_all_of_them_true(caption: Callable[..., Told], ode: Path) -> None:
    code, out, _ = caption(ode, "--json", *(word for form in ("short", "long", "tags", "question") for word in ("--form", form)))
    (found,) = json.loads(out)
    assert (code, found["file"]) == (0, str(ode))
    assert [one["form"] for one in found["captions"]] == ["short", "long", "tags", "question"]
    for one in found["captions"]:
        assert check(one["text"], found["record"]).verdict == "true"
        assert one["claims"] or one["form"] == "question"
    assert Record.from_json(json.dumps(found["record"])).key.name == "D major"  # type: ignore[union-attr]
    assert caption(ode, "--json")[1] == caption(ode, "--json")[1]
    assert caption(ode, "--seed", 1)[1] != caption(ode, "--seed", 2)[1]


def test_a_folder_s_bad_files_are_left_out_by_name(caption: Callable[..., Told], tunes: Path) -> None:
    code, out, err = caption(tunes)
    assert code == 0
    assert out.count("\n  ") == len([line for line in out.splitlines() if line.startswith("  ")]) > 10
    assert "html_page" in err
    told = json.loads(caption(tunes, "--json")[1])
    assert {"html_page", "truncated"} <= {one["reason"].split("used: ")[1].split()[0] for one in told if "reason" in one}


def test_a_clip_is_told_of_alone(caption: Callable[..., Told], ode: Path) -> None:
    (found,) = json.loads(caption(ode, "--from", 0, "--to", 10, "--json")[1])
    assert found["record"]["seconds"] == pytest.approx(10, abs=0.01)
    assert "section" not in found["record"]


@pytest.mark.parametrize(
    ("text", "verdict", "wrong"),
    [
        ("A piece in D major with a double bass.", "true", ""),
        ("A piece in D minor with a double bass.", "false", "D minor"),
        ("A banjo plays.", "false", "banjo"),
        ("I'm sorry, but I cannot listen to audio.", "junk", ""),
        ("", "junk", ""),
    ],
)
def test_any_text_is_checked_against_facts(
    caption: Callable[..., Told], facts: Path, text: str, verdict: str, wrong: str
) -> None:
    code, out, _ = caption("check", "--facts", facts, "--text", text, "--json")
    told = json.loads(out)
    assert (code, told["verdict"]) == (int(verdict != "true"), verdict)
    assert not wrong or wrong in [one["words"] for one in told["claims"] if one["verdict"] != "supported"]
    assert caption("check", "--facts", facts, "--text", text)[0] == code


def test_a_text_may_come_from_a_file_or_through_a_pipe(
    caption: Callable[..., Told], facts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "said.txt").write_text("A piece in\nD major.\n")
    assert caption("check", "--facts", facts, "--text", tmp_path / "said.txt")[0] == 0
    monkeypatch.setattr("sys.stdin", io.StringIO("A piece in D minor."))
    assert caption("check", "--facts", facts, "--text", "-")[0] == 1


def test_what_caption_prints_is_what_check_takes(
    caption: Callable[..., Told], ode: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(caption(ode, "--json")[1]))
    assert caption("check", "--facts", "-", "--text", "A piece in D major.")[0] == 0


def test_a_tempo_past_all_reason_and_a_single_pitch_are_told_of_plainly(caption: Callable[..., Told], tmp_path: Path) -> None:
    for name, tempo, pitches in (("fast.mid", 1, range(60, 68)), ("one.mid", 500_000, [60] * 8)):
        head = b"MThd" + struct.pack(">LHHH", 6, 0, 1, 96)
        notes = b"".join(struct.pack(">BBBBBBBB", 0, 0x90, pitch, 90, 96, 0x80, pitch, 0) for pitch in pitches) * 8
        body = b"\x00\xff\x51\x03" + tempo.to_bytes(3, "big") + notes + b"\x00\xff\x2f\x00"
        (tmp_path / name).write_bytes(head + b"MTrk" + struct.pack(">L", len(body)) + body)
        code, out, _ = caption(tmp_path / name, "--json")
        (found,) = json.loads(out)
        assert code == 0
        assert "key" not in found["record"] if name == "one.mid" else "tempo" not in found["record"]


def test_what_cannot_be_is_one_sentence(caption: Callable[..., Told], ode: Path, facts: Path, tmp_path: Path) -> None:
    (tmp_path / "no.json").write_text("{")
    (tmp_path / "empty").mkdir()
    for words in (
        ["check"],
        ["check", "--text", "x"],
        ["check", "--facts", tmp_path / "none", "--text", "x"],
        ["check", "--facts", tmp_path / "no.json", "--text", "x"],
        ["check", "--facts", "-", "--text", "-"],
        [ode, "--facts", facts],
        [tmp_path / "none.mid"],
        [tmp_path / "no.json"],
        [tmp_path / "empty"],
        [ode, "--from", 99999],
        [ode, "--writer", "llm"],
        [ode, "--writer", "llm", "--model", "m", "--base-url", "https://models.invalid/v1"],
        [ode, "--writer", "llm", "--model", "m", "--base-url", "nonsense"],
    ):
        code, out, err = caption(*words)
        assert code in (1, 2)
        assert out == ""
        assert err.startswith("motet: ")
        assert err.count("\n") == 1


def answer(request: Request) -> Reply:
    """A model that invents a banjo in its long captions, whatever it is told, and is right otherwise."""
    told = asked(request)
    plays = told.record["instruments"][0]["name"]
    captions: dict[str, Any] = dict.fromkeys(told.styles, f"Music with {plays}.")
    if "long" in captions:
        captions["long"] = f"Music with {plays} and a banjo. It is in F sharp minor."
    return completion(request, captions)


def test_a_model_s_lies_are_sent_back_and_then_replaced(caption: Callable[..., Told], ode: Path) -> None:
    with serving(answer) as service:
        words = [
            ode,
            "--writer",
            "llm",
            "--model",
            "tiny",
            "--base-url",
            f"{service.url}/v1",
            "--form",
            "short",
            "--form",
            "long",
        ]
        code, out, err = caption(*words, "--json")
        (found,) = json.loads(out)
        assert (code, len(service.asked)) == (0, 2)
        assert [one["writer"] for one in found["captions"]] == ["llm", "grammar"]
        assert all(check(one["text"], found["record"]).verdict == "true" for one in found["captions"])
        assert any("banjo" in reason for reason in found["captions"][1]["wrong"])
        assert (found["captions"][0]["model"], bool(found["captions"][0]["prompt_version"])) == ("tiny", True)
        assert "1 request to tiny" in err
        assert "an estimate" in err
        # What was answered is not asked again.
        assert json.loads(caption(*words, "--json")[1]) == [found]
        assert len(service.asked) == 2


def test_where_the_server_is_silent_the_grammar_writes_and_that_is_told(caption: Callable[..., Told], ode: Path) -> None:
    with serving(lambda request: Reply(b"", 402)) as service:
        words = [ode, "--writer", "llm", "--model", "tiny", "--base-url", f"{service.url}/v1", "--words-only", "--form", "long"]
        code, out, err = caption(*words)
    assert code == 1
    assert "Ode to Joy" in out
    assert len(out.splitlines()) == 2
    assert "BPM" not in out
    assert "The grammar wrote instead" in err


def test_nothing_is_asked_that_the_cap_does_not_allow(caption: Callable[..., Told], ode: Path) -> None:
    with serving(answer) as service:
        price = ["--price-in", 100, "--price-out", 400, "--cap", 0.01]
        code, _, err = caption(ode, "--writer", "llm", "--model", "tiny", "--base-url", f"{service.url}/v1", *price)
        assert (code, service.asked) == (2, [])
        assert "cap of $0.01" in err
