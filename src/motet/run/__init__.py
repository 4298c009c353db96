"""Running stages over many rows: what a stage is, its keys, the engine, and the build that ties them together."""

from motet.run.stage import Drop, Settings, Tools, Unanswered, Verdict, stage

__all__ = ["Drop", "Settings", "Tools", "Unanswered", "Verdict", "stage"]
