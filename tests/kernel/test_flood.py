"""A cell that prints without end: the kernel stays small, answers, and stops it at once."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

import psutil
import pytest

from subint_magic.spawn import default_start_method

from .test_interrupt import assert_cancelled
from .test_output import needs_fds

if TYPE_CHECKING:
    from .harness import Cell, Kernel

MB = 10**6

CUT = (
    "… output is over its limit of {:,} characters: the rest is dropped"
    " (%config SubintMagics.output_limit)"
)
DROPPED = r"… ([\d,]+) characters of output were dropped"


@pytest.fixture
def limited(kernel: Kernel) -> Kernel:
    """A kernel with a small limit."""
    kernel.ok("%config SubintMagics.output_limit = 1000")  # reset() sets it back
    return kernel


def dropped(cell: Cell) -> int:
    """Return what the last line says."""
    found = re.fullmatch(DROPPED, cell.stderr.splitlines()[-1])
    assert found, cell.stderr
    return int(found[1].replace(",", ""))


def test_the_cut_says_where_and_how_much(limited: Kernel, start_method: str):
    cell = limited.ok(f"%%subint -b {start_method}\nprint('x' * 1_500_000)\n'result'")
    assert cell.streams == [
        ("stdout", "x" * 1000),
        ("stderr", f"\n{CUT.format(1000)}\n… 1,499,001 characters of output were dropped\n"),
    ]
    assert cell.results == ["'result'"]


def test_what_fits_is_not_spoken_of(limited: Kernel):
    cell = limited.ok("%%subint\nprint('x' * 999)")
    assert cell.streams == [("stdout", "x" * 999 + "\n")]


def test_no_display_of_many_is_lost(kernel: Kernel):
    cell = kernel.ok("%%subint\nfor i in range(3000): display(i)")
    shown = [output[1]["text/plain"] for output in cell.outputs if output[0] == "display"]
    assert shown == [str(i) for i in range(3000)]


def test_an_error_comes_whole_after_the_cut(limited: Kernel):
    cell = limited.run("%%subint\nprint('x' * 5000)\n1 / 0")
    assert [kind for kind, *_ in cell.outputs][-2:] == ["stderr", "error"]
    assert dropped(cell) == 4001
    assert "ZeroDivisionError" in cell.traceback


def test_the_limit_is_at_least_one(limited: Kernel):
    cell = limited.run("%config SubintMagics.output_limit = 0")
    assert "output_limit" in cell.stderr + str(cell.errors)
    assert limited.ok("%config SubintMagics.output_limit").results == ["1000"]
    assert "is dropped" in limited.ok("%config SubintMagics").stdout


@pytest.mark.parametrize("limit", [1000, 2**24])
@pytest.mark.parametrize(
    "source",
    [
        "while True: print('x')",
        "while True: print('x', flush=True)",
        "while True: print('x' * 100_000)",
        "import sys\nwhile True: print('x'); print('y', file=sys.stderr)",
    ],
    ids=["prints", "flushes", "large", "alternating"],
)
def test_it_stops_at_once(kernel: Kernel, start_method: str, source: str, limit: int):
    kernel.ok(f"%config SubintMagics.output_limit = {limit}")
    cell = kernel.start(f"%%subint -b {start_method}\n{source}")
    if limit == 1000:
        cell.wait_output("the rest is dropped")
    else:
        kernel.wait_until(lambda: len(cell.outputs) > 3, "some output")
    kernel.interrupt()
    assert_cancelled(cell.wait())
    if limit == 1000:
        assert dropped(cell) > 0


@needs_fds
@pytest.mark.parametrize(
    "source",
    [
        "import subprocess\nsubprocess.run(['yes'])",
        "import os\nwhile True: os.write(1, b'x' * 50)",
        "import ctypes\nwhile True: ctypes.CDLL(None).puts(b'x')",
    ],
    ids=["subprocess", "fd", "C"],
)
def test_it_stops_what_writes_to_fd_1(limited: Kernel, start_method: str, source: str):
    cell = limited.start(f"%%subint -n a -b {start_method}\n{source}")
    cell.wait_output("the rest is dropped")
    limited.interrupt()
    assert_cancelled(cell.wait())
    assert len(cell.stdout) == 1000
    assert dropped(cell) > 0
    assert limited.ok("%%subint -n a\n'usable'").results == ["'usable'"]


@pytest.mark.slow
def test_ten_seconds_of_it(new_kernel: Kernel):
    """One actor prints lines, another to stdout and stderr in turn, and the kernel has work."""
    kernel = new_kernel
    kernel.ok("%load_ext subint_magic")
    floods = {
        default_start_method(): "print('x', file=(sys.stdout, sys.stderr)[i % 2])",
        "mp_forkserver": "print('a line of', 'some words')",
    }
    for backend in floods:
        kernel.ok(f"%%subint -n {backend} -b {backend}\nimport sys, time\nprint('warm')")
    memory = psutil.Process(kernel.pid).memory_info
    with kernel.subshell() as one, kernel.subshell() as another:
        kernel.start("pass", one).wait()
        kernel.start("pass", another).wait()
        before = peak = memory().rss
        cells = [
            kernel.start(
                f"%%subint -n {backend}\n"
                "end = time.monotonic() + 10\n"
                "i = 0\n"
                "while time.monotonic() < end:\n"
                f"    i += 1; {body}",
                subshell,
            )
            for subshell, (backend, body) in zip((one, another), floods.items(), strict=True)
        ]
        kernel.wait_until(lambda: all(cell.begun for cell in cells), "the floods")
        answers, slowest = 0, 0.0
        while not all(cell.done for cell in cells):
            begun = time.monotonic()
            kernel.ok("pass")
            slowest = max(slowest, time.monotonic() - begun)
            answers += 1
            peak = max(peak, memory().rss)
    assert all(cell.status == "ok" for cell in cells)
    assert peak - before < 50 * MB
    assert answers > 10
    assert slowest < 5
