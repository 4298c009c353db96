"""Who an artist is, so that spellings of one name meet and names of nobody do not."""

from __future__ import annotations

import re
from functools import cache, lru_cache

__all__ = ["main_artist"]

_GUEST = re.compile(
    r"""(?ix) (?: [\s(\[]+ (?: feat | ft | featuring | vs ) \b | \s+ [fw]/ | [(\[] \s* (?: with | con | avec | mit | w/ ) \s
    | [;\0] | \s//?\s ) .* $""",
    re.DOTALL,
)
_GATHERED = re.compile(r"(?i)(?:va|v\.a\.|various(?: artists)?)\s*[-:–]\s")  # and then the name of the album
_BLANK = re.compile(r"[\s?._*~#-]*\Z")
_STORED = re.compile(r"(?i)(?:unknown|various)\b")  # before a running number; Anonymous 4 is a choir
_COUNTED = re.compile(r"[\s(\[#]*\d+[\s)\]]*\Z")
_BRACKETED = re.compile(r"\s?[(\[]\d+[)\]]\Z")

# Whole names. Those below in words are found in any combination with one another.
_NAMES = """
va|v a|v v a a|n a|na|nan|none|null|nil|tba|tbd|nobody|no name|no one|artist|artists|the artist|interpret|author|composer|
misc|miscellaneous|other|others|public domain|dominio publico|domaine public|gemeinfrei|dominio pubblico|pd|arr|arranger|
p d|sconosciuto|autore sconosciuto|autori vari|artisti vari|aa vv|vv aa|verschiedene interpreten|verschiedene kunstler|
diverse kunstler|diverse interpreten|diverse artiesten|diverse artister|diversos interpretes|artistes divers|divers|
divers artistes|volkslied|volksweise|volkstumlich|volkslieder|popolare|canto popolare|tradycyjna|ludowa|rozni wykonawcy|
nieznany|nieznany wykonawca|nieznany artysta|okand|okand artist|ukjent|ukendt|ukendt kunstner|ukjent artist|tuntematon|
eri esittajia|neznamy|neznamy interpret|ruzni interpreti|ismeretlen|ismeretlen eloado|kulonbozo eloadok|bilinmeyen|
bilinmeyen sanatci|cesitli sanatcilar|anonim|onbekend|onbekende artiest|desconhecido|artista desconhecido|varios|
varios artistas|varios interpretes|desconocido|artista desconocido|inconnu|artiste inconnu|auteur inconnu|artistes varies|
unbekannt|unbekannter kunstler|unbekannter interpret|неизвестен|неизвестный|неизвестный исполнитель|неизвестный артист|
неизвестно|разные исполнители|разные|сборник|народная|народная песня|народные|невідомий|невідомий виконавець|
різні виконавці|άγνωστος|άγνωστος καλλιτέχνης|διάφοροι καλλιτέχνες|διάφοροι|παραδοσιακό|不明|アーティスト不明|作者不詳|
作曲者不詳|伝承|伝承曲|民謡|オムニバス|ヴァリアス アーティスト|未知|未知艺术家|未知藝術家|未知歌手|佚名|群星|华语群星|民歌|
传统|傳統|알 수 없는 아티스트|미상|작자 미상|여러 아티스트|전래동요|전통|unknown artist unknown album|カラオケ|卡拉ok|伴奏|
노래방|караоке|no artist|sin artista|kein interpret|народная музыка
"""
_WORDS = """
unknown various anonymous anonymus anon anonyme anonimo anonym anonymer traditional trad tradicional traditionnel traditionell
traditionelle tradizionale traditioneel tradisjonell karaoke unidentified untitled unnamed assorted sundry diverse verschiedene
uncredited undefined
"""
_BESIDE = """
artist artists artiste artistes artista artistas author composer composers performer performers singer singers musician musicians
band group song songs tune folk folksong carol hymn melody air spiritual version versions hits party midi music by and or arr
irish scottish english american welsh german french italian spanish russian jewish celtic greek hungarian christmas
"""


@cache
def _nobody() -> tuple[frozenset[str], frozenset[str], frozenset[str]]:
    """Whole names as plain runs, words that say nobody, and words that say nothing beside them."""
    from motet.naming.spelling import plain

    names = frozenset(plain(name) for name in _NAMES.replace("\n", "").split("|"))
    return names, frozenset(_WORDS.split()), frozenset(_BESIDE.split())


@lru_cache(1 << 16)
def main_artist(artist: str) -> str:
    """The main artist so that spellings meet, "" for nobody in particular.

    Case, accents, punctuation, "the", "and" and guests ("feat.", "(with …)") do not count, and "Gaye, Marvin" is Marvin Gaye.
    Nobody is what libraries write where no name is known, for collections and for folk songs, in the languages of common taggers.
    """
    from motet.naming.cleaning import last_first
    from motet.naming.spelling import LONGEST, plain, words

    whole = artist[:LONGEST].strip()
    main = _GUEST.sub("", whole).strip() or whole
    if _BLANK.match(main) or _GATHERED.match(main):
        return ""
    bare = (_COUNTED if _STORED.match(main) else _BRACKETED).sub("", main)
    names, nobody, beside = _nobody()
    found = words(bare)
    if plain(bare) in names or (
        any(word in nobody for word in found) and all(word in nobody or word in beside for word in found)
    ):
        return ""
    told = [word for word in words(last_first(main)) if word not in ("the", "and")] or list(words(main))
    return "".join(told) or main.casefold()
