"""What services know of a film's songs, asked through the polite client of `motet.sources`.

    with Client(shared_folder(os.environ)) as client:
        told = Soundtracks.open(client).ask(FilmName("Pulp Fiction", 1994))
    songs = merge([*told.listed, *lines_of_lists])

First answers are kept by the client and told again, without a network too. What looks like a soundtrack of another film is
refused, and said to be.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Literal, Protocol

from motet.errors import UserError
from motet.film.songs.kinds import album as read_album
from motet.film.songs.listed import Listed
from motet.film.songs.names import SAME, FilmName, same_film
from motet.sources.asking import Unanswered

if TYPE_CHECKING:
    from motet.sources.client import Client

YEARS_BEFORE, YEARS_AFTER = 1, 3
"""How long before and after its film a soundtrack may be first released. A later one may be of a remake."""


@dataclass(frozen=True)
class Refused:
    """A soundtrack that is passed over. `reason` is `other_film`, `other_year`, `no_soundtrack`, `no_tracks` or `closed`."""

    what: str
    reason: str
    detail: str


@dataclass(frozen=True)
class Told:
    """What one service says of one film. `status` is `found`, `not_found`, or `refused`: it does not serve who asks.

    `asked_at` is when it said so (ISO 8601, UTC), also where that is told from the cache; `notes` are
    sentences on what was left out.
    """

    service: str
    status: Literal["found", "not_found", "refused"]
    listed: tuple[Listed, ...] = ()
    refused: tuple[Refused, ...] = ()
    asked_at: str = ""
    url: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Asked:
    """What all services say of one film. `unanswered` has a sentence for each that could not be asked."""

    film: FilmName
    told: tuple[Told, ...]
    unanswered: tuple[str, ...] = ()

    @property
    def listed(self) -> tuple[Listed, ...]:
        return tuple(one for told in self.told for one in told.listed)

    @property
    def refused(self) -> tuple[Refused, ...]:
        return tuple(one for told in self.told for one in told.refused)


class Service(Protocol):
    """A service that knows soundtracks. Raises Unanswered when it cannot be asked now."""

    name: str

    def ask(self, film: FilmName, client: Client, check: Check) -> Told: ...


@dataclass(frozen=True)
class Check:
    """Whether an album is a soundtrack of this film."""

    film: FilmName
    years_after: int = YEARS_AFTER

    def __call__(self, title: str, year: int | None, what: str) -> float | Refused:
        """How much an album of this title and year of first release is believed to be of the film, 0 to 1, or why it is not."""
        told = read_album(title)
        near = year is not None and self.film.year is not None and -YEARS_BEFORE <= year - self.film.year <= self.years_after
        if year is not None and self.film.year is not None and not near:
            detail = f"{what} was first released in {year}, and {self.film.title} is of {self.film.year}."
            if max(self._alike(told.film, False), self._alike(title, False)) < 0.5:
                return Refused(what, "other_film", f"{what} is not a title of {self.film.title}.")
            return Refused(what, "other_year", detail)
        alike = max(self._alike(told.film, near), self._alike(title, near))
        if alike < SAME:
            return Refused(what, "other_film", f"{what} is not a title of {self.film.title}.")
        sure = 0.9 * alike if near else 0.7 * alike if self.film.year is None or year is None else 0.5 * alike
        # Music inspired by a film is not in it.
        return round(sure * (0.6 if told.inspired else 1.0), 4)

    def _alike(self, title: str, near: bool) -> float:
        year = self.film.year if near else None
        return max(
            same_film(FilmName(self.film.title, year), FilmName(one, year)) / (1.0 if year is not None else 0.9)
            for one in dict.fromkeys((title, *_undated(title, self.film.year)))
        )


def _undated(title: str, year: int | None) -> tuple[str, ...]:
    """A title without the film's own year in brackets."""
    return (title.replace(f"({year})", " "),) if year is not None and f"({year})" in title else ()


def mixed(film: FilmName, years: Sequence[int | None]) -> tuple[float, list[str]]:
    """How much less soundtracks of these years are believed where the film's year is not known, with a sentence that says so."""
    known = sorted({year for year in years if year is not None})
    if film.year is not None or len(known) < 2 or known[-1] - known[0] <= YEARS_AFTER:
        return 1.0, []
    shown = ", ".join(map(str, known[:10]))
    return 0.6, [f"Soundtracks of this title are of {shown}, perhaps of several films: say the year."]


SERVICES: dict[str, Callable[[Mapping[str, str]], Service]] = {
    name: (lambda settings, module=f"motet.film.songs.{name}": import_module(module).open_service(settings))  # type: ignore[misc]
    for name in ("musicbrainz", "spotify")
}


@dataclass(frozen=True)
class Soundtracks:
    """Asks services for the songs of films. `client` keeps what they answer, and asks no more often than they like."""

    client: Client = field(repr=False)
    services: tuple[Service, ...]
    years_after: int = YEARS_AFTER

    @classmethod
    def open(
        cls,
        client: Client,
        settings: Mapping[str, str] | None = None,
        names: Sequence[str] | None = None,
        years_after: int = YEARS_AFTER,
    ) -> Soundtracks:
        """The services of these names, set up by `settings`, as a rule the environment, as all sources are.

        Without names: MusicBrainz, and Spotify where SPOTIFY_CLIENT_ID is set. Raises UserError for an unknown name or a missing
        key.
        """
        settings = os.environ if settings is None else settings
        if names is None:
            names = ["musicbrainz", *(["spotify"] if settings.get("SPOTIFY_CLIENT_ID") else [])]
        if unknown := [name for name in names if name not in SERVICES]:
            raise UserError(f"No service {unknown[0][:50]!r} knows soundtracks; there are: {', '.join(sorted(SERVICES))}.")
        return cls(client, tuple(SERVICES[name](settings) for name in dict.fromkeys(names)), years_after)

    def ask(self, film: FilmName, partly: bool = False) -> Asked:
        """What the services know of a film, each within the time of one question.

        Raises Unanswered when one cannot be asked now, so that no service's silence is taken for "no songs"; with `partly` only
        when none can, and the others' sentences stand in `unanswered`. What was answered is kept and not asked again.
        """
        if not film.title.strip():
            raise UserError("A film without a title cannot be looked for.")
        told, unanswered = list[Told](), list[str]()
        for service in self.services:
            try:
                with self.client.question():
                    told.append(service.ask(film, self.client, Check(film, self.years_after)))
            except Unanswered as problem:
                if not partly:
                    raise
                unanswered.append(str(problem))
        if unanswered and not told:
            raise Unanswered("; ".join(unanswered))
        return Asked(film, tuple(told), tuple(unanswered))
