"""Daft: a function in processes of its own, whose errors are logged and leave null."""

import sys
from pathlib import Path

import daft
from daft import DataType
from work import FIELDS, clean, found

KINDS = {"text": DataType.string(), "whole": DataType.int64(), "real": DataType.float64()}


@daft.func(
    return_dtype=DataType.struct({name: KINDS[kind] for name, kind in FIELDS.items()}),
    unnest=True,
    use_process=True,
    max_retries=1,
    on_error="log",
)
def cleaned(path):  # type: ignore[no-untyped-def]
    return clean(path)


def main(folder: str, out: str) -> None:
    paths = daft.from_pydict({"source": found(folder)}).into_batches(16)
    paths.select(cleaned(paths["source"])).write_parquet(str(Path(out, "rows")), write_mode="overwrite")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
