"""`python -m bot`; the commands are in `bot.cli`."""

import sys

from bot.cli import main

if __name__ == "__main__":
    sys.exit(main(program="python -m bot"))
