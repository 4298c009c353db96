"""Which songs a film uses, by lists and services, with the source and the confidence of each.

with Client(shared_folder(os.environ)) as client:
    told = Soundtracks.open(client).ask(film := film_name("Pulp Fiction (1994).mkv"))
for song in find(film, [*told.listed, *read_list_file(Path("soundtracks.csv"))]):
    print(song.confidence, song.artist, song.title, song.kind, *song.evidence)
"""

from motet.film.songs.asking import SERVICES, Asked, Refused, Soundtracks, Told
from motet.film.songs.listed import FilmSong, Listed
from motet.film.songs.merging import find, merge, same_artist
from motet.film.songs.names import SAME, FilmName, film_name, same_film
from motet.film.songs.reading import read_list, read_list_file

__all__ = [
    "SAME",
    "SERVICES",
    "Asked",
    "FilmName",
    "FilmSong",
    "Listed",
    "Refused",
    "Soundtracks",
    "Told",
    "film_name",
    "find",
    "merge",
    "read_list",
    "read_list_file",
    "same_artist",
    "same_film",
]
