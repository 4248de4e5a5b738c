"""What would take the kernel down, in an actor that lives in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from .harness import Kernel

pytestmark = pytest.mark.skip_spawn_backend(
    "trio", "mp_spawn", "mp_forkserver", reason="its process is its own"
)

REFUSED = {
    "os._exit(3)": "os._exit() would end",
    "os.abort()": "os.abort() would end",
    "os.kill(os.getpid(), signal.SIGKILL)": "os.kill() with this target would send a signal to",
    "signal.raise_signal(signal.SIGINT)": "signal.raise_signal() would send a signal to",
    "os.fork()": "os.fork() would fork",
    "os.execvp('true', ['true'])": "os.execv() would replace",
}


@pytest.mark.parametrize("call", REFUSED)
def test_the_cell_shows_one_error_and_the_kernel_lives(
    kernel: Kernel, start_method: str, call: str
):
    kernel.ok(f"%%subint -n a -b {start_method}\nx = 1")
    cell = kernel.run(f"%%subint -n a\nimport os, signal\n{call}")
    message = (
        f"RuntimeError: {REFUSED[call]} the kernel, which this sub-interpreter shares:"
        " use a process for it (%%subint -b trio)"
    )
    assert cell.error == ("CellError", message)
    assert cell.traceback.count("RuntimeError: ") == 1
    assert "refusals.py" not in cell.traceback
    assert kernel.ok("%%subint -n a\nx").results == ["1"]
    assert kernel.ok("1").results == ["1"]


def test_the_next_cell_can_do_it_in_a_process(kernel: Kernel, start_method: str):
    assert kernel.run(f"%%subint -b {start_method}\nimport os\nos._exit(3)").status == "error"
    name, value = kernel.run("%%subint -b trio\nimport os\nos._exit(3)").error
    assert (name, "exit code 3" in value) == ("ActorDied", True)
