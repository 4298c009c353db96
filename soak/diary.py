"""What happened: a JSON line per event in the log, a line on the terminal, a summary at the end."""

from __future__ import annotations

import json
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, TextIO

WRONG = {
    "difference": "differences",
    "hang": "hangs",
    "traceback": "tracebacks",
    "unseen": "damage that check did not see",
    "stray": "processes left over",
}
LONG = ("said", "command", "all")  # only for the log


@dataclass
class Diary:
    """The events of one soak; `where` says in which history and round it is."""

    seed: int
    log: TextIO
    began: float = field(default_factory=time.monotonic)
    events: Counter[str] = field(default_factory=Counter)
    hits: Counter[str] = field(default_factory=Counter)
    calm: float = 0.0  # seconds of builds in peace
    disturbed: float = 0.0  # seconds of builds under faults, and of what came after them
    blamed: int = 0
    where: dict[str, int] = field(default_factory=lambda: {"history": 0, "round": 0})

    @property
    def now(self) -> float:
        """Seconds since the soak began."""
        return time.monotonic() - self.began

    def tell(self, event: str, **facts: Any) -> None:
        line = {"seed": self.seed, **self.where, "at": round(self.now, 1), "event": event, **facts}
        self.log.write(json.dumps(line) + "\n")
        self.log.flush()
        self.events[event] += 1
        shown = "  ".join(f"{key} {value}" for key, value in facts.items() if key not in LONG and value not in ("", None))
        print(f"{self.now:7.0f} s  {self.where['history']}.{self.where['round']}  {event:10} {shown}", flush=True)

    def hit(self, kind: str, what: str, *, moment: float | None, lasts: float = 0.0) -> None:
        """A fault befell something: at which second of the build, and for how many."""
        self.hits[kind] += 1
        self.tell("fault", kind=kind, what=what, moment=moment, lasts=lasts)

    @property
    def wrong(self) -> int:
        """How often Motet broke a promise."""
        return sum(self.events[event] for event in WRONG)

    def summary(self, kinds: list[str]) -> str:
        builds = self.events["build"] + self.events["again"] + self.events["twin"]
        lines = {f"  {kind}": self.hits[kind] for kind in sorted(kinds)}
        lines |= {
            "rounds": self.events["round"],
            "builds": builds,
            "seconds in peace": round(self.calm),
            "seconds under faults": round(self.disturbed),
            "rows blamed, asked again": self.blamed,
            "rounds that ended equal": self.events["equal"],
            **{name: self.events[event] for event, name in WRONG.items()},
        }
        head = f"seed {self.seed}: {self.now:.0f} s, {sum(self.hits.values())} faults"
        return "\n".join([head, *(f"{name:32} {number:6}" for name, number in lines.items())])
