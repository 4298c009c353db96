"""Our own tunes as films, and a page to watch them on."""

from motet.video.examples.making import Example, examples
from motet.video.examples.page import page

__all__ = ["Example", "examples", "page"]
