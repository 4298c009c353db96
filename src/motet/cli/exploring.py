"""The command that shows a dataset: explore, on a page of one's own or as files for others."""

from __future__ import annotations

import argparse
import json
import sys
import webbrowser
from pathlib import Path

from rich.console import Console

from motet.cli.shared import Command, at_least, printable
from motet.errors import UserError
from motet.wording import several, size


def add(command: Command) -> None:
    sub = command("explore", _explore, "hear, see and judge what is in a dataset, on a page")
    sub.add_argument("dataset", metavar="DIR", help="a dataset, or DIR@TAG")
    sub.add_argument("--beside", action="append", default=[], metavar="OTHER", help="another dataset, to compare with")
    sub.add_argument("--static", type=Path, metavar="OUT", help="write the page as plain files into this folder, and end")
    sub.add_argument("--most", type=at_least(1), metavar="N", help="examples of a static page (default: 200)")
    sub.add_argument("--stems", action="store_true", help="a static page has the stems too")
    sub.add_argument("--host", default="127.0.0.1", metavar="NAME", help="whom the page is open to (default: this machine)")
    sub.add_argument("--port", type=int, default=0, metavar="N", help="of the page (default: any that is free)")
    sub.add_argument("--by", default="", metavar="NAME", help="who judges")
    sub.add_argument("--no-browser", action="store_true", help="only say where the page is")


def _explore(options: argparse.Namespace) -> int:
    from motet.dataset.folder import Dataset

    dataset, beside = Dataset(options.dataset), [Dataset(other) for other in options.beside]
    if options.static is not None:
        served = {"beside": beside, "by": options.by, "port": options.port}
        for name, given in (served | {"host": options.host != "127.0.0.1"}).items():
            if given:
                raise UserError(f"--{name} is of no use for files: leave it out, or leave out --static.")
        return _static(options)
    if options.stems or options.most:
        raise UserError(f"--{'stems' if options.stems else 'most'} is for --static OUT: a served page has all of them anyway.")
    from motet.explorer.serving import serve

    try:
        with serve(dataset, beside=beside, host=options.host, port=options.port, by=options.by) as page:
            if options.json:
                print(json.dumps({"url": page.url, "port": page.port}), flush=True)
            else:
                print(printable(f"{dataset.name} is at {page.url} (Ctrl-C ends it)"), flush=True)
                if page.open:
                    print(
                        "Whoever has this address can hear, see and judge; the way there is not encrypted.",
                        flush=True,
                    )
            if not options.no_browser and sys.stdout.isatty():
                webbrowser.open(page.url)
            while not page.wait(0.5):  # awake now and then: a signal may reach another thread than this one
                continue
    except KeyboardInterrupt:
        print(file=sys.stderr)
    return 0


def _static(options: argparse.Namespace) -> int:
    from motet.dataset.folder import Dataset
    from motet.explorer.static import write

    console = Console(stderr=True)
    status = console.status("reading the dataset") if console.is_terminal else None
    if status:
        status.start()
    try:
        done = write(
            Dataset(options.dataset),
            options.static,
            most=options.most or 200,
            stems=options.stems,
            watch=lambda n, of: status.update(f"{n:,} of {several(of, 'row')}") if status else None,
        )
    except KeyboardInterrupt:
        raise UserError("Stopped: nothing was written.", 130) from None
    finally:
        if status:
            status.stop()
    if options.json:
        told = {"to": str(options.static), "examples": done.examples, "left_out": done.left_out, "files": done.files}
        print(json.dumps({**told, "bytes": done.bytes, "remarks": list(done.remarks)}, indent=1))
        return 0
    print(printable(f"Wrote {several(done.examples, 'example')} to {options.static / 'index.html'}, {size(done.bytes)}."))
    for remark in done.remarks:
        print(printable(remark))
    return 0
