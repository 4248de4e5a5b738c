"""Many actors and many interrupts: the kernel works on, and nothing is left."""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING

import psutil
import pytest

from subint_magic.spawn import spawn_methods

if TYPE_CHECKING:
    from .harness import Cell, Kernel

MB = 10**6

BACKENDS = [each.key for each in spawn_methods() if each.available and not each.remote]

WARM_UP = 30
"""Rounds after which all is there that is made once and kept."""

CENSUS = """\
import gc
gc.collect()
from subint_magic.testing.leaks import Census
before = Census.take()
"""

LEFT = "gc.collect()\nimport json; print(json.dumps(Census.take().since(before)))"

FAST = [backend for backend in BACKENDS if backend != "mp_spawn"]

SLEEP = "import time\nprint('ready')\ntime.sleep(1e6)"

LOOP = "print('ready')\nwhile True: pass"

EXPECTED = {"RunCancelled", "RunTimedOut", "KeyboardInterrupt"}
"""The errors of a cell that was interrupted at any point."""

pytestmark = pytest.mark.slow


@pytest.fixture
def loaded(new_kernel: Kernel) -> Kernel:
    """A kernel that has used all backends once."""
    new_kernel.ok("%load_ext subint_magic\n%config SubintMagics.spares = 0")
    for backend in BACKENDS:
        new_kernel.ok(f"%%subint -b {backend}\npass")
        ended(new_kernel.start(f"%%subint -b {backend} --timeout 0.01\nwhile True: pass"))
    return new_kernel


def ended(cell: Cell) -> str:
    """Wait for the end of *cell*; return how it ended.

    An interrupt that comes before the kernel has begun to run a cell, of whatever kind, may take
    ipykernel's reply with it.
    """
    cell.wait_idle()
    if cell.reply is None:
        return "lost"
    if not cell.errors:
        return cell.status
    if cell.error[0] not in EXPECTED:
        print(cell.traceback)
    return cell.error[0]


def assert_nothing_left(kernel: Kernel) -> None:
    kernel.ok("%subints close --all")
    left = json.loads(kernel.ok(LEFT).stdout)
    # Each thread of ipykernel gets a socket when it first has something to send.
    assert [what for what in left if "eventfd" not in what] == []


def stopped_somewhere(kernel: Kernel, chance: random.Random, where: str, source: str) -> str:
    """Run a cell and interrupt it at some point; return how it ended.

    The timeout is for an interrupt that came before the kernel had begun with the cell.
    """
    cell = kernel.start(f"%%subint {where} --timeout 0.2 --grace 5\n{source}")
    match chance.choice(["at once", "begun", "running"]):
        case "begun":
            kernel.wait_until(lambda: cell.begun, "its begin")
        case "running":
            kernel.wait_until(lambda: "ready" in cell.stdout or cell.done, "its output")
    kernel.interrupt()
    return ended(cell)


def test_two_hundred_interrupts(loaded: Kernel):
    """Over running, starting and ending actors, and over none."""
    kernel, chance = loaded, random.Random(3)
    for backend in BACKENDS:
        kernel.ok(f"%%subint -n {backend} -b {backend}\nx = 1")

    def one() -> str:
        backend = chance.choice(BACKENDS)
        where = chance.choice([f"-n {backend}", f"-b {backend}"])
        source = chance.choice([LOOP, "print('ready')", SLEEP])
        return stopped_somewhere(kernel, chance, where, source)

    for _ in range(WARM_UP):
        one()
    kernel.ok(CENSUS)
    outcomes = {one() for _ in range(200)}
    assert outcomes <= {*EXPECTED, "ok", "lost"}
    assert {"RunCancelled", "ok"} <= outcomes
    for backend in BACKENDS:
        assert kernel.ok(f"%%subint -n {backend}\nx").results == ["1"]
    assert kernel.ok("6 * 7").results == ["42"]
    assert_nothing_left(kernel)


def one_life(kernel: Kernel, chance: random.Random) -> str:
    """Start an actor and end it in some way."""
    # A start of mp_spawn takes as long as many others.
    backend = chance.choice([*FAST * 3, "mp_spawn"])
    match chance.choice(["runs", "times out", "is interrupted", "close", "cancel", "kill"]):
        case "runs":
            return ended(kernel.start(f"%%subint -b {backend}\nprint('ready')"))
        case "times out":
            timeout = chance.uniform(0, 0.03)
            return ended(kernel.start(f"%%subint -b {backend} --timeout {timeout}\n{LOOP}"))
        case "is interrupted":
            return stopped_somewhere(kernel, chance, f"-b {backend}", LOOP)
        case action:
            kernel.ok(f"%%subint -n a -b {backend}\nx = 1")
            return kernel.ok(f"%subints {action} a").stdout.partition(":")[0]


def test_five_hundred_actors(loaded: Kernel):
    kernel, chance = loaded, random.Random(4)
    for _ in range(WARM_UP):
        one_life(kernel, chance)
    kernel.ok(CENSUS)
    memory = psutil.Process(kernel.pid).memory_info
    before = memory().rss
    outcomes = [one_life(kernel, chance) for _ in range(500)]
    assert_nothing_left(kernel)
    assert memory().rss - before < 10 * MB
    assert {"ok", "RunTimedOut", "RunCancelled", "closed", "cancelled"} <= set(outcomes)
    assert "abandoned" not in " ".join(outcomes)
