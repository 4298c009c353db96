"""What parts are played with: racks of instruments, effects and playing, from which every part draws its own.

rack = read("studio")
drawn = rack.draw(Who(program=33, role="bass"), random.Random(7))
drawn.patches[0].to_json()
"""

from motet.render.rack.rack import Draw, File, Rack
from motet.render.rack.reading import read, ready
from motet.render.rack.rules import Rule, Who

__all__ = ["Draw", "File", "Rack", "Rule", "Who", "read", "ready"]
