"""``python -m twobytwo`` is the command ``twobytwo``."""

import sys

from twobytwo.cli import main

if __name__ == "__main__":
    sys.exit(main())
