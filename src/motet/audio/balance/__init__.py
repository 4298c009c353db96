"""How varied a set of clips is, and which of them to keep so that nothing outweighs the rest.

report = counts(clips)
target = Target.model_validate({"genre": {"caps": {"rock": 0.3}}, "mode": {"want": {"minor": 0.4}}, "most_per_artist": 20})
kept = [choice.id for choice in select(clips, target) if choice.keep]
"""

from motet.audio.balance.choosing import Choice, select
from motet.audio.balance.report import Report, Spread, as_markdown, asks, counts, table
from motet.audio.balance.target import FIELDS, UNKNOWN, Aim, Clip, Target, Tempi

__all__ = [
    "FIELDS", "UNKNOWN", "Aim", "Choice", "Clip", "Report", "Spread", "Target", "Tempi",
    "as_markdown", "asks", "counts", "select", "table",
]  # fmt: skip
