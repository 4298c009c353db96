"""joblib: loky's processes, and Memory so that what was computed is not computed again."""

import json
import sys
from pathlib import Path

from joblib import Memory, Parallel, delayed
from work import clean, found


def main(folder: str, out: str) -> None:
    Path(out).mkdir(exist_ok=True)
    kept = Memory(Path(out, "memory"), verbose=0).cache(clean)
    rows = Parallel(n_jobs=2)(delayed(kept)(path) for path in found(folder))
    Path(out, "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
