"""Ray's tasks: sixteen files each, since Ray advises against small tasks, and a bounded number at a time."""

import json
import sys
from pathlib import Path

import ray
from work import clean, found

TOGETHER, PENDING = 16, 20


@ray.remote(max_retries=1)
def cleaned(paths: list[str]) -> list[dict[str, object]]:
    return [clean(path) for path in paths]


def main(folder: str, out: str) -> None:
    ray.init(address="local", num_cpus=2, include_dashboard=False)
    Path(out).mkdir(exist_ok=True)
    paths, pending = found(folder), []
    waiting = [paths[at : at + TOGETHER] for at in range(0, len(paths), TOGETHER)]
    with Path(out, "rows.jsonl").open("w") as file:
        while waiting or pending:
            while waiting and len(pending) < PENDING:
                pending.append(cleaned.remote(waiting.pop(0)))
            done, pending = ray.wait(pending)
            for ref in done:
                try:
                    file.writelines(json.dumps(row) + "\n" for row in ray.get(ref))
                except ray.exceptions.RayError as error:
                    print(f"lost: {error}", file=sys.stderr)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
