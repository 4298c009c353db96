"""What the Hub or the network says when something goes wrong: whether to try again, and one sentence without secrets."""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, TypeVar

from motet.errors import UserError
from motet.wording import several

if TYPE_CHECKING:
    from motet.publish.hub_client import Place

__all__ = ["WAITS", "passing", "pause", "sentence", "sentenced", "status_of"]

WAITS = (1.0, 3.0, 9.0)  # seconds between tries, give or take a fifth; the library has its own for uploads
LONGEST_WAIT = 120.0  # the Hub may ask for more; then it is the person who waits

_Out = TypeVar("_Out")


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: BaseException | None = error
    while seen is not None:
        yield seen
        seen = seen.__cause__


def _response(error: BaseException) -> Any:
    return next((found for one in _causes(error) if (found := getattr(one, "response", None)) is not None), None)


def status_of(error: BaseException) -> int | None:
    response = _response(error)
    return None if response is None else int(response.status_code)


def _lost(error: BaseException) -> bool:
    import httpx2

    return _response(error) is None and any(isinstance(one, httpx2.TransportError) for one in _causes(error))


def passing(error: BaseException) -> bool:
    """Whether it may go better in a moment."""
    return status_of(error) in (408, 429, 500, 502, 503, 504) or _lost(error)


def _asked_wait(error: BaseException) -> float:
    headers = getattr(_response(error), "headers", {})
    said = str(headers.get("retry-after", "")).strip()
    return float(said) if said.isdigit() and len(said) < 7 else 0.0


def pause(seconds: float, error: BaseException, place: Place, token: str) -> None:
    asked = _asked_wait(error)
    if asked > LONGEST_WAIT:
        raise sentence(place, token, error) from None
    time.sleep(max(asked, seconds * random.uniform(0.8, 1.2)))


def sentenced(place: Place, token: str, call: Callable[[], _Out]) -> _Out:
    try:
        return call()
    except Exception as error:  # noqa: BLE001 - the library raises many kinds, all told in a sentence
        raise sentence(place, token, error) from None


def sentence(place: Place, token: str, error: BaseException) -> UserError:
    """What went wrong and what to do. Of the server's words only its message, of addresses nothing: they may be signed."""
    status, where = status_of(error), f"datasets/{place.name}"
    again = "publish again later, it goes on where it was"
    if isinstance(error, ValueError) and "README.md" in str(error):
        return UserError(
            f"The Hub does not take the front matter of README.md{_server(error, token)}: mend it and publish again.", 1
        )
    if status == 401:
        return UserError(
            f"The Hub does not accept the token for {where}: run `hf auth login`, or set HF_TOKEN to one that is valid.", 1
        )
    if status == 403:
        return UserError(f"The token may not do this to {where}{_server(error, token)}: take one that may write there.", 1)
    if status == 402:
        return UserError(
            f"The account has no room or plan for {where}{_server(error, token)}: see its billing page on the Hub.", 1
        )
    if status == 404:
        return UserError(f"{where} is not on the Hub, or the token may not see it: check the name and the branch.", 1)
    if status in (409, 412):
        return UserError(f"Someone else is changing {where}{_server(error, token)}: publish again.", 1)
    if status == 413:
        return UserError(f"The Hub takes no request as large as was sent for {where}: export smaller shards.", 1)
    if status == 429:
        wait = _asked_wait(error)
        long = f" {several(round(wait), 'second')}" if wait else ""
        return UserError(f"The Hub asks to wait{long}: {again}.", 1)
    if status is not None and status >= 500:
        return UserError(f"The Hub is in trouble (HTTP {status}): {again}.", 1)
    if status is not None:
        return UserError(
            f"The Hub refused a request for {where} (HTTP {status}){_server(error, token)}: mend that and publish again.", 1
        )
    if _lost(error):
        return UserError(f"The connection to the Hub was lost or never made: check the network, then {again}.", 1)
    if type(error).__name__ == "OfflineModeIsEnabled":
        return UserError("HF_HUB_OFFLINE keeps huggingface_hub from the network: unset it to publish.", 1)
    return UserError(f"{where} could not be published ({type(error).__name__}: {_clean(str(error), token)}): {again}.", 1)


def _server(error: BaseException, token: str) -> str:
    said = next((found for one in _causes(error) if (found := getattr(one, "server_message", None))), "")
    return f" ({_clean(str(said), token)})" if said else ""


def _clean(text: str, token: str) -> str:
    """One short line without the token, what looks like one, or addresses."""
    if token:
        text = text.replace(token, "…")
    text = re.sub(r"\bhf_\w+|(?i:bearer)\s+\S+|\w+://\S+", "…", " ".join(text.split()))
    return text[:200].rstrip(" .:")
