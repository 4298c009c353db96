"""The command that takes datasets out of Motet: export."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from motet.cli.shared import Command
from motet.wording import several


def add(command: Command) -> None:
    sub = command("export", _export, "write what is in a dataset in a form that others read")
    sub.add_argument("dataset", metavar="DIR")
    sub.add_argument(
        "--as",
        dest="kind",
        required=True,
        metavar="NAME",
        help="song-json, manifests, shards, audiocraft, twelve-fields or midi-video: what each is, docs/recipes/ tells",
    )
    sub.add_argument("--to", required=True, metavar="OUT", help="a folder")
    sub.add_argument("--where", default="", metavar="SQL", help='only these songs, labels or clips, such as "tempo > 120"')


def _export(options: argparse.Namespace) -> int:
    from motet.dataset.folder import Dataset
    from motet.exporting import export

    done = export(Dataset(options.dataset), options.kind, Path(options.to), options.where)
    if options.json:
        print(json.dumps({"as": options.kind, "to": options.to, "files": done.files, "remarks": done.remarks}, indent=1))
    else:
        print(f"Wrote {several(len(done.files), 'file')} to {options.to}.", *done.remarks, sep="\n")
    return 0
