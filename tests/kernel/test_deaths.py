"""Actors that end without being asked to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psutil
import pytest

from .harness import wait_gone

if TYPE_CHECKING:
    from pathlib import Path

    from .harness import Cell, Gate, Kernel

pytestmark = pytest.mark.skip_spawn_backend(
    "subint", "subint_legacy", reason="it lives and dies with the kernel's process"
)

awaiting_and_blocking = pytest.mark.parametrize(
    "prefix", ["", "%%time\n"], ids=["awaiting", "blocking"]
)

EXIT = "import os\nos._exit(3)"
KILL = "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)"
ABORT = "import os\nos.abort()"
CRASH = "import ctypes\nctypes.string_at(0)"


def kill_while_idle(kernel: Kernel, name: str) -> None:
    """Kill the named actor's process; return when this is known."""
    (pid,) = kernel.ok(f"%%subint -n {name}\nimport os; os.getpid()").results
    process = psutil.Process(int(pid))
    process.kill()
    wait_gone([process])
    kernel.repeat("%subints", lambda cell: name not in [row["name"] for row in cell.actors])


def assert_died(cell: Cell, how: str) -> None:
    assert cell.status == "error"
    name, value = cell.error
    assert name == "ActorDied"
    assert value.splitlines()[0] == f"actor 'a' died while running a cell: {how}."


@awaiting_and_blocking
@pytest.mark.parametrize(
    ("source", "how"),
    [
        (EXIT, "exit code 3"),
        (KILL, "killed by SIGKILL"),
        (ABORT, "killed by SIGABRT"),
        (CRASH, "killed by SIGSEGV"),
    ],
    ids=["exit", "kill", "abort", "crash"],
)
def test_the_cell_says_how_its_actor_died(
    kernel: Kernel, start_method: str, prefix: str, source: str, how: str
):
    kernel.ok(f"%%subint -n a -b {start_method}\nx = 1")
    assert_died(kernel.run(f"{prefix}%%subint -n a\n{source}"), how)


@awaiting_and_blocking
@pytest.mark.parametrize(
    "source",
    [
        "import time\ntime.sleep(1e6)",
        "while True: print('x' * 80)",
        "while True: print('x' * 10**7)",
    ],
    ids=["asleep", "printing", "large"],
)
def test_it_is_killed_from_outside(kernel: Kernel, start_method: str, prefix: str, source: str):
    (pid,) = kernel.ok(f"%%subint -n a -b {start_method}\nimport os\nos.getpid()").results
    cell = kernel.start(f"{prefix}%%subint -n a\nprint('on', flush=True)\n{source}")
    cell.wait_output("on\n")
    psutil.Process(int(pid)).kill()
    assert_died(cell.wait(), "killed by SIGKILL")
    assert kernel.ok("%subints").actors == []


def test_the_name_is_free_again(kernel: Kernel, start_method: str):
    kernel.ok(f"%%subint -n a -b {start_method}\nx = 1")
    kernel.run(f"%%subint -n a\n{EXIT}")
    assert kernel.ok("%subints").actors == []
    cell = kernel.run(f"%%subint -n a -b {start_method}\nx")
    assert cell.error == ("CellError", "NameError: name 'x' is not defined")
    assert cell.stderr == ""


def test_what_it_flushed_is_shown(kernel: Kernel, start_method: str):
    cell = kernel.run(
        f"%%subint -n a -b {start_method}\n"
        "import os, sys\n"
        "print('printed')\n"
        "print('flushed', end='', flush=True)\n"
        "print('last words', file=sys.stderr, flush=True)\n"
        "os._exit(3)"
    )
    assert_died(cell, "exit code 3")
    assert cell.stdout == "printed\nflushed"
    assert cell.stderr == "last words\n"


@pytest.mark.parametrize(
    "say",
    [
        "print('last words', file=sys.stderr)",
        "os.write(2, b'last words\\n')",
        "os.system('echo last words >&2')",
    ],
    ids=["print", "raw", "subprocess"],
)
def test_the_error_quotes_its_stderr(kernel: Kernel, start_method: str, say: str, gate: Gate):
    cell = kernel.start(
        f"%%subint -n a -b {start_method}\nimport os, sys\n{say}\n{gate.code}\nos._exit(3)"
    )
    cell.wait_output("last words\n")
    gate.open()
    assert_died(cell.wait(), "exit code 3")
    assert cell.error[1].endswith("last words")


def test_the_error_is_one_and_short(kernel: Kernel, start_method: str):
    cell = kernel.run(f"%%subint -n a -b {start_method}\n{EXIT}")
    assert cell.traceback == "ActorDied: actor 'a' died while running a cell: exit code 3."


def test_the_next_cell_says_that_an_idle_actor_has_died(kernel: Kernel, start_method: str):
    kernel.ok(f"%%subint -n a -b {start_method}\nx = 1")
    kill_while_idle(kernel, "a")
    cell = kernel.ok(f"%%subint -n a -b {start_method}\n'x' in globals()")
    assert cell.stderr == (
        "actor 'a' died while idle: killed by SIGKILL.\nA new one takes its name.\n"
    )
    assert cell.results == ["False"]
    assert kernel.ok("%%subint -n a\n1").stderr == ""  # nobody is told twice


def test_no_other_actor_is_hurt(kernel: Kernel, start_method: str):
    kernel.ok(f"%%subint -n a -b {start_method}\nx = 1")
    kernel.ok(f"%%subint -n b -b {start_method}\nx = 2")
    kernel.run(f"%%subint -n a\n{EXIT}")
    assert kernel.ok("%%subint -n b\nx").results == ["2"]


def test_what_it_has_started_ends_with_it(kernel: Kernel, start_method: str):
    (pid,) = kernel.ok(
        f"%%subint -n a -b {start_method}\n"
        "import os, subprocess\n"
        "process = subprocess.Popen(['sleep', 'infinity'])\n"
        "process.pid"
    ).results
    process = psutil.Process(int(pid))
    assert_died(kernel.run("%%subint -n a\nos._exit(3)"), "exit code 3")
    wait_gone([process])


@pytest.mark.skip_spawn_backend("mp_forkserver", reason="it boots with all modules loaded")
def test_an_actor_that_dies_while_booting(kernel: Kernel, start_method: str, tmp_path: Path):
    kernel.ok(
        "import sys\n"
        f"with open('{tmp_path}/msgpack.py', 'w') as file:\n"
        "    file.write('raise ImportError(\"a broken installation\")')\n"
        f"sys.path.insert(0, '{tmp_path}')"
    )
    try:
        cell = kernel.run(f"%%subint -n a -b {start_method}\nprint('never')")
    finally:
        kernel.ok("sys.path.pop(0)")
    name, value = cell.error
    assert name == "ActorDied"
    assert value.startswith("actor 'a' died while booting: exit code 1.")
    assert "a broken installation" in value
