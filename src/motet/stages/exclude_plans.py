"""Windows whose films a person judged bad are left out: no film is made of them again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from motet.dataset.rows import Judgement, VideoPlan
from motet.labels import stamp_of
from motet.run import Verdict, stage
from motet.stages.exclude import Exclude, refused


@stage(version=1, filters=True, timeout=3600)
def exclude_plans(plans: Iterable[VideoPlan], judgements: Iterable[Judgement], settings: Exclude) -> Iterator[Verdict[Any]]:
    yield from refused(((plan.id, stamp_of(plan.lineage, plan.start, plan.end)) for plan in plans), judgements, settings)
