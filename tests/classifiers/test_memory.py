"""Loading the models leaves no more memory behind than they need."""

import platform
import subprocess
import sys

import pytest

from classifiers.model_directory import PRETRAINED, read_manifest

PROGRAM = """
from pathlib import Path
from classifiers import load_models

def own_memory():  # without the pages of libraries' files
    [line] = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("RssAnon")]
    return int(line.split()[1]) * 1024

before = own_memory()
models = load_models()
print(own_memory() - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="no other C library can be asked to give memory back")
def test_loading_leaves_no_copies_of_the_weights_behind() -> None:
    """What stays is 1.8 times as large as the files, for networks compute in float32; there was 2.7 times as much."""
    files = sum((PRETRAINED / name).stat().st_size for name in read_manifest(PRETRAINED).files)
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    assert files < int(done.stdout) < 2.2 * files
