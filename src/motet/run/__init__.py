"""Running stages over many rows: what a stage is, its keys, the engine, and the build that ties them together."""

from motet.run.stage import Drop, Needs, Settings, Tools, Unanswered, Verdict, stage

__all__ = ["Drop", "Needs", "Settings", "Tools", "Unanswered", "Verdict", "stage"]
