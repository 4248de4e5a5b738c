"""--timeout, --grace, %subints interrupt, cancel and kill, and what cannot be stopped."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from subint_magic.spawn import default_start_method

from .test_interrupt import assert_cancelled, awaiting_and_blocking

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .harness import Cell, Gate, Kernel

LEGACY = "subint_legacy" if default_start_method() == "subint" else "trio"

LOOP = "print('ready')\nwhile True: pass"

subints_only = pytest.mark.skip_spawn_backend(
    "trio", "mp_spawn", "mp_forkserver", reason="a process is killed"
)


def stuck(gate: Gate) -> str:
    """Return a cell that waits in a call that nothing wakes, until the gate is opened."""
    return (
        "import collections, operator, threading\n"
        "begun, lock = threading.Lock(), threading.Lock()\n"
        "begun.acquire(), lock.acquire()\n"
        "def tell():\n"
        "    begun.acquire()\n"
        "    print('ready', flush=True)\n"
        "def release():\n"
        f"    {gate.code}\n"
        "    lock.release()\n"
        "threading.Thread(target=tell).start()\n"
        "threading.Thread(target=release).start()\n"
        # No bytecode between the two: an interrupt that follows "ready" finds it in the call.
        "calls = [begun.release, lock.acquire]\n"
        "try: collections.deque(map(operator.call, calls), 0)\n"
        "finally: print('late')"
    )


@pytest.fixture
def subshell(kernel: Kernel) -> Iterator[str]:
    """A second thread of execution, for a cell that is stopped from the first."""
    with kernel.subshell() as subshell:
        yield subshell


def assert_timed_out(cell: Cell, timeout: str) -> None:
    name, value = cell.error
    assert name == "RunTimedOut"
    assert f"stopped by its timeout of {timeout} s within" in value
    assert cell.traceback.splitlines()[-1] == f"RunTimedOut: {value}"


# --timeout and --grace


@awaiting_and_blocking
def test_a_timeout_stops_the_cell_and_keeps_the_actor(
    kernel: Kernel, start_method: str, prefix: str
):
    kernel.ok(f"%%subint -n a -b {start_method}\nx = 1")
    cell = kernel.run(f"{prefix}%%subint -n a --timeout 0.1\nwhile True: pass")
    assert_timed_out(cell, "0.1")
    assert kernel.ok("%%subint -n a --timeout 1000\nx").results == ["1"]


def test_a_timeout_holds_while_the_main_thread_is_busy(kernel: Kernel, subshell: str):
    busy = kernel.start("print('busy')\nwhile True: pass")
    busy.wait_output("busy")
    cell = kernel.start("%%subint --timeout 0.2\nwhile True: pass", subshell)
    assert_timed_out(cell.wait(), "0.2")
    assert not busy.done
    kernel.interrupt()
    assert busy.wait().error[0] == "KeyboardInterrupt"


def test_both_can_be_configured(kernel: Kernel):
    kernel.ok("%config SubintMagics.timeout = 0.1\n%config SubintMagics.grace = 0.2")
    assert_timed_out(kernel.run("%%subint\nwhile True: pass"), "0.1")
    assert_timed_out(kernel.run("%%subint --timeout 0.05\nwhile True: pass"), "0.05")
    shown = kernel.ok("%config SubintMagics").stdout
    assert "Seconds after which a cell is stopped" in shown
    assert "Current: 0.2" in shown


@pytest.mark.parametrize("flag", ["timeout", "grace"])
@pytest.mark.parametrize("value", ["-1", "soon", "inf", "nan"])
def test_they_are_numbers_of_seconds(kernel: Kernel, flag: str, value: str):
    cell = kernel.run(f"%%subint --{flag}={value}\nprint('never')")
    complaint = f"argument --{flag}: invalid number of seconds value: {value!r}"
    assert cell.streams == [("stderr", f"UsageError: {complaint}\n")]


def test_the_end_of_the_grace_period_ends_the_actor(kernel: Kernel, start_method: str, gate: Gate):
    kernel.ok(f"%%subint -n a -b {start_method}\nx = 1")
    cell = kernel.start(
        "%%subint -n a --grace 0\n"
        "import signal\n"
        "try: signal.signal(signal.SIGINT, signal.SIG_IGN)\n"
        "except ValueError: pass\n" + stuck(gate)
    )
    cell.wait_output("ready")
    kernel.interrupt()
    name, value = cell.wait().error
    assert name == "RunCancelled"
    how = "abandoned" if start_method.startswith("subint") else "killed"
    assert value.endswith(f" s (nothing less helped): the actor was {how}.")
    seconds = re.search(r"within (\d\.\d\d) s", value)
    assert seconds
    assert float(seconds[1]) < 1
    gate.open()


# %subints


@pytest.mark.parametrize("names", ["a", "--all"])
def test_interrupt(kernel: Kernel, start_method: str, names: str, subshell: str):
    kernel.ok(f"%%subint -n a -b {start_method}\nx = 1")
    cell = kernel.start(f"%%subint -n a\n{LOOP}", subshell)
    cell.wait_output("ready")
    shown = kernel.ok(f"%subints interrupt {names}").stdout
    assert re.fullmatch(
        r"stopped within \d\.\d\d s \(KeyboardInterrupt was raised in it\): a\n", shown
    ), shown
    assert_cancelled(cell.wait(), by="%subints interrupt")
    assert kernel.ok("%%subint -n a\nx").results == ["1"]
    assert kernel.ok(f"%subints interrupt {names}").stdout == "runs no cell: a\n"


def test_cancel(kernel: Kernel, start_method: str, subshell: str):
    kernel.ok(f"%%subint -n a -b {start_method}\nx = 1")
    cell = kernel.start(
        f"%%subint -n a\ntry:\n    {LOOP.replace(chr(10), chr(10) + '    ')}\n"
        "finally: print('cleaned up')",
        subshell,
    )
    cell.wait_output("ready")
    assert kernel.ok("%subints cancel a").stdout == "cancelled: a\n"
    name, value = cell.wait().error
    assert name == "RunCancelled"
    assert "stopped by %subints cancel within" in value
    assert value.endswith(": the actor is ending.")
    assert cell.stdout == "ready\ncleaned up\n"
    assert kernel.ok("%subints").actors == []


def test_kill(kernel: Kernel, start_method: str, gate: Gate, subshell: str):
    cell = kernel.start(f"%%subint -n a -b {start_method}\n{stuck(gate)}", subshell)
    cell.wait_output("ready")
    shown = kernel.ok("%subints kill a").stdout
    if start_method.startswith("subint"):
        assert shown == "abandoned, in a call that has not returned: a\n"
    else:  # it may just manage to end by itself
        assert shown in ("killed: a\n", "cancelled: a\n")
    assert cell.wait().error[0] == "RunCancelled"
    assert "by %subints kill" in cell.error[1]
    gate.open()
    kernel.repeat("%subints", until=lambda table: table.actors == [])


def test_all_of_them_at_once(kernel: Kernel, subshell: str):
    for name, backend in (("a", default_start_method()), ("b", "trio"), ("c", "mp_forkserver")):
        kernel.ok(f"%%subint -n {name} -b {backend}\npass")
    cell = kernel.start(f"%%subint -n b\n{LOOP}", subshell)
    cell.wait_output("ready")
    assert kernel.ok("%subints cancel --all").stdout == "cancelled: a, b, c\n"
    cell.wait()
    for action in ("interrupt", "cancel", "kill", "close"):
        assert kernel.ok(f"%subints {action} --all").stdout == "There is no actor.\n"


@pytest.mark.parametrize("action", ["interrupt", "cancel", "kill", "close"])
def test_an_unknown_name_is_one_line_and_nothing_is_done(kernel: Kernel, action: str):
    kernel.ok("%%subint -n worker\nx = 1")
    cell = kernel.run(f"%subints {action} worker wroker")
    assert cell.stderr == (
        "UsageError: no actor 'wroker'. Did you mean 'worker'? These are there: worker.\n"
    )
    assert kernel.ok("%%subint -n worker\nx").results == ["1"]
    complaint = f"UsageError: %subints {action} needs either NAME … or --all\n"
    assert kernel.run(f"%subints {action}").stderr == complaint


# abandoned


@subints_only
def test_an_abandoned_actor_is_out_of_the_way(kernel: Kernel, start_method: str, gate: Gate):
    kernel.ok(f"%%subint -n a -b {start_method}\nx = 1")
    cell = kernel.start(f"%%subint -n a --grace 0.1\n{stuck(gate)}")
    cell.wait_output("ready")
    kernel.interrupt()
    assert cell.wait().error[1].endswith("the actor was abandoned.")

    (row,) = kernel.ok("%subints").actors
    assert (row["name"], row["state"]) == ("a", "∞ abandoned")
    assert row["current cell"] == "in a call that has not returned | ready"
    shown = kernel.run("%subints close a").stderr
    assert shown == "UsageError: no actor 'a'. There is none.\n"

    assert kernel.ok(f"%%subint -n a -b {start_method}\n'x' in globals()").results == ["False"]
    assert len(kernel.ok("%subints").actors) == 2
    gate.open()
    kernel.repeat("%subints", until=lambda table: len(table.actors) == 1)
    assert kernel.ok("%%subint -n a\n'alive'").results == ["'alive'"]
    assert cell.stdout == "ready\n", "its late output is dropped"
    threads = "import threading\n[t.name for t in threading.enumerate() if t.name == 'subint a']"
    assert kernel.ok(threads).results == ["['subint a']"]


@subints_only
def test_its_processes_end_with_it(kernel: Kernel, start_method: str, gate: Gate):
    kernel.ok(
        f"%%subint -n a -b {start_method}\nimport subprocess\n"
        "child = subprocess.Popen(['sleep', '1000'])"
    )
    assert "sleep" in names_of_children(kernel)
    cell = kernel.start(f"%%subint -n a --grace 0\n{stuck(gate)}")
    cell.wait_output("ready")
    kernel.interrupt()
    cell.wait()
    wait_for_no_sleep(kernel)
    gate.open()


def wait_for_no_sleep(kernel: Kernel) -> None:
    kernel.wait_until(lambda: "sleep" not in names_of_children(kernel), "the end of the process")


def names_of_children(kernel: Kernel) -> list[str]:
    return [child.name() for child in kernel.descendants()]


# several who stop


def test_cancel_gives_the_cell_its_own_grace_period(
    kernel: Kernel, start_method: str, gate: Gate, subshell: str
):
    cell = kernel.start(
        f"%%subint -n a -b {start_method} --grace 1000\n"
        "try:\n    print('ready')\n    while True: pass\n"
        f"finally:\n    {gate.code}\n    print('clean')",
        subshell,
    )
    cell.wait_output("ready")
    cancel = kernel.start("%subints cancel a")
    kernel.wait_until(lambda: cancel.begun, "the cancel")
    gate.open()
    assert cancel.wait().stdout == "cancelled: a\n"
    assert cell.wait().stdout == "ready\nclean\n"


def test_an_interrupt_ends_the_wait_for_an_action(kernel: Kernel, gate: Gate, subshell: str):
    cell = kernel.start(
        "%%subint -n a --grace 1000\n"
        "try:\n    print('ready')\n    while True: pass\n"
        f"finally:\n    print('wait')\n    {gate.code}",
        subshell,
    )
    cell.wait_output("ready")
    action = kernel.start("%subints interrupt a")
    cell.wait_output("wait")
    kernel.interrupt()
    assert action.wait().error[0] == "KeyboardInterrupt"
    gate.open()
    assert_cancelled(cell.wait(), by="%subints interrupt")


def test_processes_of_earlier_cells_are_spared(kernel: Kernel, start_method: str):
    kernel.ok(
        f"%%subint -n a -b {start_method}\nimport subprocess\n"
        "child = subprocess.Popen(['sleep', '1000'])"
    )
    cell = kernel.run("%%subint -n a --timeout 0.1 --grace 0.2\nsubprocess.run(['sleep', '1000'])")
    assert "actor and its namespace are kept" in cell.error[1]
    assert kernel.ok("%%subint -n a\nchild.poll() is None").results == ["True"]
    kernel.ok("%subints close a")
    wait_for_no_sleep(kernel)


def test_the_switch_interval_of_the_kernel_is_left_alone(kernel: Kernel):
    interval = "import sys\nsys.getswitchinterval()"
    before = kernel.ok(interval).results
    with kernel.subshell() as one, kernel.subshell() as another:
        cells = [
            kernel.start(f"%%subint -b {LEGACY} -n {name}\n{LOOP}", subshell)
            for name, subshell in (("a", one), ("b", another))
        ]
        for cell in cells:
            cell.wait_output("ready")
        kernel.ok("%subints interrupt --all")
        for cell in cells:
            assert_cancelled(cell.wait(), by="%subints interrupt")
    assert kernel.ok(interval).results == before
