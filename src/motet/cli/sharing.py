"""The commands that take datasets out of Motet: export, publish."""

from __future__ import annotations

import argparse
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console

from motet.cli.shared import Command, at_least, printable
from motet.errors import UserError
from motet.wording import count, several, size

_KINDS = (
    "huggingface, audiofolder, webdataset, stable-audio, audiocraft, jsonl, midi, tokens, piano-rolls, song-tree, slakh, "
    "twelve-fields, song-json, manifests, shards or midi-video: what each is, docs/exports.md tells"
)


def add(command: Command) -> None:
    sub = command("export", _export, "write what is in a dataset in a form that others read")
    sub.add_argument("dataset", metavar="DIR")
    sub.add_argument("--as", dest="kind", required=True, metavar="NAME", help=_KINDS)
    sub.add_argument("--to", required=True, metavar="OUT", help="a folder")
    sub.add_argument("--where", default="", metavar="SQL", help='only these songs, labels or clips, such as "tempo > 120"')
    sub.add_argument("--split", nargs="+", choices=("train", "validation", "test"), help="only these splits")
    sub.add_argument("--of", choices=("clips", "songs"), help="what an example is, where the form leaves a choice")
    sub.add_argument("--include", metavar="VOICES", help="of mix,stems,midi,video,captions: what is written of each example")
    sub.add_argument("--audio", metavar="FORMAT", help="flac, wav, ogg, opus or mp3; else as stored, and cuts as FLAC")
    sub.add_argument("--rate", type=at_least(1), metavar="HZ", help="another sample rate")
    sub.add_argument("--channels", type=at_least(1), metavar="N", help="1 or 2")
    sub.add_argument("--captions", choices=("first", "all"), default="first", help="one caption of each example, or all")
    sub.add_argument("--shard", type=at_least(1), metavar="MB", help="size at which a shard is closed (default: 500)")
    sub.add_argument(
        "--licence", choices=("commercial",), help="only examples of which every part allows this use; unknown counts as not"
    )
    sub.add_argument("--title", default="", metavar="TEXT", help="of the card (default: the dataset's folder)")
    sub.add_argument("--purpose", default="", metavar="TEXT", help="for the card: why the dataset was made")
    sub.add_argument("--maker", default="", metavar="TEXT", help="for the card: who made it, and whom to ask")
    sub.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="an option of this form alone")

    sub = command("publish", _publish, "bring an export to a bucket, to the Hugging Face Hub or to another folder")
    sub.add_argument("export", metavar="DIR", help="the folder of an export")
    sub.add_argument("url", metavar="URL", help="s3://bucket/prefix, hf://datasets/owner/name, file:///path or a path")
    sub.add_argument("--dry-run", action="store_true", help="say what would be sent, and how much; send nothing")
    sub.add_argument("--replace", action="store_true", help="files that differ become a new version; the old one is kept")
    sub.add_argument("--forget", action="store_true", help="a takedown: what is not in the folder goes, from old versions too")
    sub.add_argument("--endpoint", metavar="URL", help="of another S3-compatible store (default: AWS_ENDPOINT_URL)")
    sub.add_argument("--public", action="store_true", help="a new repository on the Hub is public (default: private)")
    sub.add_argument("--squash", action="store_true", help="with --forget on the Hub: drop the history that still holds it")
    sub.add_argument("--take-over", action="store_true", help="go on where another machine's publisher was stopped for good")
    sub.add_argument("--verify", action="store_true", help="compare what is there with its manifest, by checksum; send nothing")


def _export(options: argparse.Namespace) -> int:
    from motet.dataset.folder import Dataset
    from motet.export.example import SPLITS, Choice
    from motet.exporting import FORMS, available, export
    from motet.exporting.carding import About
    from motet.exporting.reading import Wanted

    dataset, form = Dataset(options.dataset), FORMS.get(options.kind)
    given = [options.split, options.of, options.include, options.audio, options.rate, options.channels, options.shard]
    chosen: dict[str, Any] = {}
    if form:
        songs = (options.of or form.of) == "songs"
        voices = form.voices & available(dataset, songs=songs)
        if options.include is not None:
            voices = frozenset(options.include.replace(" ", "").split(","))
        shard = {"shard_bytes": options.shard * 1_000_000} if options.shard else {}
        chosen["choice"] = Choice(
            voices,
            options.audio or "",
            options.rate,
            options.channels,
            options.captions,
            options=dict(map(_option, options.set)),
            **shard,
        )
        splits = tuple(options.split) if options.split else SPLITS
        chosen["about"] = About(options.title, options.purpose, options.maker)
        chosen["wanted"] = Wanted("", splits, options.licence or "", songs)
    elif any(given) or options.set or options.licence or options.captions != "first":
        raise UserError(f"The export {options.kind} takes --where only: what is in it, it decides itself.")
    done = export(dataset, options.kind, Path(options.to), options.where, **chosen)
    if options.json:
        print(json.dumps({"as": options.kind, "to": options.to, "files": done.files, "remarks": done.remarks}, indent=1))
    else:
        print(f"Wrote {several(len(done.files), 'file')} to {options.to}.", *map(printable, done.remarks), sep="\n")
    return 0


def _option(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise UserError(f"{text!r} is no option: write name=value.")
    return name, value


def _publish(options: argparse.Namespace) -> int:
    from motet.dataset.folder import RECIPE_FILE

    if (Path(options.export) / RECIPE_FILE).exists():
        raise UserError(
            f"{options.export} is a dataset, which holds more than others should have: export it, as in "
            f"`motet export {options.export} --as huggingface --to OUT`, and publish OUT."
        )
    hub = options.url.startswith("hf://")
    for name, belongs in (("endpoint", not hub), ("take_over", not hub), ("public", hub), ("squash", hub)):
        if getattr(options, name) and not belongs:
            raise UserError(f"--{name.replace('_', '-')} is of no use for {options.url.partition('?')[0]}: leave it out.")
    if options.verify:
        return _verify(options, hub)
    console = Console(stderr=True)
    with _Sending(console) as watch:
        done = _send(options, hub, watch)
    if options.json:
        told = {name: getattr(done, name) for name in ("version", "sent", "skipped", "bytes", "url")}
        print(json.dumps({**told, "gone": list(done.gone), "remarks": list(done.remarks), "dry_run": options.dry_run}, indent=1))
        return 0
    if options.dry_run:
        for file in done.plan.sending[:20]:
            print(printable(f"{size(file.size):>9}  {file.path}"))
        more = len(done.plan.sending) - 20
        print(
            f"{'' if more <= 0 else f'and {count(more)} more. '}{several(done.sent, 'file')}, {size(done.bytes)}, would be sent."
        )
    elif not done.sent and not done.gone:
        print(f"All is there already, as version {done.version}.")
    else:
        print(f"Sent {several(done.sent, 'file')}, {size(done.bytes)}; {count(done.skipped)} were there. Version {done.version}.")
    for remark in done.remarks:
        print(printable(remark))
    return 0


def _send(options: argparse.Namespace, hub: bool, watch: Any) -> Any:
    same = {"replace": options.replace, "forget": options.forget, "dry_run": options.dry_run, "watch": watch}
    now = datetime.now(UTC)
    if hub:
        from motet.publish.hub import publish

        return publish(Path(options.export), options.url, public=options.public, squash=options.squash, made_at=now, **same)
    from motet.publish.store import publish as to_store

    return to_store(
        Path(options.export), options.url, endpoint=options.endpoint, take_over=options.take_over, made_at=now, **same
    )


def _verify(options: argparse.Namespace, hub: bool) -> int:
    if hub:
        from motet.publish.hub import verify

        faults = verify(options.url)
    else:
        from motet.publish.store import verify as of_store

        faults = of_store(options.url, endpoint=options.endpoint, whole=True)
    if options.json:
        print(json.dumps([vars(fault) for fault in faults], indent=1))
    else:
        for fault in faults:
            print(printable(f"{fault.where}: {fault.sentence}"))
        print("All is as its manifest says." if not faults else several(len(faults), "fault") + ".")
    return 1 if faults else 0


class _Sending:
    """How many files and bytes are sent, on a terminal."""

    def __init__(self, console: Console) -> None:
        self._status = console.status("looking at what is there") if console.is_terminal else None

    def __enter__(self) -> _Sending:
        if self._status:
            self._status.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._status:
            self._status.stop()

    def __call__(self, files: int, sent: int) -> None:
        if self._status:
            self._status.update(f"{several(files, 'file')} sent, {size(sent)}")
