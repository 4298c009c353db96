"""Ray Data: map over paths, with checkpoints by path, and blocks that fail left out."""

import sys
from pathlib import Path

import ray
from ray.data.checkpoint import CheckpointConfig
from work import clean, found


def main(folder: str, out: str) -> None:
    ray.init(address="local", num_cpus=2, include_dashboard=False)
    context = ray.data.DataContext.get_current()
    context.max_errored_blocks = -1
    context.enable_progress_bars = False
    Path(out, "checkpoint").mkdir(parents=True, exist_ok=True)
    context.checkpoint_config = CheckpointConfig(
        id_column="path", checkpoint_path=str(Path(out, "checkpoint")), delete_checkpoint_on_success=False
    )
    rows = ray.data.from_items([{"path": path} for path in found(folder)], override_num_blocks=100).map(
        lambda row: clean(row["path"])
    )
    rows.write_parquet(str(Path(out, "rows")))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
