"""Hugging Face Datasets: map in two processes over a list in a file, its results kept by fingerprint."""

import sys
from pathlib import Path

from datasets import load_dataset
from work import clean, found


def cleaned(row: dict[str, str]) -> dict[str, object]:
    return clean(row["text"])


def main(folder: str, out: str) -> None:
    Path(out).mkdir(exist_ok=True)
    paths = Path(out, "paths.txt")
    text = "\n".join(found(folder))
    if not paths.is_file() or paths.read_text() != text:  # the cache goes by the time of the file
        paths.write_text(text)
    listed = load_dataset("text", data_files=str(paths), split="train", cache_dir=str(Path(out, "cache")))
    listed.map(cleaned, num_proc=2, remove_columns=["text"]).to_parquet(Path(out, "rows.parquet"))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
