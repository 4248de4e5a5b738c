"""What a cell costs, counted and not timed: a count is the same on any machine, and busy or not."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .harness import Kernel

# Calls of Python functions, and resumptions of coroutines, in the threads that a cell waits for.
COUNT = """\
import sys, threading
from collections import Counter
tool, calls = 4, Counter()
events = sys.monitoring.events.PY_START | sys.monitoring.events.PY_RESUME
def count(code, _offset):
    calls[threading.current_thread().name] += 1
sys.monitoring.use_tool_id(tool, "costs")
for event in (sys.monitoring.events.PY_START, sys.monitoring.events.PY_RESUME):
    sys.monitoring.register_callback(tool, event, count)
"""
BEGIN = "calls.clear(); sys.monitoring.set_events(tool, events)"
END = """\
sys.monitoring.set_events(tool, 0)
import json; print(json.dumps(calls))
"""


@pytest.fixture
def counting(kernel: Kernel) -> Iterator[Kernel]:
    kernel.ok(COUNT)
    yield kernel
    kernel.ok("sys.monitoring.free_tool_id(tool)")


def calls(kernel: Kernel, cell: str) -> int:
    """Return how many calls a cell takes, at its second run; the least of some."""
    counts = []
    for _ in range(5):
        kernel.ok(cell)
        kernel.ok(BEGIN)
        kernel.ok(cell)
        counts.append(json.loads(kernel.ok(END).stdout))
    return min(count["MainThread"] + count.get("Control", 0) for count in counts)


def test_a_cell_in_a_named_actor(counting: Kernel):
    counting.ok("x = 1")
    counting.ok("%%subint -n a\nx = 1")
    added = calls(counting, "%%subint -n a\nx") - calls(counting, "x")
    assert added < 1, added


def test_a_cell_in_a_spare(counting: Kernel):
    added = calls(counting, "%%subint\n1") - calls(counting, "1")
    assert added < 1, added
