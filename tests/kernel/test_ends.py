"""However a kernel ends: no actor is left, and each had its chance to clean up."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from subint_magic.errors import SpawnError
from subint_magic.spawn import spawn_method

from .harness import wait_gone

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import psutil

    from .harness import Kernel

IDLE = """\
import atexit
atexit.register(lambda: open({directory!r} + "/idle atexit", "w").close())
"""

BUSY = """\
import atexit
atexit.register(lambda: open({directory!r} + "/busy atexit", "w").close())
try:
    print("ready")
    while True: pass
finally:
    open({directory!r} + "/busy finally", "w").close()
"""

ALL_CLEAN = {"idle atexit", "busy atexit", "busy finally"}


def in_thread(flags: str, source: str) -> str:
    """Return a cell with a thread that runs *source* in an actor, and is silent when that ends.

    libzmq aborts the process if a thread prints while the kernel closes its sockets.
    """
    return (
        "import threading\nfrom contextlib import suppress\n"
        "def stay():\n    with suppress(BaseException):\n"
        f"        get_ipython().run_cell_magic('subint', {flags!r}, {source!r})\n"
        "threading.Thread(target=stay, daemon=True).start()"
    )


@pytest.fixture
def marks(tmp_path: Path) -> Path:
    directory = tmp_path / "marks"
    directory.mkdir()
    return directory


def names(directory: Path) -> set[str]:
    return {path.name for path in directory.iterdir()}


@pytest.fixture
def idle_and_busy(new_kernel: Kernel, start_method: str, marks: Path) -> Kernel:
    """A kernel with an idle actor, and one that runs a cell in a thread of the kernel."""
    new_kernel.ok("%load_ext subint_magic")
    new_kernel.ok(f"%%subint -n idle -b {start_method}\n{IDLE.format(directory=str(marks))}")
    busy = BUSY.format(directory=str(marks))
    new_kernel.ok(in_thread(f"-n busy -b {start_method}", busy)).wait_output("ready")
    return new_kernel


def test_shutdown(idle_and_busy: Kernel, marks: Path):
    children = idle_and_busy.descendants()
    idle_and_busy.shut_down()
    assert idle_and_busy.exit_code == 0
    assert names(marks) == ALL_CLEAN
    wait_gone(children)


def test_exit(idle_and_busy: Kernel, marks: Path):
    children = idle_and_busy.descendants()
    idle_and_busy.start("exit()")
    idle_and_busy.wait_end()
    assert idle_and_busy.exit_code == 0
    assert names(marks) == ALL_CLEAN
    wait_gone(children)


def test_restart(idle_and_busy: Kernel, start_method: str, marks: Path):
    children = idle_and_busy.descendants()
    idle_and_busy.restart()
    assert names(marks) == ALL_CLEAN
    wait_gone(children)
    idle_and_busy.ok("%load_ext subint_magic")
    cell = idle_and_busy.ok(f"%%subint -n idle -b {start_method}\n'atexit' in globals()")
    assert cell.results == ["False"]


def test_a_control_thread_that_is_late(new_kernel: Kernel):
    new_kernel.ok("%load_ext subint_magic")
    new_kernel.ok(
        "import threading\n"
        "kernel = get_ipython().kernel\n"
        "output, end = kernel.iopub_thread, kernel._at_shutdown\n"
        "schedule, pipes = output.schedule, output._event_pipes\n"
        "def late(what):\n"
        "    if threading.current_thread().name == 'Control' and output.thread.is_alive():\n"
        "        output.thread.join(1)  # ipykernel ends it now, if nobody keeps it from that\n"
        "        output._event_pipe.send(b'')\n"
        "    output.schedule, output._event_pipes = schedule, pipes\n"
        "    schedule(what)\n"
        "async def end_and_be_late():\n"
        "    await end()\n"
        "    output.schedule, output._event_pipes = late, {}  # it would close them too late\n"
        "kernel._at_shutdown = end_and_be_late"
    )
    new_kernel.request_shutdown()
    assert new_kernel.process.returncode == 0


def test_a_shutdown_request_while_a_cell_is_awaited(
    new_kernel: Kernel, start_method: str, marks: Path
):
    new_kernel.ok("%load_ext subint_magic")
    cell = new_kernel.start(f"%%subint -b {start_method}\n{BUSY.format(directory=str(marks))}")
    cell.wait_output("ready")
    children = new_kernel.descendants()
    new_kernel.request_shutdown()
    assert new_kernel.exit_code == 0
    assert names(marks) == {"busy atexit", "busy finally"}
    wait_gone(children)


def test_a_shutdown_while_a_cell_blocks(new_kernel: Kernel, start_method: str, marks: Path):
    new_kernel.ok("%load_ext subint_magic")
    source = f"%%time\n%%subint -b {start_method}\n{BUSY.format(directory=str(marks))}"
    new_kernel.start(source).wait_output("ready")
    children = new_kernel.descendants()
    new_kernel.shut_down()
    assert new_kernel.exit_code == 0
    assert names(marks) == {"busy atexit", "busy finally"}
    wait_gone(children)


@pytest.mark.skip_spawn_backend(
    "subint", "subint_legacy", reason="it ends with the kernel's process"
)
def test_actors_outlive_a_killed_kernel_only_to_clean_up(idle_and_busy: Kernel, marks: Path):
    children = idle_and_busy.descendants()
    assert len(children) >= 2
    idle_and_busy.kill()
    wait_gone(children)
    assert names(marks) == ALL_CLEAN


# All process backends at the same time, each with an actor that cannot hear that it is to end and
# with one that has started a process.

PROCESSES = ("trio", "mp_spawn", "mp_forkserver")
STUCK = "import re\nprint('stuck', flush=True)\nre.match('(a+)+$', 'a' * 50 + 'b')"
PARENTAL = "import subprocess\nsubprocess.Popen(['sleep', '1000'])"


@pytest.fixture
def crowd(new_kernel: Kernel) -> list[psutil.Process]:
    """All that a kernel with such actors has started."""
    new_kernel.ok("%load_ext subint_magic")
    for key in PROCESSES:
        new_kernel.ok(f"%%subint -n {key} -b {key}\n{PARENTAL}")
        new_kernel.ok(in_thread(f"-b {key}", STUCK)).wait_output("stuck")
    processes = new_kernel.descendants()
    assert [each.name() for each in processes].count("sleep") == len(PROCESSES)
    return processes


def shut_down(kernel: Kernel) -> None:
    kernel.shut_down()
    assert kernel.exit_code == 0


def exit_(kernel: Kernel) -> None:
    kernel.start("exit()")
    kernel.wait_end()
    assert kernel.exit_code == 0


def terminate(kernel: Kernel) -> None:
    kernel.process.terminate()
    kernel.wait_end()


def kill(kernel: Kernel) -> None:
    kernel.kill()


def restart(kernel: Kernel) -> None:
    kernel.restart()


@pytest.mark.parametrize("end", [shut_down, restart, exit_, terminate, kill])
def test_no_process_is_left(
    new_kernel: Kernel, crowd: list[psutil.Process], end: Callable[[Kernel], None]
):
    end(new_kernel)
    wait_gone(crowd)


def test_unloading_leaves_no_process(new_kernel: Kernel, crowd: list[psutil.Process]):
    new_kernel.ok("%unload_ext subint_magic")
    wait_gone(crowd)
    new_kernel.ok("%load_ext subint_magic")
    assert new_kernel.ok("%%subint -b mp_forkserver\n1").results == ["1"]
    shut_down(new_kernel)


# Sub-interpreters that cannot hear it either. Nothing can end them, and finalising the process
# under them would crash it or never end.

LOCKED = "import threading\nlock = threading.Lock()\nlock.acquire()\nprint('stuck')\nlock.acquire()"
HOOK = "import atexit\natexit.register(lambda: open({!r}, 'w').close())"


@pytest.fixture
def stuck(new_kernel: Kernel, marks: Path, subint_key: str) -> Kernel:
    """A kernel with a stuck actor and an abandoned one, and exit functions from all times."""
    new_kernel.ok(HOOK.format(f"{marks}/before"))
    new_kernel.ok("%load_ext subint_magic")
    new_kernel.ok(HOOK.format(f"{marks}/after"))
    abandoned = new_kernel.start(f"%%subint -b {subint_key} --grace 0\n{LOCKED}")
    abandoned.wait_output("stuck")
    new_kernel.interrupt()
    assert "abandoned" in abandoned.wait().error[1]
    # Where it has the kernel's GIL, the kernel would not run.
    source = STUCK if subint_key == "subint" else LOCKED
    new_kernel.ok(in_thread(f"-b {subint_key}", source)).wait_output("stuck")
    return new_kernel


@pytest.fixture(params=["subint", "subint_legacy"])
def subint_key(request: pytest.FixtureRequest) -> str:
    try:
        spawn_method(request.param)
    except SpawnError as error:
        pytest.skip(str(error))
    return request.param


@pytest.mark.parametrize("end", [shut_down, restart, exit_])
def test_stuck_sub_interpreters_do_not_hold_up_the_end(
    stuck: Kernel, marks: Path, end: Callable[[Kernel], None]
):
    end(stuck)
    assert names(marks) == {"before", "after"}, "all exit functions have run"
    if end is restart:
        assert stuck.ok("%load_ext subint_magic\n").status == "ok"
        assert stuck.ok("%%subint -n a\n'fresh'").results == ["'fresh'"]


def test_unloading_and_loading_with_a_stuck_sub_interpreter(stuck: Kernel, subint_key: str):
    stuck.ok("%unload_ext subint_magic")
    stuck.ok("%load_ext subint_magic")
    assert stuck.ok(f"%%subint -b {subint_key}\n'again'").results == ["'again'"]
    shut_down(stuck)
