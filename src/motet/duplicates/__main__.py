"""A process that judges pairs of songs for another: see `motet.duplicates.comparing`."""

import sys

from motet.duplicates.comparing import serve

if __name__ == "__main__":
    serve(sys.argv[1])
