"""Where recordings play in a film's sound: when, from which second of which song, at what speed, and how sure that is.

    catalogue = Catalogue({name: listen_to(path) for name, path in recordings.items()})
    for placement in catalogue.locate(listen_to(film)):
        print(placement.song, placement.film_start, placement.film_end, placement.confidence)

What is played may lie far below speech and noise, be filtered, encoded, faster or slower by 4 %, with its pitch kept or not.
"""

from motet.film.locating.catalogue import SURE, Catalogue, Placement
from motet.film.locating.sound import RATE, Sound, listen, listen_to

__all__ = ["RATE", "SURE", "Catalogue", "Placement", "Sound", "listen", "listen_to"]
