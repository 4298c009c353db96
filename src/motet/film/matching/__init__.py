"""Which items of a catalogue are a film's songs, and how sure that is.

    matcher = Matcher(wanted)
    for match in matcher.match(Catalogued(path, tuple(clues_of_path(path)), None, "")):
        print(match.wanted, match.explain())

The songs are a closed list of titles, and most of a catalogue is none of them. So a title that fits is not enough: what a
title tells is counted in bits (`titles.telling`), and the rules are these.

- *The same composition is a match*, whoever plays it. A name that says the song's artist is a match even where the title
  is short.
- *A name that says nobody*, or a film's list that names nobody, is a match where the title is long or rare enough to be one
  song's: "Corcovado" is, "Home" is not. Each other artist who is known for songs so called makes it less likely.
- *A name that says another artist* is taken for a cover where the title is distinctive, with the penalty "other artist" and
  a lower probability, and for another song where it is not.
- *A name that says a longer title*, known from the list or the index, is that song: `Blue Moon of Kentucky` is not "Blue Moon".
- *Numbers are never guessed*: "Hungarian Dance No. 5" is neither `Hungarian Dance 6` nor plain `Hungarian Dance`.
- *Duplicates of a match are matches*, told as "family of <id>".
"""

from motet.film.matching.matcher import Catalogued, Matcher, SongMatch, Wanted, match_all
from motet.film.matching.titles import telling
from motet.film.matching.weighing import SURE

__all__ = ["SURE", "Catalogued", "Matcher", "SongMatch", "Wanted", "match_all", "telling"]
