"""The Hub's requests that publishing needs, with patience. Every error is a sentence without secrets."""

from __future__ import annotations

import io
import logging
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import local
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote, urlsplit

from motet.errors import UserError
from motet.publish.hub_trouble import WAITS, passing, pause, sentence, sentenced, status_of
from motet.publish.plan import Local

if TYPE_CHECKING:
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi
    from huggingface_hub.hf_api import RepoFile

__all__ = ["Client", "Operations", "Place", "connected"]

Operations = list["CommitOperationAdd | CommitOperationDelete"]
STALLED = 120.0  # seconds without a byte after which a connection counts as lost
LARGEST_LIST = 256 << 20  # bytes of a manifest that is read into memory

_URL = re.compile(r"hf://datasets/([\w.-]{1,96}/[\w.-]{1,96})(?:@([\w][\w./-]{0,199}))?/?", re.ASCII)
_Out = TypeVar("_Out")


@dataclass(frozen=True)
class Place:
    """A branch of a dataset repository."""

    name: str
    branch: str = "main"

    @classmethod
    def of(cls, url: str) -> Place:
        match = _URL.fullmatch(url)
        if not match or ".." in url or "--" in match[1] or any(part.strip(".-") != part for part in match[1].split("/")):
            raise UserError(
                "A dataset on the Hub is named as hf://datasets/owner/name, or …/name@branch; the token is no part of it."
            )
        return cls(match[1], match[2] or "main")

    def tag(self, version: int) -> str:
        return f"v{version}" if self.branch == "main" else f"{self.branch}-v{version}"


class Opened(io.BufferedIOBase):
    """A file as a stream, for many threads at once: each has its own position, as the client sends files with equal bytes from
    one of them in two threads. Holds a descriptor only from the first read to the last: hundreds may wait for their turn."""

    def __init__(self, file: Path) -> None:
        self._path, self._size, self._own = file, file.stat().st_size, local()

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        at: int = getattr(self._own, "at", 0)
        return at

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self.tell(), os.SEEK_END: self._size}[whence]
        self._own.at = max(0, start + offset)
        return self.tell()

    def read(self, size: int | None = -1, /) -> bytes:
        file: io.BufferedReader | None = getattr(self._own, "file", None)
        if file is None:
            file = self._own.file = self._path.open("rb")
        file.seek(self.tell())
        data = file.read(-1 if size is None else size)
        self._own.at = self.tell() + len(data)
        if not data or self._own.at >= self._size:
            file.close()
            self._own.file = None
        return data


@contextmanager
def connected(place: Place, *, writes: bool) -> Iterator[Client]:
    """A client; meanwhile the library keeps its bars and log lines, which hold signed addresses, to itself.

    Raises UserError for whatever the Hub, the network or the token are about, without the token.
    """
    try:
        import httpx2  # noqa: F401 - huggingface_hub 2 wants it, older ones do not
        import huggingface_hub
        from huggingface_hub.utils.tqdm import are_progress_bars_disabled, disable_progress_bars, enable_progress_bars
    except ImportError:
        raise UserError('Publishing to the Hub wants huggingface_hub 2: pip install "motet[hub]".') from None
    endpoint = os.environ.get("HF_ENDPOINT", "").rstrip("/") or huggingface_hub.constants.ENDPOINT
    split = urlsplit(endpoint)
    if split.scheme not in ("http", "https") or not split.hostname or split.username or split.password:
        raise UserError("HF_ENDPOINT is to be an address such as https://huggingface.co, without a user or password in it.")
    token = sentenced(place, "", huggingface_hub.get_token)
    if token is None and writes:
        raise UserError("The Hub wants a token that may write: run `hf auth login`, or set HF_TOKEN.")
    loggers = {name: logging.getLogger(name) for name in ("huggingface_hub", "httpx2", "httpcore2")}
    levels = {name: logger.level for name, logger in loggers.items()}
    client = Client(huggingface_hub.HfApi(endpoint=endpoint, token=token or False), place, token or "", endpoint)
    bars = not are_progress_bars_disabled()
    try:
        for logger in loggers.values():
            logger.setLevel(logging.CRITICAL)
        if bars:
            disable_progress_bars()
        yield client
    finally:
        client.free()
        for name, logger in loggers.items():
            logger.setLevel(levels[name])
        if bars:
            enable_progress_bars()


class Client:
    """One repository on the Hub. Every method raises UserError only."""

    def __init__(self, api: HfApi, place: Place, token: str, endpoint: str) -> None:
        self.api, self.place, self._token, self._endpoint = api, place, token, endpoint
        self._streams: bool | None = None
        self._limited: list[Any] = []

    def head(self, revision: str | None = None) -> str | None:
        """The commit of a branch or tag; None where there is none, or no repository."""
        found = self._ask(
            lambda: self.api.repo_info(self.place.name, repo_type="dataset", revision=revision or self.place.branch), missing=True
        )
        return None if found is None else str(found.sha)

    def listing(self, commit: str) -> dict[str, RepoFile]:
        from huggingface_hub.hf_api import RepoFile

        def listed() -> dict[str, RepoFile]:
            tree = self.api.list_repo_tree(self.place.name, recursive=True, revision=commit, repo_type="dataset")
            return {entry.path: entry for entry in tree if isinstance(entry, RepoFile)}

        files: dict[str, RepoFile] = self._ask(listed)
        return files

    def read(self, file: RepoFile, commit: str) -> bytes:
        """A list or a card, whole."""
        from huggingface_hub import get_session, hf_hub_url, hf_raise_for_status

        if file.size > LARGEST_LIST:
            raise ValueError
        url = hf_hub_url(self.place.name, file.path, repo_type="dataset", revision=commit, endpoint=self._endpoint)

        def got() -> bytes:
            response = get_session().get(url, headers=self._headers())
            hf_raise_for_status(response)
            return bytes(response.content)

        data: bytes = self._ask(got)
        return data

    def create(self, public: bool) -> None:
        """The repository and the branch, where they are not there."""
        name, branch = self.place.name, self.place.branch
        self._ask(lambda: self.api.create_repo(name, repo_type="dataset", private=not public, exist_ok=True))
        if branch != "main" and self.head() is None:
            self._ask(lambda: self.api.create_branch(name, repo_type="dataset", branch=branch, exist_ok=True))

    def add(self, one: Local) -> CommitOperationAdd:
        from huggingface_hub import CommitOperationAdd

        one.check()
        file: Any = Opened(one.file) if self._by_stream() else str(one.file)
        return CommitOperationAdd(one.path, file)

    def commit(self, operations: Callable[[], Operations], title: str, parent: str, parallel: int = 4) -> str:
        """A commit on top of `parent`, and nothing else. Asked anew after trouble, unless it is there by then."""
        for wait in (*WAITS, None):
            try:
                self._limit()
                done = self.api.create_commit(
                    self.place.name,
                    operations(),
                    repo_type="dataset",
                    revision=self.place.branch,
                    commit_message=title,
                    parent_commit=parent,
                    num_threads=max(1, parallel),
                )
                return str(done.oid)
            except UserError:
                raise
            except Exception as error:  # noqa: BLE001 - the library raises many kinds, all told in a sentence
                status = status_of(error)
                if not (passing(error) or status in (409, 412)):
                    raise sentence(self.place, self._token, error) from None
                now = self.head()
                if now is not None and now != parent:
                    if self._holds(now, operations()):
                        return now
                    raise UserError(f"Someone else changed {self.place.name} meanwhile: publish again.", 1) from None
                if wait is None or status in (409, 412):
                    raise sentence(self.place, self._token, error) from None
                pause(wait, error, self.place, self._token)
        raise AssertionError

    def tags(self) -> dict[str, str]:
        refs = self._ask(lambda: self.api.list_repo_refs(self.place.name, repo_type="dataset"))
        return {tag.name: tag.target_commit for tag in refs.tags}

    def tag(self, tag: str, commit: str) -> None:
        self._ask(lambda: self.api.create_tag(self.place.name, tag=tag, revision=commit, repo_type="dataset", exist_ok=True))
        if self.tags().get(tag) != commit:
            raise UserError(
                f"The tag {tag} of {self.place.name} is there for other files: someone else published; publish again.", 1
            )

    def untag(self, tag: str) -> None:
        self._ask(lambda: self.api.delete_tag(self.place.name, tag=tag, repo_type="dataset"), missing=True)

    def squash(self, head: str) -> str:
        """One commit in place of the branch's history. Gives it."""
        if self.head() != head:
            raise UserError(f"Someone else changed {self.place.name} meanwhile: publish again.", 1)
        self._ask(lambda: self.api.super_squash_history(self.place.name, branch=self.place.branch, repo_type="dataset"))
        return self.head() or head

    def sweep(self) -> int:
        """Deletes LFS files that no branch, tag or pull request names. Gives their number."""
        refs = self._ask(lambda: self.api.list_repo_refs(self.place.name, repo_type="dataset", include_pull_requests=True))
        used = set()
        for commit in {ref.target_commit for ref in (*refs.branches, *refs.tags, *refs.converts, *(refs.pull_requests or ()))}:
            used |= {file.lfs.sha256 for file in self.listing(commit).values() if file.lfs}
        held = self._ask(lambda: list(self.api.list_lfs_files(self.place.name, repo_type="dataset")))
        left = [file for file in held if file.file_oid not in used]
        if left:
            gone = self.api.permanently_delete_lfs_files
            self._ask(lambda: gone(self.place.name, left, rewrite_history=False, repo_type="dataset"))
        return len(left)

    def _holds(self, commit: str, operations: Operations) -> bool:
        """Whether that commit has what the operations ask for."""
        from huggingface_hub import CommitOperationDelete
        from huggingface_hub.utils.sha import git_hash

        files = self.listing(commit)
        for one in operations:
            file = files.get(one.path_in_repo)
            if isinstance(one, CommitOperationDelete):
                if file is not None:
                    return False
            elif file is None or file.size != one.upload_info.size:
                return False
            elif file.lfs is not None:
                if file.lfs.sha256 != one.upload_info.sha256.hex():
                    return False
            else:
                with one.as_file() as stream:
                    if git_hash(stream.read()) != file.blob_id:
                        return False
        return True

    def _by_stream(self) -> bool:
        """Whether files are to be sent by LFS because the server has no Xet, which the client would otherwise use."""
        from huggingface_hub import get_session, hf_raise_for_status
        from huggingface_hub.utils._runtime import is_xet_available

        if self._streams is None:
            if not is_xet_available():
                self._streams = False
            else:
                branch = quote(self.place.branch, safe="")
                url = f"{self._endpoint}/api/datasets/{self.place.name}/xet-write-token/{branch}"

                def offered() -> bool:
                    response = get_session().get(url, headers=self._headers())
                    if response.status_code in (404, 405, 501):
                        return False
                    hf_raise_for_status(response)
                    return True

                self._streams = not self._ask(offered)
        return self._streams

    def _headers(self) -> dict[str, str]:
        from huggingface_hub.utils import build_hf_headers  # type: ignore[attr-defined]

        return dict(build_hf_headers(token=self._token or False))

    def _ask(self, call: Callable[[], _Out], *, missing: bool = False) -> Any:
        """What the Hub answers, after as many tries as it takes; None for what is not there where it may be `missing`."""
        for wait in (*WAITS, None):
            try:
                self._limit()
                return call()
            except UserError:
                raise
            except Exception as error:  # noqa: BLE001 - the library raises many kinds, all told in a sentence
                if missing and status_of(error) == 404:
                    return None
                if wait is None or not passing(error):
                    raise sentence(self.place, self._token, error) from None
                pause(wait, error, self.place, self._token)
        raise AssertionError

    def _limit(self) -> None:
        """The library's session waits for ever for a server that says nothing; ours does not, unless someone set other limits."""
        import httpx2
        from huggingface_hub import get_session

        session = get_session()
        if session.timeout == httpx2.Timeout(None):
            session.timeout = httpx2.Timeout(STALLED)
            self._limited.append(session)

    def free(self) -> None:
        """The library's sessions as they were."""
        for session in self._limited:
            session.timeout = None
