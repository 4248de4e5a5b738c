"""What a cell prints: when it arrives, where, and in which order."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from .harness import Gate, Kernel

needs_fds = pytest.mark.skip_spawn_backend(
    "subint", "subint_legacy", reason="fd 1 and 2 are those of the whole process"
)


def test_output_arrives_while_the_cell_runs(kernel: Kernel, start_method: str, gate: Gate):
    cell = kernel.start(f"%%subint -b {start_method}\nprint('before')\n{gate.code}\nprint('after')")
    cell.wait_output("before\n")
    assert not cell.done
    gate.open()
    assert cell.wait().stdout == "before\nafter\n"


def test_a_line_need_not_be_complete(kernel: Kernel, gate: Gate):
    cell = kernel.start(f"%%subint\nprint('half', end='')\n{gate.code}\nprint(' and half')")
    cell.wait_output("half")
    gate.open()
    assert cell.wait().stdout == "half and half\n"


def test_stdout_and_stderr_keep_their_order(kernel: Kernel, start_method: str):
    cell = kernel.ok(
        f"%%subint -b {start_method}\n"
        "import sys\n"
        "for i in range(20):\n"
        "    print(i, file=(sys.stdout, sys.stderr)[i % 2])"
    )
    assert cell.streams == [(("stdout", "stderr")[i % 2], f"{i}\n") for i in range(20)]


def test_output_and_result_keep_their_order(kernel: Kernel, start_method: str):
    cell = kernel.ok(f"%%subint -b {start_method}\nprint('printed')\n'result'")
    assert [kind for kind, *_ in cell.joined] == ["stdout", "result"]


def test_output_comes_before_the_error_that_ends_the_cell(kernel: Kernel):
    cell = kernel.run("%%subint\nimport sys\nprint('printed', file=sys.stderr)\n1 / 0")
    assert [kind for kind, *_ in cell.outputs if kind != "stderr"] == ["error"]
    assert cell.outputs[-1][0] == "error"
    assert cell.stderr == "printed\n"


def test_a_loop_of_prints_arrives_whole_and_in_few_messages(kernel: Kernel, start_method: str):
    cell = kernel.ok(f"%%subint -b {start_method}\nfor i in range(200_000): print(i)")
    assert cell.stdout == "".join(f"{i}\n" for i in range(200_000))
    assert len(cell.outputs) < 2_000


def test_any_text_arrives(kernel: Kernel, start_method: str):
    cell = kernel.ok(
        f"%%subint -b {start_method}\n"
        "print('snow ☃ \\N{GRINNING FACE}', '\\ud800', '\\0', sep='|')\n"
        "print('x' * 1_000_000)"
    )
    assert cell.stdout == "snow ☃ \N{GRINNING FACE}|\\ud800|\0\n" + "x" * 1_000_000 + "\n"


def test_bytes_arrive_as_text_and_in_order(kernel: Kernel, start_method: str):
    cell = kernel.ok(
        f"%%subint -b {start_method}\n"
        "import sys\n"
        "print('before')\n"
        "for i in range(10_000):\n"
        "    _ = sys.stdout.buffer.write('☃'.encode())\n"
        "print('after')"
    )
    before, _, after = cell.stdout.partition("☃" * 10_000)
    assert (before, after) == ("before\n", "after\n")


def test_logging_and_warnings_arrive(kernel: Kernel, start_method: str):
    cell = kernel.ok(
        f"%%subint -b {start_method}\n"
        "import logging, warnings\n"
        "logging.warning('logged')\n"
        "warnings.warn('warned')"
    )
    assert cell.stdout == ""
    assert "WARNING:root:logged\n" in cell.stderr
    assert "UserWarning: warned\n" in cell.stderr


# threads


START_THREAD = """\
%%subint -n a -b {backend}
import threading
def late():
    {gate.code}
    print("late")
thread = threading.Thread(target=late)
thread.start()
"""


def test_what_a_thread_prints_later_belongs_to_its_cell(
    kernel: Kernel, start_method: str, gate: Gate
):
    first = kernel.ok(START_THREAD.format(backend=start_method, gate=gate))
    assert first.stdout == ""
    gate.open()
    first.wait_output("late\n")
    kernel.ok("%%subint -n a\nthread.join()")


def test_also_while_a_plain_cell_runs(kernel: Kernel, gate: Gate):
    first = kernel.ok(START_THREAD.format(backend="trio", gate=gate))
    plain = kernel.start(f"print('plain')\n{gate.code}")
    plain.wait_output("plain\n")
    gate.open()
    gate.open()
    first.wait_output("late\n")
    assert plain.wait().stdout == "plain\n"


def test_also_while_a_cell_of_another_actor_runs(kernel: Kernel, gate: Gate):
    first = kernel.ok(START_THREAD.format(backend="trio", gate=gate))
    other = kernel.start(f"%%subint -n b\nprint('other')\n{gate.code}")
    other.wait_output("other\n")
    gate.open()
    gate.open()
    first.wait_output("late\n")
    assert other.wait().stdout == "other\n"


# what does not go through sys.stdout


@needs_fds
def test_what_a_subprocess_prints_arrives_in_order(kernel: Kernel, start_method: str):
    cell = kernel.ok(
        f"%%subint -b {start_method}\n"
        "import os, subprocess, sys\n"
        "for i in range(5):\n"
        "    print('before', i)\n"
        "    subprocess.run(['echo', 'run', str(i)], check=True)\n"
        "    os.system(f'echo system {i}; echo error {i} >&2')\n"
        "    print('after', i)\n"
    )
    assert cell.stdout == "".join(f"before {i}\nrun {i}\nsystem {i}\nafter {i}\n" for i in range(5))
    assert cell.stderr == "".join(f"error {i}\n" for i in range(5))


@needs_fds
def test_what_is_written_to_fd_1_and_2_arrives(kernel: Kernel, start_method: str):
    cell = kernel.ok(
        f"%%subint -b {start_method}\nimport os\nos.write(1, b'one\\n') + os.write(2, b'two\\n')"
    )
    assert (cell.stdout, cell.stderr, cell.results) == ("one\n", "two\n", ["8"])


@needs_fds
def test_a_flood_from_a_subprocess_arrives_whole(kernel: Kernel, start_method: str):
    cell = kernel.ok(
        f"%%subint -b {start_method}\n"
        "import subprocess\n"
        "subprocess.run(['seq', '200000'], check=True)\n"
        "print('end')"
    )
    assert cell.stdout == "".join(f"{i}\n" for i in range(1, 200_001)) + "end\n"
