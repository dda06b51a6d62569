"""`python -m bot`, and the script `emobot`; the commands are in `bot.cli`."""

import sys

from classifiers.starting import run_main


def main() -> int:
    """Run the command line, for the script `emobot`, and return the exit status."""
    return run_main("bot.cli")


if __name__ == "__main__":
    sys.exit(run_main("bot.cli", program="python -m bot"))
