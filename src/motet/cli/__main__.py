"""`python -m motet.cli`."""

import sys

from motet.cli import main

sys.exit(main())
