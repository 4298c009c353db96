"""Which notes of a song move what in its film: mapping files, and the plan of a window that follows from one.

mapping = read("full-song")
manifest = plan(score, roles, window, mapping, fps=Fraction(24), size=(256, 256), theme=None, mood="calm", …)
"""

from motet.video.mapping.planning import draft, mapped, plan
from motet.video.mapping.reading import names, parse, read
from motet.video.mapping.rules import Length, Mapping, Notes, Rule

__all__ = ["Length", "Mapping", "Notes", "Rule", "draft", "mapped", "names", "parse", "plan", "read"]
