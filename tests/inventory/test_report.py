"""The report: one structure of figures, and four forms that say the same, whatever the names are."""

import json
import re
from dataclasses import replace
from functools import cache
from html.parser import HTMLParser
from io import StringIO
from pathlib import Path

import pytest
from markdown_it import MarkdownIt
from rich.console import Console

from motet.errors import UserError
from motet.inventory import datasets
from motet.inventory.findings import Absent, Copy, Derived, Evidence, Holding, Inventory, PartFound, State, Unknown
from motet.inventory.known import Dataset
from motet.inventory.report import make, markdown, page, record, terminal
from motet.inventory.report.difference import against, difference, nothing_changed
from motet.inventory.report.figures import Report, StateChange
from motet.inventory.report.gathering import figures
from motet.inventory.report.words import STATES, out_of, runs, share_of, shown, to_fetch, typed
from motet.inventory.settings import Settings
from motet.wording import count, several, size

HOSTILE = [
    "<script>alert(1)</script>",
    "</style><img src=x onerror=alert(1)>",
    "[bold red]x[/bold red] [link=file:///etc]y[/link]",
    "| a | b |\n|---|---|",
    "`code` ``more`` ```\n# heading",
    "**bold** _under_ [a](https://example.org) ![b](c.png) <https://example.org> &amp; &#60;",
    "\x1b[31m\x1b]0;title\x07\rgone\x08\x7f\x9b2J",
    "not \udcff\udce9 UTF-8",
    "\u202egnp.exe\u2066",
    "1. not a list",
    "- [ ] not a box",
    "$title ${style} %s {0}",
    "x" * 5000,
    "أغنية 音楽 🎻",
]


def dataset(name: str = "toy", *, required: int = 100, optional: int = 40, **changes: object) -> Dataset:
    told = {
        "name": name,
        "title": f"The {name} set",
        "about": "notes that we wrote ourselves",
        "modalities": ["midi"],
        "tasks": [],
        "licence": {"name": "CC0-1.0", "source": "us"},
        "citation": "Ourselves (2026)",
        "home": "https://example.org/toy",
        "sources": {"us": "https://example.org/toy"},
        "folders": [name],
        "parts": [
            {"name": "midi", "files": "{n}.mid", "kind": "midi", "count": required, "count_source": "us"},
            {"name": "audio", "files": "{n}.wav", "kind": "audio", "count": optional, "count_source": "us", "required": False},
        ],
        "versions": [{"name": "2.0", "source": "us"}, {"name": "1.0", "source": "us"}],
        "traps": ["Half of it is upside down."],
        **changes,
    }
    return Dataset.model_validate(told)


def copy(of: Dataset, where: str, state: State, part: PartFound, *evidence: Evidence, version: str = "2.0") -> Copy:
    return Copy(of.name, where, "/data", state, (), version, (part,), evidence, part.present, part.bytes)


def holding(
    of: Dataset, state: State, *copies: Copy, derived: tuple[Derived, ...] = (), evidence: tuple[Evidence, ...] = ()
) -> Holding:
    return Holding(of, state, (), copies, derived, evidence)


def part(present: int, expected: int | None = 100, **changes: object) -> PartFound:
    return replace(PartFound("midi", present, expected, bytes=present * 1000), **changes)  # type: ignore[arg-type]


@cache
def every_state(name: str = "x") -> Inventory:
    """An inventory in which every state occurs, and `name` wherever a name of someone's disk can stand."""
    whole, half, broken, pointing, old, open_, made, left, gone = (dataset(s.replace("_", "-")) for s in STATES_IN_TURN)
    derived = Derived("mel_spectrograms", f"/data/mel/{name}", 77, 5_000_000, made.name, f"80 bands in {name}", (name,))
    holdings = (
        holding(
            whole,
            "complete",
            copy(whole, "/data/whole", "complete", part(100)),
            copy(whole, f"/backup/{name}", "complete", part(100), Evidence("twice", f"the same names and sizes as {name}")),
        ),
        holding(
            half,
            "partial",
            copy(
                half,
                f"/data/{name}",
                "partial",
                part(7, missing=tuple(f"{name}/{n}.mid" for n in range(93)), lacking={"actor": ("02", "03", "04", name)}),
                Evidence("index", f"its index names {name}", 93, (f"{name}.mid",)),
            ),
        ),
        holding(
            broken,
            "corrupt",
            copy(broken, "/data/broken", "corrupt", part(98, faulty={"truncated": (f"{name}.mid",), "empty": ("b.mid",)})),
        ),
        holding(
            pointing, "pointers", copy(pointing, "/data/p.zip!/p", "pointers", part(0, faulty={"lfs_pointer": ("a", "b", "c")}))
        ),
        holding(old, "wrong_version", copy(old, "/data/old", "wrong_version", part(100), version="1.0")),
        holding(open_, "unverifiable", copy(open_, "/data/open", "unverifiable", part(12, None))),
        holding(made, "processed_only", derived=(derived,)),
        holding(left, "excluded", evidence=(Evidence("excluded", f"{name} says: we train on no toys"),)),
        holding(gone, "missing"),
    )
    return Inventory(
        taken_at="2026-11-22T04:00:00+00:00",
        roots=("/data", f"/mnt/{name}"),
        absent=(Absent(f"/Volumes/{name}", "2026-11-01T00:00:00+00:00", (gone.name,)),),
        holdings=holdings,
        derived=(derived, Derived("training_log", f"/data/logs/{name}", 3, 900, "", f"runs of {name}", (name,))),
        unknown=(Unknown(f"/data/stuff/{name}", 5_432, 9_876_543_210, {"audio": 5_000, "other": 432}),),
        passed=((f"/data/secret/{name}", "unreadable", f"The system does not let us read {name}."),),
        files=123_456,
        bytes=52_000_000_000,
        seconds=4.2,
    )


STATES_IN_TURN: list[State] = list(STATES)


@cache
def told(name: str = "x") -> Report:
    from motet.inventory.tasks import Candidate, Need, Readiness, Recommendation, Task

    inventory = every_state(name)
    task = Task("melody", "lines of notes", ((Need("missing"), Need("partial")),), (Need("corrupt"),))
    lacking = ((Candidate(Need("missing"), "missing", 58_416_533, False), Candidate(Need("partial"), "partial", None, True)),)
    from motet.inventory.report.gathering import advice_lines, task_lines

    ready = task_lines(
        [
            Readiness(task, False, ("",), lacking, ("corrupt",)),
            Readiness(replace(task, name="groove"), True, ("complete",), (), ()),
        ]
    )
    advice = advice_lines(
        [
            Recommendation("low", "corrupt", f"Damaged: {name}.", "motet inventory fetch corrupt --again", 2_000_000),
            Recommendation(
                "high", "missing", "The task melody cannot be done without it.", "motet inventory fetch missing", 58_416_533
            ),
            Recommendation("medium", "pointers", "It helps.", "motet inventory fetch pointers", None, (f"Open {name}.",)),
        ],
        inventory,
        Settings(),
    )
    return figures(inventory, ready, advice)


# --- what each form says, as text a person sees ----------------------------------------------------------------------


def on_terminal(report: Report) -> str:
    out = StringIO()
    console = Console(file=out, width=80, force_terminal=True, color_system=None, legacy_windows=False)
    for line in terminal.lines(report, everything=True):
        console.print(line, soft_wrap=True, highlight=False, markup=False)
    return out.getvalue()


class Page(HTMLParser):
    """What a browser makes of a page: visible text, elements, addresses."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.text: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attributes)))
        if tag not in ("meta", "link", "br", "input"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, "elements are closed in order"

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.text.append(data)


def on_page(report: Report) -> str:
    return "".join(Page(page.page(report)).text)


def in_markdown(report: Report) -> str:
    """The text of the document as a Markdown parser reads it."""
    tokens = MarkdownIt("commonmark").enable("table").parse(markdown.document(report))
    every = [leaf for token in tokens for leaf in (token.children or [token])]
    return "\n".join(leaf.content for leaf in every if leaf.type in ("text", "code_inline", "text_special"))


def as_json(report: Report) -> Report:
    return record.of_json(record.to_json(report))


def plain(text: str) -> str:
    return re.sub(r"\s+", "", text)


def shown_in(name: str) -> str:
    """Of a long name its beginning: more of the text around it may have been left out."""
    return plain(shown(name)[:60])


def statements(report: Report) -> list[str]:
    """Every figure that no form may leave out, in words."""
    total = report.totals
    found = [report.summary, size(total.bytes), count(total.files), several(len(report.datasets), "known dataset")]
    for one in report.datasets:
        found += [one.name, STATES[one.state], one.files, one.why, *one.traps]
        for each in one.copies:
            found += [each.where, size(each.bytes), several(each.files, "file")]
            found += [f"{p.files}, {size(p.bytes)}" for p in each.parts] + [e.sentence for e in each.evidence]
    for task in report.tasks:
        found += [task.name, task.needs, *task.by, *task.helps_missing]
    for advice in report.advice:
        found += [advice.dataset, advice.why, advice.command, to_fetch(advice.bytes), *advice.steps]
    for each in report.processed:
        found.append(each.sentence)
    for made in report.derived:
        found += [made.where, made.evidence, size(made.bytes), *made.names]
    for twice in report.twice:
        found += [*twice.places, f"{count(len(twice.places))} copies, {size(twice.bytes)} in all but the best", *twice.sentences]
    for unknown in report.unknown:
        found += [unknown.where, size(unknown.bytes), count(unknown.files)]
    for absent in report.absent:
        found += [absent.root, absent.sentence]
    for passed in report.not_seen:
        found += [passed.path, passed.sentence]
    found += [action.command for action in report.actions if action.command]
    return found


@pytest.mark.parametrize("form", [on_terminal, in_markdown, on_page])
def test_every_form_says_every_figure(form) -> None:
    report = against(told(), replace(told(), taken_at="2026-11-01", datasets=told().datasets[1:], roots=("/elsewhere",)))
    said = plain(form(as_json(report)))
    for statement in statements(report):
        assert plain(statement) in said, statement
    assert plain("Looked at then, not now: /elsewhere") in said


def test_the_record_is_the_report() -> None:
    for name in HOSTILE:
        assert as_json(told(name)) == told(name)
    held = json.loads(record.to_json(told()))
    assert (held["schema"], held["version"]) == (record.SCHEMA, record.VERSION)
    assert record.to_json(told(HOSTILE[7])).isascii()


# --- hostile names ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_does_nothing_to_a_terminal(name: str) -> None:
    said = on_terminal(told(name))
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]", said)
    assert "\ufffd" in said or shown(name) == name or len(name) > 300
    if "[" in name and "\x1b" not in name:
        assert name.replace("\n", "\ufffd") in said, "brackets are no markup"


@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_does_nothing_to_a_page(name: str) -> None:
    text = page.page(told(name))
    text.encode("utf-8")  # no lone surrogates
    harmless = Page(page.page(told("x")))
    hostile = Page(text)
    assert not hostile.open, "every element is closed"
    kinds = lambda one: [tag for tag, _ in one.elements]  # noqa: E731
    assert kinds(hostile) == kinds(harmless), "a name adds no element"
    for tag, attributes in hostile.elements:
        assert tag != "script"
        assert not any(key.startswith("on") for key in attributes)
        assert not (attributes.get("href") or "").startswith("javascript")
    assert shown_in(name) in plain("".join(hostile.text))


@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_does_nothing_to_markdown(name: str) -> None:
    def shape(text: str) -> list[str]:
        parsed = MarkdownIt("commonmark").enable("table").parse(text)
        leaves = [leaf for token in parsed for leaf in (token.children or [token])]
        return [leaf.type for leaf in leaves if leaf.type not in ("text", "text_special", "softbreak")]

    text = markdown.document(told(name))
    assert shape(text) == shape(markdown.document(told("x"))), "a name adds no element"
    assert shown_in(name) in plain(in_markdown(told(name)))


def test_a_page_asks_nothing_of_any_network() -> None:
    made = Page(page.page(told()))
    for tag, attributes in made.elements:
        assert "src" not in attributes
        if tag != "a":
            assert attributes.get("href", "data:,") == "data:,"
    policy = next(a["content"] for t, a in made.elements if t == "meta" and "Content-Security-Policy" in a.values())
    assert policy is not None
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    style = page.page(told()).partition("<style>")[2].partition("</style>")[0]
    assert "url(" not in style
    assert "@import" not in style


def test_actions_have_boxes_to_tick() -> None:
    report = told()
    assert report.actions
    boxes = [a for t, a in Page(page.page(report)).elements if t == "input"]
    assert len(boxes) == len(report.actions) == markdown.document(report).count("\n- [ ] ")
    assert all(a.get("type") == "checkbox" for a in boxes)


# --- what is said ----------------------------------------------------------------------------------------------------


def why(state: State) -> str:
    return next(one.why for one in told().datasets if one.state == state)


def test_each_state_is_explained_by_its_figures() -> None:
    assert why("complete") == "midi 100 of 100"
    assert why("partial") == "midi 7 of 100 (7.0 %), too few files of actor 02 to 04, x"
    assert why("corrupt").startswith("1 truncated file, 1 empty file; midi 98 of 100")
    assert why("pointers").startswith("3 Git-LFS pointers")
    assert why("wrong_version") == "version 1.0, wanted 2.0"
    assert why("unverifiable") == "12 files; nobody published how many there should be"
    assert why("processed_only") == "77 files made of it in 1 place; no raw file on any root"
    assert why("excluded") == "x says: we train on no toys"
    assert why("missing") == "it lay on /Volumes/x, not attached now"


@pytest.mark.parametrize("form", [on_terminal, in_markdown, on_page, record.to_json])
def test_nothing_is_likely(form) -> None:
    assert not re.search(r"\b(likely|probably|perhaps|maybe|seems?)\b", form(told()), re.IGNORECASE)


def test_a_fragment_is_never_a_hundred_percent() -> None:
    assert share_of(10_180, 178_561) == "5.7 %"
    assert share_of(178_560, 178_561) == "99.9 %"
    assert share_of(1, 178_561) == "less than 0.1 %"
    assert share_of(0, 10) == "0.0 %"


def test_runs_of_values_are_told_by_their_ends() -> None:
    assert runs(["02", "03", "04", "07", "09", "10"]) == "02 to 04, 07, 09, 10"
    assert runs(["9", "10", "11", "a", "²", "b"]) == "9 to 11, a, ², b"
    assert runs([]) == ""


def test_a_path_can_be_typed_whatever_it_is_called() -> None:
    assert typed("/data/my set") == "'/data/my set'"
    assert typed("/d/a\nb'\udcff") == "$'/d/a\\x0ab\\x27\\xff'"


def test_files_of_unknown_number_are_not_made_up() -> None:
    assert out_of(12, None) == "12 of ?"
    unverifiable = next(one for one in told().datasets if one.state == "unverifiable")
    assert unverifiable.expected is None
    assert "of ?" in on_page(told())


def test_commands_name_the_folder_to_fetch_into() -> None:
    commands = {one.dataset: one.command for one in told().advice}
    assert commands["missing"] == "motet inventory fetch missing --to /data"
    assert commands["corrupt"] == "motet inventory fetch corrupt --again --into /data/broken"
    assert [one.priority for one in told().advice] == ["high", "medium", "low"]


def test_optional_parts_do_not_count_towards_a_dataset() -> None:
    of = dataset(required=100, optional=40)
    both = Copy(of.name, "/data/toy", "/data", "complete", (), "2.0", (part(100), replace(part(7, 40), part="audio")), (), 107, 1)
    (one,) = figures(replace(every_state(), holdings=(holding(of, "complete", both),))).datasets
    assert one.files == "100 of 100"
    assert one.why == "midi 100 of 100; audio 7 of 40"


def test_the_whole_registry_makes_a_report() -> None:
    """With nothing on the disks every task is refused with what would make it ready."""
    holdings = tuple(Holding(one, "missing", (), (), (), ()) for one in datasets.known().values())
    report = make(replace(every_state(), holdings=holdings, derived=(), absent=()), Settings())
    assert len(report.datasets) == len(holdings)
    assert report.tasks
    assert all(task.needs and not task.ready for task in report.tasks)
    assert {one.priority for one in report.advice} >= {"high"}
    assert as_json(report) == report
    assert plain(report.tasks[0].needs) in plain(on_page(report))


def test_a_hundred_thousand_missing_files_are_counted_and_a_thousand_named() -> None:
    of = dataset(required=178_561)
    missing = tuple(f"lmd_full/{n % 16:x}/{n}.mid" for n in range(168_381))
    half = copy(of, "/data/chords", "partial", part(10_180, 178_561, missing=missing))
    report = figures(replace(every_state(), holdings=(holding(of, "partial", half),)))
    assert report.datasets[0].why == "midi 10,180 of 178,561 (5.7 %)"
    (one,) = report.datasets[0].copies[0].parts
    assert (one.missing, len(one.missing_files)) == (168_381, 1000)
    for form in (on_terminal, in_markdown, on_page):
        assert "168,381 missing" in form(report)
        assert re.search(r"and\s+168,\d{3}\s+more", form(report)), "how many are not named is said"


# --- the difference --------------------------------------------------------------------------------------------------


def changed(name: str, **changes: object) -> Report:
    """The report with one dataset otherwise."""
    report = told()
    return replace(report, datasets=tuple(replace(d, **changes) if d.name == name else d for d in report.datasets))  # type: ignore[arg-type]


def test_two_equal_reports_differ_in_nothing() -> None:
    assert nothing_changed(difference(told(), as_json(told())))
    assert "No dataset changed" in on_page(against(told(), told()))


def test_a_difference_names_what_changed() -> None:
    old = next(d for d in told().datasets if d.name == "partial")
    more = changed("partial", state="complete", copies=(replace(old.copies[0], files=100, bytes=100_000),))
    found = difference(more, told())
    assert found.states == (StateChange("partial", "partial", "complete", old.why),)
    (amount,) = found.amounts
    assert (amount.files_before, amount.files) == (7, 100)
    assert amount.sentence == "93 files more, now 100 files of 100 kB"
    assert difference(told(), more).amounts[0].sentence.startswith("93 files less")


def test_new_and_gone_places_are_named() -> None:
    one = next(d for d in told().datasets if d.name == "complete")
    moved = changed("complete", copies=(one.copies[0], replace(one.copies[1], where="/elsewhere")))
    found = difference(moved, told())
    assert [place.where for place in found.places_new] == ["/elsewhere"]
    assert [place.where for place in found.places_gone] == ["/backup/x"]
    without = replace(told(), unknown=())
    assert [p.what for p in difference(told(), without).places_new] == ["unknown"]


def test_what_was_not_looked_at_is_said() -> None:
    found = difference(replace(told(), roots=("/data",)), told())
    assert found.roots_gone == ("/mnt/x",)


def test_a_task_that_became_ready_is_told() -> None:
    ready = replace(told(), tasks=tuple(replace(task, ready=True) for task in told().tasks))
    assert difference(ready, told()).tasks_ready == ("melody",)
    assert difference(told(), ready).tasks_not_ready == ("melody",)


def test_a_dataset_the_registry_did_not_have_is_no_change_of_state() -> None:
    before = replace(told(), datasets=tuple(d for d in told().datasets if d.name != "complete"))
    found = difference(told(), before)
    assert found.known_new == ("complete",)
    assert not found.states


# --- keeping ---------------------------------------------------------------------------------------------------------


def test_the_last_report_of_the_same_roots_is_remembered(tmp_path: Path) -> None:
    assert record.last(told(), tmp_path) is None
    other = replace(told(), roots=("/other",), absent=(), taken_at="other")
    record.remember(told(), tmp_path)
    record.remember(other, tmp_path)
    assert record.last(told(), tmp_path) == told()
    assert record.last(replace(other, roots=("/nowhere",)), tmp_path) is None
    assert record.last(replace(other, roots=("/other", "/new")), tmp_path) == other
    assert [p.suffix for p in (tmp_path / "reports").iterdir()] == [".json", ".json"], "nothing half-written is left"


def test_a_damaged_memory_is_no_report(tmp_path: Path) -> None:
    record.remember(told(), tmp_path)
    (kept,) = (tmp_path / "reports").iterdir()
    kept.write_bytes(kept.read_bytes()[:-100])
    assert record.last(told(), tmp_path) is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "[" * 100_000,
        '{"schema": "other"}',
        '{"schema": "motet.inventory.report", "version": 99}',
        '{"schema": "motet.inventory.report", "version": 1}',
        '{"schema": "motet.inventory.report", "version": 1, "taken_at": ' + "9" * 10_000 + "}",
        "\u00ff",
    ],
)
def test_what_is_no_report_is_refused_in_one_sentence(tmp_path: Path, text: str) -> None:
    file = tmp_path / "report.json"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(UserError) as refused:
        record.read(file)
    assert str(file) in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_report_that_was_changed_is_refused(tmp_path: Path) -> None:
    held = json.loads(record.to_json(told()))
    held["datasets"][0]["state"] = "fine"
    with pytest.raises(UserError, match=r"datasets\.0\.state"):
        record.of_json(json.dumps(held))
