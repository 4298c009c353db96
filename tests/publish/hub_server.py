"""A stand-in of the Hugging Face Hub over real HTTP, for dataset repositories, written from the requests of huggingface_hub 2.4.

It knows: whoami, repos/create, repository info, validate-yaml, preupload, the LFS batch with storage in one piece or in parts and
verify, commits (NDJSON, `parentCommit`), tree with pages, paths-info, resolve, refs, tags, branches, super-squash, lfs-files.
Commits hold whole trees and files are kept by content, so an old revision serves its old bytes. Private repositories are hidden
from strangers. A commit that names an LFS object that never arrived is refused, as is storage whose bytes are not of its oid.

It does not know: Xet (its token is answered by 404), pull requests, gated repositories, quotas, its own rate limits, signatures
of storage addresses, malware scans, git itself. Commit ids are digests of a counter and the tree, not git's; blob ids are git's.

`faults` are used up in order by the requests they fit. `log` has every request; `stored` every LFS object that arrived, with the
number of times.
"""

from __future__ import annotations

import base64
import fnmatch
import hashlib
import json
import re
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

GITATTRIBUTES = b"*.parquet filter=lfs diff=lfs merge=lfs -text\n"
LARGE = (".parquet", ".flac", ".wav", ".mp3", ".mp4", ".mid", ".tar", ".png", ".bin")


@dataclass
class Fault:
    """What goes wrong: a status with headers, or a connection dropped after `drop_after` bytes of the body or, with `late`, after
    the work was done, or an answer `slow` by seconds. `times` such requests meet it, after `skip` that do not."""

    method: str
    path: str  # a regular expression, searched in the path
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    message: str = ""
    drop_after: int | None = None
    late: bool = False
    slow: float = 0.0
    times: int = 1
    skip: int = 0


@dataclass(frozen=True)
class Entry:
    """A file of a commit: `blob` is git's id of what git holds, `sha256` that of an LFS file's content."""

    size: int
    blob: str
    sha256: str | None = None


@dataclass
class Commit:
    oid: str
    parent: str | None
    title: str
    tree: dict[str, Entry]


@dataclass
class Repo:
    name: str
    private: bool
    commits: dict[str, Commit] = field(default_factory=dict)
    branches: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)

    def commit(self, revision: str) -> Commit | None:
        oid = self.branches.get(revision) or self.tags.get(revision) or revision
        return self.commits.get(oid)

    def history(self, revision: str = "main") -> list[Commit]:
        """The newest first."""
        at = self.commit(revision)
        found = []
        while at is not None:
            found.append(at)
            at = self.commits.get(at.parent) if at.parent else None
        return found


def git_id(data: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


def pointer(sha256: str, size: int) -> bytes:
    return f"version https://git-lfs.github.com/spec/v1\noid sha256:{sha256}\nsize {size}\n".encode()


class Hub:
    """The state of the stand-in. `tokens` maps a token to the user's name; those of `readers` may not write."""

    def __init__(self, *, page: int = 1000, part: int = 0) -> None:
        self.tokens = {"hf_right": "ada"}
        self.readers: set[str] = set()
        self.repos: dict[str, Repo] = {}
        self.blobs: dict[str, bytes] = {}
        self.objects: dict[str, bytes] = {}
        self.parts: dict[tuple[str, int], bytes] = {}
        self.stored: Counter[str] = Counter()
        self.faults: list[Fault] = []
        self.log: list[tuple[str, str, int]] = []
        self.created: list[dict[str, Any]] = []
        self.page, self.part = page, part  # entries of a page of the tree; bytes of a part from which an upload is multipart
        self.lock = threading.RLock()
        self.url = self.storage = ""
        self.tokens_at_storage = 0
        self._count = 0

    def count(self, method: str, pattern: str) -> int:
        return sum(one == method and re.search(pattern, path) is not None for one, path, _ in self.log)

    def read(self, name: str, path: str, revision: str = "main") -> bytes:
        commit = self.repos[name].commit(revision)
        assert commit is not None
        entry = commit.tree[path]
        return self.objects[entry.sha256] if entry.sha256 else self.blobs[entry.blob]

    def files(self, name: str, revision: str = "main") -> dict[str, bytes]:
        commit = self.repos[name].commit(revision)
        assert commit is not None
        return {path: self.read(name, path, revision) for path in commit.tree}

    def regular(self, data: bytes) -> Entry:
        blob = git_id(data)
        self.blobs[blob] = data
        return Entry(len(data), blob)

    def add(self, repo: Repo, branch: str, title: str, tree: dict[str, Entry], *, orphan: bool = False) -> Commit:
        self._count += 1
        parent = None if orphan else repo.branches.get(branch)
        oid = hashlib.sha1(f"{self._count} {title} {sorted(tree)}".encode("utf-8", "replace")).hexdigest()
        repo.commits[oid] = Commit(oid, parent, title, tree)
        repo.branches[branch] = oid
        return repo.commits[oid]

    def create(self, name: str, private: bool = True) -> Repo:
        repo = self.repos[name] = Repo(name, private)
        self.add(repo, "main", "initial commit", {".gitattributes": self.regular(GITATTRIBUTES)})
        return repo

    def put(self, name: str, files: dict[str, bytes], title: str = "by hand") -> None:
        """A commit of someone else's."""
        repo = self.repos[name]
        self.add(
            repo, "main", title, {**repo.commits[repo.branches["main"]].tree, **{k: self.regular(v) for k, v in files.items()}}
        )

    @contextmanager
    def serving(self) -> Iterator[Hub]:
        hub = self

        class Handler(_Handler):
            pass

        Handler.hub = hub
        server = _Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{server.server_address[1]}"
        self.storage = f"http://localhost:{server.server_address[1]}/storage"  # elsewhere, as on the Hub: no token goes there
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield self
        finally:
            server.shutdown()
            server.server_close()
            thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass  # clients are killed here on purpose


class _Refused(Exception):
    def __init__(self, status: int, message: str, code: str = "") -> None:
        super().__init__(message)
        self.status, self.message, self.code = status, message, code


class _Dropped(Exception):
    pass


class _Handler(BaseHTTPRequestHandler):
    hub: Hub
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def do_GET(self) -> None:
        self._serve()

    do_HEAD = do_POST = do_PUT = do_DELETE = do_GET

    def _serve(self) -> None:
        split = urlsplit(self.path)
        path = split.path
        self.query = {key: values[0] for key, values in parse_qs(split.query).items()}
        fault = self._fault(path)
        try:
            if fault and fault.slow:
                time.sleep(fault.slow)
            body = self._body(fault.drop_after if fault else None)
            if fault and fault.status:
                raise _Refused(fault.status, fault.message or "A fault of the stand-in.")
            status, headers, answer = self._answer(path, body)
            if fault and fault.late:
                raise _Dropped
        except _Dropped:
            self.hub.log.append((self.command, path, 0))
            self.close_connection = True
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # a reset, no polite end
            self.connection.close()
            return
        except _Refused as refused:
            status, answer = refused.status, json.dumps({"error": refused.message}).encode()
            headers = {"Content-Type": "application/json", "X-Error-Message": refused.message}
            if refused.code:
                headers["X-Error-Code"] = refused.code
            headers |= fault.headers if fault else {}
        self.hub.log.append((self.command, path, status))
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer)

    def _fault(self, path: str) -> Fault | None:
        with self.hub.lock:
            for fault in self.hub.faults:
                if fault.method == self.command and re.search(fault.path, path):
                    if fault.skip:
                        fault.skip -= 1
                        continue
                    fault.times -= 1
                    if fault.times <= 0:
                        self.hub.faults.remove(fault)
                    return fault
        return None

    def _body(self, drop_after: int | None) -> bytes:
        if drop_after is not None:
            self.rfile.read(min(drop_after, int(self.headers.get("Content-Length") or 0)))
            raise _Dropped
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            parts = []
            while size := int(self.rfile.readline().split(b";")[0], 16):
                parts.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(parts)
        length = int(self.headers.get("Content-Length") or 0)
        data = self.rfile.read(length)
        if len(data) < length:
            raise _Dropped
        return data

    def _json(self, value: Any, headers: dict[str, str] | None = None) -> tuple[int, dict[str, str], bytes]:
        return 200, {"Content-Type": "application/json", **(headers or {})}, json.dumps(value).encode()

    def _user(self) -> str | None:
        given = self.headers.get("Authorization")
        if given is None:
            return None
        user = self.hub.tokens.get(given.removeprefix("Bearer "))
        if user is None:
            raise _Refused(401, "Invalid credentials in Authorization header")
        return user

    def _writer(self) -> str:
        user = self._user()
        if user is None:
            raise _Refused(401, "Invalid username or password.")
        if user in self.hub.readers:
            raise _Refused(403, "You don't have the rights to create a dataset under this namespace")
        return user

    def _repo(self, name: str) -> Repo:
        repo = self.hub.repos.get(name)
        if repo is None or (repo.private and self._user() is None):
            if self._user() is None:
                raise _Refused(401, "Invalid username or password.")
            raise _Refused(404, "Repository not found", "RepoNotFound")
        return repo

    def _commit(self, repo: Repo, revision: str) -> Commit:
        commit = repo.commit(unquote(revision))
        if commit is None:
            raise _Refused(404, f"Invalid rev id: {revision}", "RevisionNotFound")
        return commit

    def _answer(self, path: str, body: bytes) -> tuple[int, dict[str, str], bytes]:
        if match := re.fullmatch(r"/storage/([0-9a-f]{64})(?:/(\d+))?", path):
            return self._storage(match[1], match[2], body)
        with self.hub.lock:
            if path == "/api/whoami-v2":
                user = self._user()
                if user is None:
                    raise _Refused(401, "Invalid username or password.")
                return self._json({"type": "user", "name": user, "orgs": []})
            if path == "/api/validate-yaml":
                return self._json({"errors": [], "warnings": []})
            if path == "/api/repos/create":
                return self._create(json.loads(body))
            if match := re.fullmatch(r"/datasets/([^/]+/[^/]+)\.git/info/lfs/objects/batch", path):
                return self._batch(self._repo(match[1]), json.loads(body))
            if match := re.fullmatch(r"/datasets/([^/]+/[^/]+)/lfs/verify", path):
                return self._verify(json.loads(body))
            if match := re.fullmatch(r"/datasets/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", path):
                return self._resolve(self._repo(match[1]), match[2], unquote(match[3]))
            if match := re.fullmatch(r"/api/datasets/([^/]+/[^/]+)(?:/(.*))?", path):
                return self._api(self._repo(match[1]), match[2] or "", body)
        raise _Refused(404, "Sorry, we can't find the page you are looking for.")

    def _create(self, asked: dict[str, Any]) -> tuple[int, dict[str, str], bytes]:
        name = f"{asked['organization'] or self._writer()}/{asked['name']}"
        if name in self.hub.repos and self._user() is not None:
            answer = {"error": "You already created this dataset repo", "url": f"{self.hub.url}/datasets/{name}"}
            return 409, {"Content-Type": "application/json"}, json.dumps(answer).encode()
        self._writer()
        self.hub.created.append(asked)
        self.hub.create(name, asked.get("visibility") == "private" or asked.get("private") is True)
        return self._json({"url": f"{self.hub.url}/datasets/{name}"})

    def _api(self, repo: Repo, rest: str, body: bytes) -> tuple[int, dict[str, str], bytes]:
        verb, _, tail = rest.partition("/")
        if self.command == "GET":
            if verb in ("", "revision"):
                commit = self._commit(repo, tail or "main")
                return self._json({"id": repo.name, "sha": commit.oid, "private": repo.private, "siblings": [], "tags": []})
            if verb == "tree":
                return self._tree(repo, tail)
            if verb == "refs":
                named = {
                    kind: [{"name": name, "ref": f"refs/{ref}/{name}", "targetCommit": oid} for name, oid in refs.items()]
                    for kind, ref, refs in (("branches", "heads", repo.branches), ("tags", "tags", repo.tags))
                }
                return self._json({"converts": [], "pullRequests": [], **named})
            if verb == "lfs-files":
                return self._lfs_files(repo)
        else:
            self._writer()
            if verb == "preupload":
                return self._preupload(self._commit(repo, tail), json.loads(body))
            if verb == "commit":
                return self._take(repo, unquote(tail), body)
            if verb == "paths-info":
                asked = parse_qs(body.decode())["paths"] if body[:1] != b"{" else json.loads(body)["paths"]
                tree = self._commit(repo, tail).tree
                return self._json([_shown(path, tree[path]) for path in asked if path in tree])
            if verb == "tag" and self.command == "DELETE":
                if repo.tags.pop(unquote(tail), None) is None:
                    raise _Refused(404, "Tag not found", "RevisionNotFound")
                return self._json({})
            if verb == "tag":
                tag = json.loads(body)["tag"]
                if tag in repo.tags:
                    raise _Refused(409, "Tag reference exists already.")
                repo.tags[tag] = self._commit(repo, tail).oid
                return self._json({})
            if verb == "branch":
                if unquote(tail) in repo.branches:
                    raise _Refused(409, "Reference already exists")
                start = json.loads(body).get("startingPoint") if body else None
                repo.branches[unquote(tail)] = self._commit(repo, start or "main").oid
                return self._json({})
            if verb == "super-squash":
                head = self._commit(repo, tail)
                self.hub.add(repo, unquote(tail), "Super-squash", dict(head.tree), orphan=True)
                return self._json({})
            if verb == "lfs-files":
                for sha in json.loads(body)["deletions"]["sha"]:
                    self.hub.objects.pop(sha, None)
                return self._json({})
        raise _Refused(404, f"Not found: {verb}")  # the token of Xet among them

    def _preupload(self, commit: Commit, asked: dict[str, Any]) -> tuple[int, dict[str, str], bytes]:
        ignored = asked.get("gitIgnore")
        if ignored is None:
            kept = commit.tree.get(".gitignore")
            ignored = self.hub.blobs[kept.blob].decode() if kept else ""
        answers = []
        for file in asked["files"]:
            large = file["path"].endswith(LARGE) or file["size"] > 10 << 20 or b"\0" in base64.b64decode(file["sample"])
            had = commit.tree.get(file["path"])
            skip = any(fnmatch.fnmatch(file["path"], line) for line in ignored.split())
            answer = {"path": file["path"], "uploadMode": "lfs" if large else "regular", "shouldIgnore": skip}
            answers.append(answer | ({"oid": had.sha256 or had.blob} if had else {}))
        return self._json({"files": answers})

    def _batch(self, repo: Repo, asked: dict[str, Any]) -> tuple[int, dict[str, str], bytes]:
        self._writer()
        objects = []
        for one in asked["objects"]:
            oid, size = one["oid"], one["size"]
            answer: dict[str, Any] = {"oid": oid, "size": size}
            if oid not in self.hub.objects:
                href = f"{self.hub.storage}/{oid}"
                upload: dict[str, Any] = {"href": href}
                if self.hub.part and size > self.hub.part:
                    count = -(-size // self.hub.part)
                    upload["header"] = {"chunk_size": str(self.hub.part)} | {
                        f"{k:05}": f"{href}/{k}" for k in range(1, count + 1)
                    }
                answer["actions"] = {"upload": upload, "verify": {"href": f"{self.hub.url}/datasets/{repo.name}/lfs/verify"}}
            objects.append(answer)
        return self._json({"transfer": "basic", "objects": objects})

    def _storage(self, oid: str, number: str | None, body: bytes) -> tuple[int, dict[str, str], bytes]:
        hub = self.hub
        hub.tokens_at_storage += self.headers.get("Authorization") is not None
        if self.command in ("GET", "HEAD"):
            if oid not in hub.objects:
                raise _Refused(404, "NoSuchKey")
            return 200, {"Content-Type": "application/octet-stream"}, hub.objects[oid]
        if number is not None:
            hub.parts[oid, int(number)] = body
            return 200, {"ETag": f'"{hashlib.md5(body).hexdigest()}"'}, b""
        if self.command == "POST":
            body = b"".join(hub.parts.pop((oid, part["partNumber"])) for part in json.loads(body)["parts"])
        if hashlib.sha256(body).hexdigest() != oid:
            raise _Refused(400, "XAmzContentSHA256Mismatch")
        with hub.lock:
            hub.objects[oid] = body
            hub.stored[oid] += 1
        return 200, {"ETag": f'"{hashlib.md5(body).hexdigest()}"'}, b""

    def _verify(self, asked: dict[str, Any]) -> tuple[int, dict[str, str], bytes]:
        if len(self.hub.objects.get(asked["oid"], b"")) != asked["size"]:
            raise _Refused(404, "Object not found")
        return self._json({})

    def _take(self, repo: Repo, branch: str, body: bytes) -> tuple[int, dict[str, str], bytes]:
        if branch not in repo.branches:
            raise _Refused(404, f"Invalid rev id: {branch}", "RevisionNotFound")
        lines = [json.loads(line) for line in body.splitlines()]
        header = lines[0]["value"]
        head = repo.commits[repo.branches[branch]]
        if header.get("parentCommit", head.oid) != head.oid:
            raise _Refused(412, "A commit has happened since. Please refresh and try again.")
        tree = dict(head.tree)
        for line in lines[1:]:
            value = line["value"]
            if line["key"] == "file":
                tree[value["path"]] = self.hub.regular(base64.b64decode(value["content"]))
            elif line["key"] == "lfsFile":
                held = self.hub.objects.get(value["oid"])
                if held is None:
                    raise _Refused(
                        400,
                        f"Your push was rejected because an LFS pointer pointed to a file that does not exist: {value['path']}",
                    )
                tree[value["path"]] = Entry(len(held), git_id(pointer(value["oid"], len(held))), value["oid"])
            elif line["key"] == "deletedFile":
                if tree.pop(value["path"], None) is None:
                    raise _Refused(404, "A file with this name doesn't exist", "EntryNotFound")
            else:
                raise _Refused(400, f"unknown operation {line['key']}")
        commit = self.hub.add(repo, branch, header["summary"], tree)
        url = f"{self.hub.url}/datasets/{repo.name}/commit/{commit.oid}"
        return self._json({"success": True, "commitOid": commit.oid, "commitUrl": url, "hookOutput": ""})

    def _tree(self, repo: Repo, tail: str) -> tuple[int, dict[str, str], bytes]:
        revision = tail.split("/")[0]
        tree = self._commit(repo, revision).tree
        folders = {path.rsplit("/", n)[0] for path in tree for n in range(1, path.count("/") + 1)}
        rows = [{"type": "directory", "path": path, "oid": "0" * 40, "size": 0} for path in sorted(folders)]
        rows += [_shown(path, tree[path]) for path in sorted(tree)]
        start = int(self.query.get("cursor", "0"))
        headers = {}
        if start + self.hub.page < len(rows):
            there = f"{self.hub.url}/api/datasets/{repo.name}/tree/{revision}?recursive=True&cursor={start + self.hub.page}"
            headers["Link"] = f'<{there}>; rel="next"'
        return self._json(rows[start : start + self.hub.page], headers)

    def _lfs_files(self, repo: Repo) -> tuple[int, dict[str, str], bytes]:
        seen = {
            entry.sha256: (path, entry) for commit in repo.commits.values() for path, entry in commit.tree.items() if entry.sha256
        }
        return self._json(
            [
                {
                    "fileOid": sha,
                    "filename": path,
                    "oid": entry.blob,
                    "pushedAt": "2026-01-01T00:00:00.000Z",
                    "ref": "main",
                    "size": entry.size,
                }
                for sha, (path, entry) in seen.items()
                if sha in self.hub.objects
            ]
        )

    def _resolve(self, repo: Repo, revision: str, path: str) -> tuple[int, dict[str, str], bytes]:
        commit = self._commit(repo, revision)
        entry = commit.tree.get(path)
        if entry is None:
            raise _Refused(404, "Entry not found", "EntryNotFound")
        headers = {"X-Repo-Commit": commit.oid, "Content-Type": "application/octet-stream"}
        if entry.sha256 is None:
            return 200, headers | {"ETag": f'"{entry.blob}"'}, self.hub.blobs[entry.blob]
        headers |= {"Location": f"{self.hub.storage}/{entry.sha256}", "ETag": f'"{entry.blob}"'}
        return 302, headers | {"X-Linked-Etag": f'"{entry.sha256}"', "X-Linked-Size": str(entry.size)}, b""


def _shown(path: str, entry: Entry) -> dict[str, Any]:
    row: dict[str, Any] = {"type": "file", "path": path, "oid": entry.blob, "size": entry.size}
    if entry.sha256:
        row["lfs"] = {"oid": entry.sha256, "size": entry.size, "pointerSize": len(pointer(entry.sha256, entry.size))}
    return row
