"""Loading the models leaves no more memory behind than they need, and large blocks stay outside glibc's heap."""

import ctypes
import platform
import subprocess
import sys
from asyncio import sslproto

import pytest

from classifiers.model_directory import PRETRAINED, read_manifest

READ_AT_ONCE = sslproto.SSLProtocol.max_size
"""Bytes that asyncio reserves for each reading of a connection to Discord."""

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

BLOCKS = """
import ctypes
from classifiers.memory import keep_large_blocks_apart

class Usage(ctypes.Structure):
    _names = "arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keepcost"
    _fields_ = [(name, ctypes.c_size_t) for name in _names.split()]

c_library = ctypes.CDLL(None)
c_library.mallinfo2.restype = Usage

def outside_heap():
    return c_library.mallinfo2().hblkhd

{before}
bytes(4 << 20)  # and freed at once
size = outside_heap()
block = bytes({size})
print(outside_heap() - size)
"""

HEAPS = """
import ctypes
from threading import Barrier, Thread
from classifiers.memory import share_heaps

def work(barrier):
    block = bytes(4 << 10)
    barrier.wait()

{before}
barrier = Barrier(6)
threads = [Thread(target=work, args=(barrier,)) for _ in range(6)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
c_library = ctypes.CDLL(None)
c_library.malloc_info(0, ctypes.c_void_p.in_dll(c_library, "stdout"))
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="no other C library tells of its heaps")
@pytest.mark.parametrize(("before", "heaps"), [("share_heaps()", 2), ("", 7)])
def test_threads_share_two_heaps_on_request(before: str, heaps: int) -> None:
    program = HEAPS.format(before=before)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.count("<heap nr=") == heaps


@pytest.mark.skipif(
    sys.platform != "linux" or not hasattr(ctypes.CDLL(None), "mallinfo2"), reason="only glibc tells, from 2.33 on"
)
@pytest.mark.parametrize(
    ("before", "size", "least"),
    [
        ("keep_large_blocks_apart()", 2 << 20, 2 << 20),
        ("keep_large_blocks_apart()", READ_AT_ONCE, READ_AT_ONCE),
        ("", 2 << 20, 0),
    ],
)
def test_large_blocks_stay_outside_the_heap_on_request(before: str, size: int, least: int) -> None:
    program = BLOCKS.format(before=before, size=size)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert least <= int(done.stdout) < least + (1 << 20)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="no other C library can be asked to give memory back")
def test_loading_models_keeps_no_extra_copies_of_the_weights() -> None:
    """1.8 times the size of the files remains, since networks compute in float32; it used to be 2.7 times."""
    files = sum((PRETRAINED / name).stat().st_size for name in read_manifest(PRETRAINED).files)
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    assert files < int(done.stdout) < 2.2 * files
