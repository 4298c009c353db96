"""A prefix of a bucket, by the S3 protocol: Amazon's, or any store that speaks it.

ETags are compared as Amazon documents them ("Checking object integrity"): MD5 of an object put in one go, MD5 of the parts' MD5
and their number for one sent in parts. A store that gives others, or encrypts, is asked for the bytes instead. Requests are
signed with the SHA-256 of what they carry, so that a store refuses what was damaged on the way.
"""

from __future__ import annotations

import hashlib
import random
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

from motet.errors import UserError
from motet.publish.claim import claimed
from motet.publish.credentials import account
from motet.publish.place import ANYTHING, Overtaken, Seen
from motet.publish.plan import Local

__all__ = ["MIB", "Bucket", "part_size"]

MIB = 1 << 20
SINGLE = 8 * MIB  # what is larger goes in parts; as the AWS CLI does, so that its ETags are ours
COPY_MOST = 5 << 30  # bytes that one CopyObject copies
LARGE = 3  # files in parts at a time, each with up to 4 parts in memory

PATIENCE = {"max_retries": 6, "retry_timeout": timedelta(seconds=120)}
TRIES, FIRST_WAIT, LONGEST_WAIT = 5, 0.2, 10.0  # of whole operations, beyond what the client repeats by itself

_T = TypeVar("_T")
_CODE = re.compile(r"<Code>([A-Za-z]{1,60})</Code>")
_STATUS = re.compile(r"\b(?:status(?: code)?:?|error) (\d{3})\b", re.IGNORECASE)
_TRUST = ("InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken", "InvalidToken", "TokenRefreshRequired", "AuthFailure")
_PASSING = ("SlowDown", "InternalError", "ServiceUnavailable", "RequestTimeout", "OperationAborted", "ConditionalRequestConflict",
            "Throttling", "ThrottlingException", "TooManyRequests", "IncompleteBody", "BadDigest", "NoSuchUpload")  # fmt: skip


def part_size(size: int) -> int:
    """Bytes of each part of an object of `size`: 8 MiB, or what keeps it within 10,000 parts."""
    return max(SINGLE, -(-size // 10_000 // MIB + 1) * MIB) if size > 10_000 * SINGLE else SINGLE


class Bucket:
    """`s3://bucket/prefix`. Raises UserError where obstore is not installed."""

    lasting = True

    def __init__(self, bucket: str, prefix: str, endpoint: str | None = None) -> None:
        try:
            import obstore
            from obstore import store
        except ImportError as error:
            raise UserError('Publishing to s3:// needs obstore: pip install "motet[publish]".') from error
        who = account()
        self.url = f"s3://{bucket}/{prefix}".rstrip("/")
        self._bucket = bucket
        address = endpoint or who.endpoint
        config: dict[str, Any] = {"region": who.region or "us-east-1", **who.keys}
        if address:
            config["endpoint"] = address
        if who.anonymous:
            config["skip_signature"] = True
        client = {"allow_http": address.startswith("http://"), "timeout": "5m", "connect_timeout": "10s"}
        patience: Any = PATIENCE
        self._api = obstore
        self._failures = obstore.exceptions
        make: Any = store.S3Store
        self._store = self._try(
            lambda: make(bucket, prefix=prefix or None, config=config, client_options=client, retry_config=patience), ""
        )
        self._large = threading.Semaphore(LARGE)
        self._conditions = True

    def claimed(self, cache: Path, take_over: bool) -> AbstractContextManager[Callable[[], None]]:
        return claimed(self, cache, take_over)

    def listing(self) -> dict[str, Seen]:
        def listed() -> dict[str, Seen]:
            found = {}
            for page in self._api.list(self._store, chunk_size=1000):
                for one in page:
                    found[str(one["path"])] = Seen(int(one["size"]), _bare(one["e_tag"]))
            return found

        return self._try(listed, "")

    def read(self, key: str) -> tuple[bytes, str] | None:
        def got() -> tuple[bytes, str] | None:
            try:
                answer = self._api.get(self._store, key)
            except (self._failures.NotFoundError, FileNotFoundError) as error:
                if "NoSuchBucket" in str(error):
                    raise
                return None
            return bytes(answer.bytes()), _bare(answer.meta["e_tag"])

        return self._try(got, key)

    def write(self, key: str, data: bytes, expected: str) -> str:
        etag = self._put(key, data, expected)
        if etag != hashlib.md5(data, usedforsecurity=False).hexdigest() and self._sum(key) != hashlib.sha256(data).hexdigest():
            raise _damaged(key)
        return etag

    def put(self, local: Local, expected: str) -> str:
        if local.size <= SINGLE:
            return self.write(local.path, local.read(), expected)
        with self._large:
            return self._put_parts(local, expected)

    def holds(self, local: Local, seen: Seen) -> bool:
        if seen.size != local.size:
            return False
        ours = local.md5() if local.size <= SINGLE else local.etag(part_size(local.size))
        if seen.etag == ours:
            return True
        return self.sha256(local.path) == local.sha256

    def copy(self, key: str, to: str, size: int, sha256: str) -> str:
        """Copied by the store itself, and compared: its ETag is that of the source, or its bytes are read."""
        if size > COPY_MOST:
            self._try(lambda: self._api.put(self._store, to, self._api.get(self._store, key), chunk_size=part_size(size)), to)
        else:
            self._try(lambda: self._api.copy(self._store, key, to), key)
        etag, original = self._head(to), self._head(key)
        if etag is None or (etag != original and self._sum(to) != sha256):
            raise _damaged(to)
        return etag.etag

    def sha256(self, key: str) -> str:
        return self._sum(key)

    def delete(self, keys: list[str]) -> None:
        for start in range(0, len(keys), 1000):
            batch = keys[start : start + 1000]
            self._try(lambda batch=batch: self._deleted(batch), "")  # type: ignore[misc]

    def _deleted(self, keys: list[str]) -> None:
        try:
            self._api.delete(self._store, keys)
        except (self._failures.NotFoundError, FileNotFoundError) as error:
            if "NoSuchBucket" in str(error):
                raise

    def _put(self, key: str, data: bytes, expected: str) -> str:
        def put() -> str:
            mode: Any = "create" if not expected else {"e_tag": f'"{expected}"'}
            try:
                answer = self._api.put(
                    self._store, key, data, use_multipart=False,
                    mode=mode if self._conditions and expected != ANYTHING else "overwrite",
                )  # fmt: skip
            except (self._failures.AlreadyExistsError, self._failures.PreconditionError, FileExistsError):
                # The answer to a request that did its work may have been lost, and the request repeated.
                there = self.read(key)
                if there is None or there[0] != data:
                    raise Overtaken(key) from None
                return there[1]
            except (self._failures.NotSupportedError, NotImplementedError):
                self._conditions = False  # such a store cannot tell two publishers apart
                return put()
            return _bare(answer["e_tag"])

        return self._try(put, key)

    def _put_parts(self, local: Local, expected: str) -> str:
        """In parts. The protocol's client takes no condition there, so what lies there is looked at just before."""
        part = part_size(local.size)
        sums: list[bytes] = []

        def parts() -> Iterator[bytes]:
            sums.clear()
            for chunk in local.chunks(part):
                sums.append(hashlib.md5(chunk, usedforsecurity=False).digest())
                yield chunk

        def put() -> str:
            seen = self._head(local.path)
            if (seen.etag if seen else "") != expected:
                if seen and self.holds(local, seen):  # all was done, and the answer was lost
                    return seen.etag
                raise Overtaken(local.path)
            answer = self._api.put(self._store, local.path, parts(), use_multipart=True, chunk_size=part, max_concurrency=4)
            return _bare(answer["e_tag"])

        etag = self._try(put, local.path)
        ours = local.etag(part) if not sums else f"{hashlib.md5(b''.join(sums), usedforsecurity=False).hexdigest()}-{len(sums)}"
        if etag != ours and self._sum(local.path) != local.sha256:
            raise _damaged(local.path)
        return etag

    def _head(self, key: str) -> Seen | None:
        def asked() -> Seen | None:
            try:
                told = self._api.head(self._store, key)
            except (self._failures.NotFoundError, FileNotFoundError):
                return None
            return Seen(int(told["size"]), _bare(told["e_tag"]))

        return self._try(asked, key)

    def _sum(self, key: str) -> str:
        def summed() -> str:
            hashed = hashlib.sha256()
            for chunk in self._api.get(self._store, key).stream(min_chunk_size=MIB):
                hashed.update(chunk)
            return hashed.hexdigest()

        return self._try(summed, key)

    def _try(self, work: Callable[[], _T], key: str) -> _T:
        """What may pass is tried again, later and later, at random moments. What is left is a sentence, never the client's own
        words: a store's answer may repeat what was signed."""
        for tried in range(TRIES):
            try:
                return work()
            except UserError:
                raise
            except (self._failures.BaseError, OSError, ValueError) as error:
                words = f"{type(error).__name__} {error}"
            sentence, passing = self._sentence(words, key)
            if not passing or tried == TRIES - 1:
                raise UserError(sentence, 1) from None
            time.sleep(random.uniform(0.5, 1) * min(LONGEST_WAIT, FIRST_WAIT * 2**tried))
        raise AssertionError

    def _sentence(self, words: str, key: str) -> tuple[str, bool]:
        """Of what the client said, and whether it may pass."""
        code = found[1] if (found := _CODE.search(words)) else ""
        status = int(found[1]) if (found := _STATUS.search(words)) else 0
        again = "publish again: what was sent is not sent again"
        if "/latest/api/token" in words or "/latest/meta-data" in words:  # nothing else is left to ask but the machine's role
            return "No credentials were found: set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.", False
        if code == "RequestTimeTooSkewed":
            return "The store says this machine's clock is wrong by more than 15 minutes: set it, and publish again.", False
        if code == "NoSuchBucket":
            return f"There is no bucket {self._bucket}: create it, or name another.", False
        if code in _TRUST or status == 401 or words.startswith("Unauthenticated"):
            return f"The store does not accept these credentials ({code or 401}): check AWS_PROFILE or the AWS_ variables.", False
        if code == "AccessDenied" or status == 403 or words.startswith("PermissionDenied"):
            return f"These credentials may not do this at {self.url}: allow them to list, read and write there.", False
        if code in ("EntityTooLarge", "QuotaExceeded", "InvalidBucketName", "PermanentRedirect", "AuthorizationHeaderMalformed"):
            return f"The store refused this ({code}): check the bucket's name, its region (AWS_REGION) and its limits.", False
        if words.startswith("NotFound"):
            return f"{key or self.url} is not there any more: something else writes to {self.url}.", False
        if code in _PASSING or status >= 500 or status == 429 or not (code or status):
            why = code or (str(status) if status else "the connection failed")
            return f"The store at {self.url} kept failing ({why}): check the endpoint and the network, and {again}.", True
        return f"The store refused {key or self.url} ({code or status}): {again} when that is mended.", False


def _bare(etag: str | None) -> str:
    return (etag or "").removeprefix("W/").strip('"')


def _damaged(key: str) -> UserError:
    return UserError(f"{key} did not arrive with the bytes that were sent: publish again, and check what stands between.", 1)
