"""Film songs matched to the 22,019 file names of a film-music study: coverage, beside the study's own matches.

Reads `data/film` of the shared files (`MOTET_SHARED`, or `../shared`). The songs are those of `film_songs_imdb.csv`, by the title
that the film's list has and without an artist, for it has none, and those of `film_songs_playlists.csv`, with theirs. With
`--write FOLDER` all matches and a sample of 200 without their probability are written, to be judged; with `--judged FILE`
(columns film, title, directory, file, verdict: right, wrong or unclear) precision and calibration are told.

    python bench/film_matching.py --write FOLDER
"""

from __future__ import annotations

import argparse
import csv
import os
import random
import tempfile
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import sqrt
from pathlib import Path

from motet.film.matching import SURE, Catalogued, SongMatch, Wanted, match_all
from motet.naming import SongIndex, clues_of_path

JUDGED = Path(__file__).with_name("film_matches_judged.tsv")
SAMPLE, SEED = 200, 10


@dataclass(frozen=True)
class FilmSong:
    film: str
    year: str
    title: str
    artist: str


def films(shared: Path) -> dict[str, FilmSong]:
    songs: dict[str, FilmSong] = {}
    for row in _table(shared / "film/film_songs_imdb.csv"):
        song = FilmSong(row["film"], row["film_id"], row["imdb_song"].strip(), "")
        songs.setdefault(f"imdb/{song.year}/{song.title}", song)
    for row in _table(shared / "film/film_songs_playlists.csv"):
        song = FilmSong(row["film"], "", row["track_name"].strip(), row["artist"].strip())
        songs.setdefault(f"playlist/{song.film}/{song.title}/{song.artist}", song)
    return songs


def _table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", errors="replace", newline="") as lines:
        return list(csv.DictReader(lines))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", type=Path)
    parser.add_argument("--judged", type=Path, default=JUDGED)
    parser.add_argument("--least", type=float, default=SURE)
    parser.add_argument("--without-index", action="store_true")
    asked = parser.parse_args()
    shared = Path(os.environ.get("MOTET_SHARED") or Path(__file__).resolve().parents[2] / "shared") / "data"
    if not (shared / "film").is_dir():
        print(f"(no shared files at {shared}: set MOTET_SHARED)")
        return
    songs = films(shared)
    wanted = [Wanted(key, song.title, song.artist) for key, song in songs.items()]
    names = [(row["directory"], row["filename"]) for row in _table(shared / "film/midi_file_names.csv")]
    catalogue = [Catalogued("\\".join(name), tuple(clues_of_path("\\".join(name))), None, "") for name in dict.fromkeys(names)]
    with tempfile.TemporaryDirectory(prefix="motet-bench-") as folder, SongIndex(Path(folder) / "songs.sqlite") as index:
        index.add(shared / "lists/clean_midi.txt")
        began = time.process_time()
        lowest = min(asked.least, 0.05)
        every = match_all(wanted, catalogue, lowest, index=None if asked.without_index else index)
        print(f"{len(catalogue):,} names x {len(wanted):,} songs: {time.process_time() - began:.1f} s of one core")
    told = [match for match in every if match.probability >= asked.least]
    coverage(shared, songs, told, names)
    if asked.write:
        write(asked.write, songs, told)
    if asked.judged.is_file():
        calibration(asked.judged, songs, every, asked.least)


def coverage(shared: Path, songs: dict[str, FilmSong], told: Sequence[SongMatch], names: Iterable[tuple[str, str]]) -> None:
    seed = _table(shared / "film/film_midi_matches_baseline.csv")
    seed_pairs = {(row["film_id"], row["imdb_song"].strip(), row["directory"] + "\\" + row["filename"]) for row in seed}
    seed_songs = {pair[:2] for pair in seed_pairs}
    mine = {(songs[match.wanted].year, songs[match.wanted].title, match.item) for match in told if songs[match.wanted].year}
    my_songs = {pair[:2] for pair in mine}
    imdb = {(song.year, song.title) for song in songs.values() if song.year}
    films = {song.year for song in songs.values() if song.year}
    playlist = [key for key, song in songs.items() if not song.year]
    hit = {match.wanted for match in told} & set(playlist)
    print(f"{'':34}{'Motet':>16}{'the seed':>16}")
    print(f"{'pairs of song and file':34}{len(mine):16,}{len(seed_pairs):16,}")
    print(f"{'songs of IMDb lists matched':34}{_share(len(my_songs), len(imdb)):>16}{_share(len(seed_songs), len(imdb)):>16}")
    print(f"{'films with a match':34}{_share(len({s[0] for s in my_songs}), len(films)):>16}"
          f"{_share(len({s[0] for s in seed_songs}), len(films)):>16}")  # fmt: skip
    listed = {"\\".join(name) for name in names}
    held = {pair for pair in seed_pairs if pair[2] in listed}
    held_songs = {pair[:2] for pair in held}
    print(f"the seed's pairs whose file is among the names here: {len(held)}, of {len(held_songs)} songs")
    print(f"{'of these songs, matched':34}{_share(len(my_songs & held_songs), len(held_songs)):>16}")
    print(f"{'of these pairs, told':34}{_share(len(mine & held), len(held)):>16}")
    print(f"{'of the seed`s songs, matched':34}{_share(len(my_songs & seed_songs), len(seed_songs)):>16}")
    print(f"{'of the seed`s pairs, told':34}{_share(len(mine & seed_pairs), len(seed_pairs)):>16}")
    print(f"{'songs of playlists matched':34}{_share(len(hit), len(playlist)):>16}")


def _share(some: int, every: int) -> str:
    return f"{some:,} ({some / max(every, 1):.1%})"


def write(folder: Path, songs: dict[str, FilmSong], told: Sequence[SongMatch]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    rows = []
    for match in told:
        song = songs[match.wanted]
        directory, _, name = match.item.rpartition("\\")
        rows.append((song.film, song.year, song.title, song.artist, directory, name, match.probability,
                     match.explain().replace("\n", " | ")))  # fmt: skip
    header = ["film", "film_id", "title", "artist", "directory", "file", "probability", "explain"]
    rows.sort(key=lambda row: (row[0], *row[2:6]))
    _write(folder / "matches.tsv", header, rows)
    drawn = random.Random(SEED).sample(rows, min(SAMPLE, len(rows)))
    _write(folder / "sample200.tsv", header[:6], [row[:6] for row in drawn])
    print(f"{len(rows):,} matches in {folder / 'matches.tsv'}, {len(drawn)} drawn in sample200.tsv")


def _write(path: Path, header: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, delimiter="\t", lineterminator="\n")
        table.writerow(header)
        table.writerows(rows)


def calibration(path: Path, songs: dict[str, FilmSong], every: Sequence[SongMatch], least: float) -> None:
    """Precision of the judged pairs that are told, and how often each span of probabilities is right; all others count as 0."""
    with path.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE))
    found = {(songs[one.wanted].film, songs[one.wanted].title, one.item): one for one in every}
    pairs = list[tuple[float, bool, dict[str, str]]]()
    for row in rows:
        if row["verdict"] in ("right", "wrong"):
            match = found.get((row["film"], row["title"], row["directory"] + "\\" + row["file"]))
            pairs.append((match.probability if match else 0.0, row["verdict"] == "right", row))
    said = [pair for pair in pairs if pair[0] >= least]
    print(f"judged in {path.name}: {len(rows)}, unclear {len(rows) - len(pairs)}; told {len(said)}, right {_interval(said)}")
    for low, high in ((0.0, 0.05), (0.05, 0.2), (0.2, 0.4), (0.4, 0.6), (0.6, least), (least, 0.9), (0.9, 0.97), (0.97, 1.01)):
        span = [pair for pair in pairs if low <= pair[0] < high]
        if span:
            said_mean = sum(probability for probability, _, _ in span) / len(span)
            print(f"  {low:.2f}-{min(high, 1):.2f}: {len(span):4} judged, mean said {said_mean:.2f}, right {_interval(span)}")
    for probability, _, row in sorted((pair for pair in said if not pair[1]), key=lambda pair: -pair[0])[:10]:
        print(f"  wrong at {probability:.2f}: {row['film']}: {row['title']} <- {row['file']}")


def _interval(pairs: Sequence[tuple[float, bool, dict[str, str]]]) -> str:
    """A share and its 95 % interval (Wilson)."""
    n, hits = len(pairs), sum(right for _, right, _ in pairs)
    if not n:
        return "none"
    z, share = 1.96, hits / n
    middle, half = (
        (share + z * z / 2 / n) / (1 + z * z / n),
        z / (1 + z * z / n) * sqrt(share * (1 - share) / n + z * z / 4 / n / n),
    )
    return f"{hits}/{n} = {share:.1%} ({max(middle - half, 0):.1%}-{min(middle + half, 1):.1%})"


if __name__ == "__main__":
    main()
