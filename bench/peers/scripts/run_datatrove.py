"""datatrove: many tasks on two workers, each of which is skipped once it was completed."""

import sys
from pathlib import Path

from datatrove.data import Document
from datatrove.executor import LocalPipelineExecutor
from datatrove.pipeline.base import PipelineStep
from datatrove.pipeline.writers import JsonlWriter
from work import clean, found


class Clean(PipelineStep):
    name = "clean"
    type = "Reader"

    def __init__(self, folder: str) -> None:
        super().__init__()
        self.folder = folder

    def run(self, data, rank: int = 0, world_size: int = 1):  # type: ignore[no-untyped-def]
        for path in found(self.folder)[rank::world_size]:
            row = clean(path)
            yield Document(text=row["sha256"], id=path, metadata=row)


def main(folder: str, out: str) -> None:
    pipeline = [Clean(folder), JsonlWriter(str(Path(out, "rows")))]
    LocalPipelineExecutor(pipeline, tasks=100, workers=2, logging_dir=str(Path(out, "logs"))).run()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
