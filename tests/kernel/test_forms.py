"""The awaiting form, which leaves the kernel's loop free, and the blocking form elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .harness import Gate, Kernel

REGISTER_PROBE = """\
import threading
def probe(comm, message):
    comm.send({"handled by": threading.current_thread().name})
get_ipython().kernel.comm_manager.register_target("probe", probe)
"""


# awaiting


def test_a_widgets_message_is_handled_while_a_cell_runs(
    kernel: Kernel, start_method: str, gate: Gate
):
    kernel.ok(REGISTER_PROBE)
    cell = kernel.start(f"%%subint -b {start_method}\nprint('ready')\n{gate.code}")
    cell.wait_output("ready")
    comm = kernel.open_comm("probe")
    kernel.wait_until(lambda: comm.comms, "the answer of the comm")
    assert comm.comms == [{"handled by": "MainThread"}]
    assert not cell.done
    gate.open()
    assert cell.wait().status == "ok"


def test_the_kernels_own_tasks_go_on_while_a_cell_runs(kernel: Kernel, gate: Gate):
    kernel.ok(
        "import asyncio\n"
        "event = asyncio.Event()\n"
        "async def wait():\n"
        "    await event.wait()\n"
        "    print('the task ran')\n"
        "task = asyncio.create_task(wait())"
    )
    kernel.ok(
        "def probe(comm, message):\n"
        "    event.set()\n"
        "    task.add_done_callback(lambda _: comm.send({}))\n"
        "get_ipython().kernel.comm_manager.register_target('event', probe)"
    )
    cell = kernel.start(f"%%subint\nprint('ready')\n{gate.code}")
    cell.wait_output("ready")
    comm = kernel.open_comm("event")
    kernel.wait_until(lambda: comm.comms, "the kernel's own task")
    assert not cell.done
    gate.open()
    cell.wait()


def test_cells_still_run_one_after_the_other(kernel: Kernel, gate: Gate):
    first = kernel.start(f"%%subint -n a\nprint('ready')\n{gate.code}\nx = 1")
    second = kernel.start("%%subint -n a\nx")
    first.wait_output("ready")
    assert not second.begun
    gate.open()
    assert second.wait().results == ["1"]


def test_a_cell_of_a_subshell_runs_at_the_same_time(kernel: Kernel, gate: Gate):
    first = kernel.start(f"%%subint -n a\nprint('ready')\n{gate.code}")
    first.wait_output("ready")
    with kernel.subshell() as subshell:
        assert kernel.start("%%subint -n b\n1 + 1", subshell).wait().results == ["2"]
    assert not first.done
    gate.open()
    first.wait()


# blocking


def test_time_over_a_cell(kernel: Kernel, start_method: str):
    cell = kernel.ok(f"%%time\n%%subint -b {start_method}\nprint('printed')\n6 * 7")
    assert cell.stdout.startswith("printed\n")
    assert "Wall time:" in cell.stdout
    assert cell.results == ["42"]


def test_output_arrives_live_also_in_the_blocking_form(kernel: Kernel, gate: Gate):
    cell = kernel.start(f"%%time\n%%subint\nprint('ready')\n{gate.code}")
    cell.wait_output("ready\n")
    assert not cell.done
    gate.open()
    assert cell.wait().status == "ok"


def test_capture_over_a_cell(kernel: Kernel, start_method: str):
    cell = kernel.ok(
        f"%%capture captured\n%%subint -b {start_method}\n"
        "import sys\nprint('out')\nprint('err', file=sys.stderr)\n6 * 7"
    )
    assert cell.outputs == []
    assert kernel.ok("captured.stdout, captured.stderr").results == [r"('out\n', 'err\n')"]
    assert kernel.ok("captured.outputs[0].data").results == ["{'text/plain': '42'}"]


def test_run_cell_magic_called_from_code(kernel: Kernel, start_method: str):
    cell = kernel.ok(
        "print('before')\n"
        f"value = get_ipython().run_cell_magic('subint', '-b {start_method}', 'print(5)\\n6 * 7')\n"
        "print('after', value)"
    )
    assert cell.stdout == "before\n5\nafter 42\n"


def test_run_cell_magic_called_from_code_raises(kernel: Kernel):
    cell = kernel.ok(
        "from subint_magic import CellError\n"
        "try:\n"
        "    get_ipython().run_cell_magic('subint', '', '1 / 0')\n"
        "except CellError as error:\n"
        "    print(error.type_name, error.message)"
    )
    assert cell.stdout == "ZeroDivisionError division by zero\n"


def test_run_cell_called_from_code_any_number_of_times(kernel: Kernel):
    cell = kernel.ok(
        "for i in range(3):\n"
        "    get_ipython().run_cell(f'%%subint\\nprint({i})').raise_error()\n"
        "    get_ipython().run_cell(f'print(\"plain\", {i})').raise_error()"
    )
    assert cell.stdout == "".join(f"{i}\nplain {i}\n" for i in range(3))


def test_run_cell_magic_called_from_a_thread(kernel: Kernel, start_method: str):
    cell = kernel.ok(
        "import threading\n"
        "thread = threading.Thread(target=get_ipython().run_cell_magic,\n"
        f"    args=('subint', '-b {start_method}', 'print(5)'))\n"
        "thread.start()\n"
        "thread.join()"
    )
    assert cell.stdout == "5\n"


def test_without_autoawait(kernel: Kernel, start_method: str):
    kernel.ok("%autoawait off")
    cell = kernel.ok(f"%%subint -b {start_method}\nprint('printed')\n6 * 7")
    assert cell.joined == [("stdout", "printed\n"), ("result", "42")]


def test_a_magic_inside_a_larger_cell(kernel: Kernel):
    cell = kernel.ok("x = 1\nget_ipython().run_line_magic('spawn_backend', 'trio')\n%subints\nx")
    assert cell.results == ["1"]
