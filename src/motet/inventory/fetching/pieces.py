"""The files a download is made of, and the addresses they come from."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote, unquote

import httpx2

from motet.errors import UserError
from motet.files.places import shown
from motet.inventory.fetching import credentials
from motet.inventory.fetching.checks import Published
from motet.inventory.fetching.exchange import Exchange, Interrupted, Refused, judge
from motet.inventory.fetching.layouts import home
from motet.inventory.fetching.planning import bare
from motet.inventory.fetching.transfer import Patience, Source
from motet.inventory.known import Dataset, Download

_MOST_PAGE = 16 << 20
_MOST_PAGES = 10_000
_MOST_FILES = 1_000_000
_OWNED = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*/[A-Za-z0-9][A-Za-z0-9._-]*")
_NEXT = re.compile(r'<([^<>]{1,4000})>\s{0,9};\s{0,9}rel="?next"?')
_ZIPS, _TARS = (".zip",), (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tbz", ".tar.xz", ".txz")


@dataclass(frozen=True)
class Piece:
    """One file of a download: `path` as its publisher calls it, `unpack` where it is an archive."""

    path: str
    source: Source
    published: Published
    unpack: str


async def pieces(
    dataset: Dataset, download: Download, environment: Mapping[str, str], exchange: Exchange, patience: Patience
) -> tuple[Piece, ...]:
    """All files of one source. Asks Hugging Face for its list. Raises Refused."""
    published = Published(download.bytes, download.sha256, download.md5, download.sha1)
    authorization = credentials.authorization(download, environment)
    if download.kind == "huggingface":
        return await _hugging_face(dataset, download, environment, authorization, exchange, patience)
    if download.kind == "kaggle":
        endpoint = _endpoint(environment, "MOTET_KAGGLE_ENDPOINT", "https://www.kaggle.com")
        url = f"{endpoint}/api/v1/datasets/download/{_owned(download)}"
        name = download.dataset.rpartition("/")[2] + ".zip"
        return (Piece(name, Source(bare(url), url, authorization), published, download.unpack or "zip"),)
    url = download.url
    if download.kind == "zenodo" and "?" not in url:
        url += "?download=1"
    return (Piece(_name(dataset, download), Source(bare(url), url), published, download.unpack),)


def _name(dataset: Dataset, download: Download) -> str:
    """Of a single file: what the layout calls it where that is one name, else the end of its address."""
    layouts = [dataset.part(part).files for part in download.gives]
    if not download.unpack and len(layouts) == 1 and not set("{*") & set(layouts[0]):
        return layouts[0]
    name = unquote(bare(download.url).rpartition("/")[2]).rpartition("/")[2].replace("\0", "")
    return name if name not in ("", ".", "..") else download.name


async def _hugging_face(
    dataset: Dataset,
    download: Download,
    environment: Mapping[str, str],
    authorization: str | None,
    exchange: Exchange,
    patience: Patience,
) -> tuple[Piece, ...]:
    endpoint = _endpoint(environment, "MOTET_HF_ENDPOINT", "https://huggingface.co")
    owned = _owned(download)
    found = []
    for entry in await _listed(f"{endpoint}/api/datasets/{owned}/tree/main?recursive=true", authorization, exchange, patience):
        if not isinstance(entry, dict) or entry.get("type") != "file":
            continue
        path, octets, lfs = entry.get("path"), entry.get("size"), entry.get("lfs")
        if not isinstance(path, str) or not _sound(path) or not isinstance(octets, int) or octets < 0:
            raise Refused(f"the list of {owned} holds a file that is none")
        sums = lfs if isinstance(lfs, dict) else {}
        sha256, git = sums.get("oid", ""), "" if lfs else entry.get("oid", "")
        published = Published(octets, sha256=_hex(sha256, 64), git=_hex(git, 40))
        url = f"{endpoint}/datasets/{owned}/resolve/main/{quote(path)}"
        low = path.lower()
        unpack = "zip" if low.endswith(_ZIPS) else "tar" if low.endswith(_TARS) else ""
        found.append(Piece(path, Source(bare(url), url, authorization), published, unpack if download.unpack else ""))
    if download.unpack:
        found = [piece for piece in found if piece.unpack == download.unpack]
    else:
        found = _of_layouts(dataset, download, found)
    if not found:
        raise Refused(f"{owned} on Hugging Face holds no file of {', '.join(download.gives)}")
    return tuple(found)


def _of_layouts(dataset: Dataset, download: Download, found: list[Piece]) -> list[Piece]:
    """Those that the layouts of the parts name."""
    at = home(dataset, download.gives, [piece.path for piece in found], download.into)
    layouts = [dataset.layout(dataset.part(part)) for part in download.gives]
    before, above = (f"{at.into}/" if at.into else ""), (f"{at.top}/" if at.top else "")
    return [
        piece
        for piece in found
        if piece.path.startswith(above)
        and any(layout.of_path(before + piece.path.removeprefix(above)) is not None for layout in layouts)
    ]


async def _listed(url: str, authorization: str | None, exchange: Exchange, patience: Patience) -> list[object]:
    """All pages of a list."""
    entries: list[object] = []
    first = httpx2.URL(url)
    for _ in range(_MOST_PAGES):
        page, link = await _page(url, authorization, exchange, patience)
        entries += page
        if len(entries) > _MOST_FILES:
            raise Refused(f"{first.host} lists more than {_MOST_FILES:,} files")
        following = _NEXT.search(link)
        if following is None:
            return entries
        there = first.join(following[1])
        if (there.scheme, there.host, there.port) != (first.scheme, first.host, first.port):
            raise Refused(f"{first.host} goes on with its list at another host")
        url = str(there)
    raise Refused(f"{first.host} has a list without end")


async def _page(url: str, authorization: str | None, exchange: Exchange, patience: Patience) -> tuple[list[object], str]:
    for attempt in range(patience.tries):
        try:
            async with asyncio.timeout(patience.quiet * 2), exchange.ask(url, {}, authorization) as answer:
                judge(answer)
                body = bytearray()
                async for chunk in answer.chunks():
                    body += chunk
                    if len(body) > _MOST_PAGE:
                        raise Refused(f"{answer.host} sends a list of more than {_MOST_PAGE:,} bytes")
                told = json.loads(body)
                if not isinstance(told, list):
                    raise ValueError
                return told, answer.headers.get("link", "")
        except (ValueError, RecursionError):
            raise Refused(f"{httpx2.URL(url).host} sends a list that cannot be read") from None
        except (Interrupted, TimeoutError) as problem:
            wait = max(patience.first_wait * 2**attempt, getattr(problem, "wait", None) or 0.0)
            if attempt + 1 == patience.tries or wait > patience.longest_wait:
                what = str(problem) or f"{httpx2.URL(url).host} gave no list in time"
                raise Refused(what) from None
            await asyncio.sleep(wait)
    raise AssertionError("the last try returns or raises")


def _endpoint(environment: Mapping[str, str], name: str, usual: str) -> str:
    told = environment.get(name, "").strip().rstrip("/") or usual
    if not told.startswith(("https://", "http://")):
        raise UserError(f"{name} must be an address that begins with https://.")
    return told


def _owned(download: Download) -> str:
    if not _OWNED.fullmatch(download.dataset):
        raise UserError(f"The registry names the dataset {shown(download.dataset)!r}, which is not of the form owner/name.")
    return download.dataset


def _sound(path: str) -> bool:
    steps = path.split("/")
    return "\0" not in path and "\\" not in path and not path.startswith("/") and not set(steps) & {"", ".", ".."}


def _hex(text: object, digits: int) -> str:
    return text.lower() if isinstance(text, str) and re.fullmatch(f"[0-9a-fA-F]{{{digits}}}", text) else ""
