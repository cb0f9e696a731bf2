"""``python -m twobytwo`` is the command ``twobytwo``."""

from twobytwo.cli import run

if __name__ == "__main__":
    run()
