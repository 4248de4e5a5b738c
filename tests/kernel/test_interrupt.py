"""The stop button."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from .harness import Cell, Gate, Kernel, Signal

awaiting_and_blocking = pytest.mark.parametrize(
    "prefix", ["", "%%time\n"], ids=["awaiting", "blocking"]
)

LOOP = "x += 1\nprint('ready')\nwhile True: pass"


def assert_cancelled(cell: Cell, by: str = "an interrupt") -> None:
    assert cell.status == "error"
    name, value = cell.error
    assert name == "RunCancelled"
    found = re.fullmatch(
        rf"run in actor '(.*)' stopped by {by} within \d\.\d\d s \((.*)\): (.*)\.", value
    )
    assert found, value
    assert found[2] in (
        "KeyboardInterrupt was raised in it",
        "its event loop cancelled it",
        "the call that it waited in was woken",
    )
    anonymous = found[1].startswith("actor-")
    kept = "its actor ends with it" if anonymous else "the actor and its namespace are kept"
    assert found[3] == kept


@awaiting_and_blocking
def test_it_stops_a_loop_and_keeps_the_actor(kernel: Kernel, start_method: str, prefix: str):
    kernel.ok(f"%%subint -n a -b {start_method}\nx = 0")
    for runs in (1, 2):
        cell = kernel.start(f"{prefix}%%subint -n a\n{LOOP}")
        cell.wait_output("ready")
        kernel.interrupt()
        assert_cancelled(cell.wait())
        assert kernel.ok("%%subint -n a\nx").results == [str(runs)]
    assert kernel.ok("6 * 7").results == ["42"]


@pytest.mark.parametrize("code", ["while True: pass", "input()"])
@awaiting_and_blocking
def test_it_need_not_wake_the_main_thread(kernel: Kernel, prefix: str, code: str):
    # As when it comes just before that goes to sleep, or the system gives it to another thread.
    cell = kernel.start(f"{prefix}%%subint\nprint('ready')\n{code}", stdin=True)
    cell.wait_output("ready")
    if code == "input()":
        cell.wait_question()
    with kernel.subshell() as subshell:
        send = "import signal, threading; signal.pthread_kill(threading.get_ident(), signal.SIGINT)"
        kernel.start(send, subshell).wait()
        assert_cancelled(cell.wait())


def test_the_error_shows_where_the_cell_was(kernel: Kernel, start_method: str):
    cell = kernel.start(f"%%subint -b {start_method}\nprint('ready')\nwhile True: pass  # here")
    cell.wait_output("ready")
    kernel.interrupt()
    lines = cell.wait().traceback.splitlines()
    assert "    while True: pass  # here" in lines
    assert "KeyboardInterrupt" in lines
    assert "subint_magic" not in cell.traceback


@pytest.mark.skip_spawn_backend(
    "subint", "subint_legacy", reason="what the second one does cannot be seen from outside"
)
@awaiting_and_blocking
def test_a_second_one_climbs_at_once(kernel: Kernel, start_method: str, prefix: str):
    kernel.ok(f"%%subint -n a -b {start_method}\nx = 1")
    cell = kernel.start(
        f"{prefix}%%subint -n a --grace 1000\n"
        "def f():\n"
        "    while True:\n"
        "        try:\n"
        "            print('ready')\n"
        "            while True: len('x')\n"
        "        except BaseException:\n"
        "            print('no')\n"
        "f()"
    )
    cell.wait_output("ready")
    kernel.interrupt()
    cell.wait_output("no")
    kernel.interrupt()
    assert "again and again" in cell.wait().error[1]
    assert kernel.ok("%%subint -n a\nx").results == ["1"]


@awaiting_and_blocking
def test_it_stops_run_all(kernel: Kernel, prefix: str):
    cell = kernel.start(f"{prefix}%%subint\nprint('ready')\nwhile True: pass")
    queued = kernel.start("print('never')")
    cell.wait_output("ready")
    kernel.interrupt()
    assert_cancelled(cell.wait())
    assert queued.wait().status == "aborted"


@pytest.mark.parametrize(
    "source",
    [
        "while True:\n    sorted(range(1000), key=lambda x: -x)",
        "def forever():\n    yield from iter(int, 1)\nfor _ in forever(): pass",
        "import time\nwhile True: time.sleep(0.001)",
        "while True: print('x')",
    ],
    ids=["sorted", "generator", "short sleeps", "prints"],
)
def test_it_stops_what_comes_back_to_python(kernel: Kernel, start_method: str, source: str):
    cell = kernel.start(f"%%subint -b {start_method}\nprint('ready')\n{source}")
    cell.wait_output("ready")
    kernel.interrupt()
    assert_cancelled(cell.wait())


def test_finally_blocks_run(kernel: Kernel, start_method: str):
    cell = kernel.start(
        f"%%subint -b {start_method}\n"
        "try:\n    print('ready')\n    while True: pass\nfinally:\n    print('cleaned up')"
    )
    cell.wait_output("ready")
    kernel.interrupt()
    assert_cancelled(cell.wait())
    assert cell.stdout == "ready\ncleaned up\n"


@awaiting_and_blocking
@pytest.mark.parametrize(
    ("loop", "wait"),
    [("trio", "trio.sleep_forever()"), ("asyncio", "asyncio.get_running_loop().create_future()")],
)
def test_it_stops_a_top_level_await(
    kernel: Kernel, start_method: str, prefix: str, loop: str, wait: str
):
    cell = kernel.start(
        f"{prefix}%%subint -n a -b {start_method} --loop {loop}\n"
        f"import {loop}\n"
        "try:\n"
        "    print('ready')\n"
        f"    await {wait}\n"
        "finally:\n"
        "    print('cleaned up')"
    )
    cell.wait_output("ready")
    kernel.interrupt()
    assert_cancelled(cell.wait())
    assert "cleaned up\n" in cell.stdout
    source = f"await {loop}.sleep(0)\n'usable'"
    assert kernel.ok(f"%%subint -n a --loop {loop}\n{source}").results == ["'usable'"]


def test_it_does_no_harm_to_idle_actors(kernel: Kernel, start_method: str):
    kernel.ok(f"%%subint -n a -b {start_method}\nx = 1")
    kernel.interrupt()
    assert kernel.ok("%%subint -n a\nx").results == ["1"]


def test_it_stops_a_plain_cell_and_no_actor(kernel: Kernel, start_method: str):
    kernel.ok(f"%%subint -n a -b {start_method}\nx = 1")
    cell = kernel.start("print('ready')\nwhile True: pass")
    cell.wait_output("ready")
    kernel.interrupt()
    assert cell.wait().error[0] == "KeyboardInterrupt"
    assert kernel.ok("%%subint -n a\nx").results == ["1"]


def test_it_stops_only_the_actor_whose_cell_is_waited_for(kernel: Kernel, gate: Gate):
    with kernel.subshell() as subshell:
        other = kernel.start(f"%%subint -n other\nprint('ready')\n{gate.code}\n'done'", subshell)
        other.wait_output("ready")
        cell = kernel.start("%%subint -n a\nprint('ready')\nwhile True: pass")
        cell.wait_output("ready")
        kernel.interrupt()
        assert_cancelled(cell.wait())
        gate.open()
        assert other.wait().results == ["'done'"]


def test_it_gives_up_a_cell_that_waits_for_its_turn(kernel: Kernel, gate: Gate):
    kernel.ok(
        "get_ipython().kernel.comm_manager.register_target(\n"
        "    'probe', lambda comm, message: comm.send({}))"
    )
    with kernel.subshell() as subshell:
        first = kernel.start(f"%%subint -n a\nprint('ready')\n{gate.code}\n'done'", subshell)
        first.wait_output("ready")
        second = kernel.start("%%subint -n a\nprint('never')")
        comm = kernel.open_comm("probe")  # answered once the second cell awaits its turn
        kernel.wait_until(lambda: comm.comms, "an answer")
        kernel.interrupt()
        name, value = second.wait().error
        assert name == "RunCancelled"
        assert value.endswith(": it had not begun.")
        gate.open()
        assert first.wait().results == ["'done'"]
    assert kernel.ok("%%subint -n a\n'usable'").results == ["'usable'"]
    assert second.stdout == ""


BLOCKING_MSGPACK = """\
{signal.code}
{gate.code}
raise ImportError("a msgpack that only waits")
"""


@awaiting_and_blocking
@pytest.mark.skip_spawn_backend("mp_forkserver", reason="it boots with all modules loaded")
def test_it_gives_up_an_actor_that_boots(
    kernel: Kernel, start_method: str, prefix: str, tmp_path: Path, signal: Signal, gate: Gate
):
    (tmp_path / "msgpack.py").write_text(BLOCKING_MSGPACK.format(signal=signal, gate=gate))
    kernel.ok(f"import sys\nsys.path.insert(0, {str(tmp_path)!r})")
    try:
        cell = kernel.start(f"{prefix}%%subint -n a -b {start_method}\nprint('never')")
        signal.wait()
        kernel.interrupt()
        cell.wait()
    finally:
        gate.open()
        kernel.ok("sys.path.pop(0)")
    assert "never" not in cell.stdout
    assert cell.error[0] == "RunCancelled"
    assert "it had not begun" in cell.error[1]
    assert kernel.ok(f"%%subint -n a -b {start_method}\n'usable'").results == ["'usable'"]
