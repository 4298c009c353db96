"""What the notes of known songs say, kept as it was: a change of any analysis shows here, song by song.

The demo's tunes are always looked at; of the shared collection 50 files, known by their content alone. When a change is
meant, `python tests/midi/test_golden_facts.py` renews `golden_facts.json`; its diff is to be read like code.
"""

import hashlib
import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from motet import demo, midi

GOLDEN = Path(__file__).with_name("golden_facts.json")
COLLECTIONS = ("messy", "lakh-layout", "artist-title", "free", "pop909")
PER_COLLECTION = 10


def facts_of(data: bytes) -> dict[str, Any]:
    """The main facts in the open, and a digest of every one, floats to four digits."""
    passage = midi.Passage.whole(midi.read(data))
    found = midi.describe(passage)
    sections = midi.describe_sections(passage, found)
    words = midi.words(data)
    counted = [chord.symbol for chord in found.chords]
    return {
        "key": found.key and f"{found.key.name} {found.key.confidence:.3f}",
        "tap": found.tap and f"{found.tap.tempo:.2f} {found.tap.confidence:.3f}",
        "metre": found.metre and f"{found.metre.numerator}/{found.metre.denominator}",
        "feel": found.feel and ("quantised" if found.feel.quantised else "played"),
        "form": " ".join(f"{one.section.label}@{passage.clock.to_bars(one.section.start)[0] + 1}" for one in sections),
        "chords": " ".join(counted[:12]),
        "roles": " ".join(f"{one.program}:{one.role}" for one in found.instruments),
        "loudness": f"{found.lufs:.2f}",
        "digest": digest([found, sections, words]),
    }


def digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(plain(value)).encode()).hexdigest()[:24]


def plain(value: Any) -> Any:
    if isinstance(value, float):
        return f"{value:.4g}"
    if hasattr(value, "__dataclass_fields__"):
        return {name: plain(getattr(value, name)) for name in value.__dataclass_fields__}
    return [plain(inner) for inner in value] if isinstance(value, (list, tuple)) else value


def tunes(folder: Path) -> dict[str, bytes]:
    demo.write(folder)
    found = {}
    for path in sorted(folder.glob("*/*.mid")):
        data = path.read_bytes()
        try:
            midi.read(data)
        except midi.Unreadable:
            continue
        found[path.stem] = data
    return found


def shared() -> Path:
    beside = Path(__file__).resolve().parents[3] / "shared"
    return Path(os.environ.get("MOTET_SHARED") or beside) / "data" / "midi"


def by_content(root: Path) -> dict[str, Path]:
    """Every readable file of the collections by the start of its SHA-256."""
    files = (path for name in COLLECTIONS for path in sorted((root / name).rglob("*.mid")))
    return {hashlib.sha256(path.read_bytes()).hexdigest()[:16]: path for path in files}


def test_the_facts_of_the_demo_are_what_they_were(tmp_path: Path) -> None:
    kept = json.loads(GOLDEN.read_text())["demo"]
    assert {name: facts_of(data) for name, data in tunes(tmp_path).items()} == kept


@pytest.mark.shared
def test_the_facts_of_fifty_real_songs_are_what_they_were() -> None:
    kept, here = json.loads(GOLDEN.read_text())["shared"], by_content(shared())
    if missing := kept.keys() - here.keys():
        pytest.skip(f"{len(missing)} of the {len(kept)} files are not in this shared folder")
    assert len(kept) == PER_COLLECTION * len(COLLECTIONS)
    assert {name: facts_of(here[name].read_bytes()) for name in kept} == kept


def renew() -> None:
    """Look at the demo and, where the shared folder is, at the first files of each collection by hash."""
    import tempfile

    told = json.loads(GOLDEN.read_text()) if GOLDEN.exists() else {"shared": {}}
    with tempfile.TemporaryDirectory() as folder:
        told["demo"] = {name: facts_of(data) for name, data in tunes(Path(folder)).items()}
    if shared().is_dir():
        told["shared"] = {}
        for collection in COLLECTIONS:
            taken = 0
            here = {key: path for key, path in by_content(shared()).items() if path.relative_to(shared()).parts[0] == collection}
            for name in sorted(here):
                try:
                    told["shared"][name] = facts_of(here[name].read_bytes())
                except midi.Unreadable:
                    continue
                taken += 1
                if taken == PER_COLLECTION:
                    break
    GOLDEN.write_text(json.dumps(told, indent=1, sort_keys=True) + "\n")
    print(f"renewed {GOLDEN}")


if __name__ == "__main__":
    sys.exit(renew())
