"""The pictures of a film: what it is by its time stamps, its shots, and how a span of it looks."""

from motet.film.pictures.facts import FilmFacts, film_facts
from motet.film.pictures.looks import HUES, Looks
from motet.film.pictures.shots import Kind, Shot, shots, snap
from motet.film.pictures.span import Span, look_at

__all__ = ["HUES", "FilmFacts", "Kind", "Looks", "Shot", "Span", "film_facts", "look_at", "shots", "snap"]
