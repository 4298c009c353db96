"""multiprocessing.Pool: rows are written as they come."""

import json
import sys
from multiprocessing import Pool
from pathlib import Path

from work import clean, found


def main(folder: str, out: str) -> None:
    Path(out).mkdir(exist_ok=True)
    with Pool(2) as pool, Path(out, "rows.jsonl").open("w") as file:
        for row in pool.imap_unordered(clean, found(folder), chunksize=16):
            file.write(json.dumps(row) + "\n")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
