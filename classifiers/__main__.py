"""Run `python -m classifiers`; see `classifiers.cli`."""

import sys

from classifiers.starting import run_main

if __name__ == "__main__":
    sys.exit(run_main("classifiers.cli"))
