"""``input()``, ``getpass()`` and ``sys.stdin`` in a cell: asked in the notebook."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from .harness import Kernel

FORMS = pytest.mark.parametrize("prefix", ["", "%%time\n"], ids=["awaiting", "blocking"])


@FORMS
def test_a_cell_asks_in_the_notebook(kernel: Kernel, prefix: str):
    cell = kernel.start(
        f"{prefix}%%subint\n"
        "from getpass import getpass\nimport sys\n"
        "print('before', end='')\n"
        "name, key = input('name? '), getpass('key: ')\n"
        "name, key, sys.stdin.readline()",
        stdin=True,
    )
    assert cell.wait_question() == ("name? ", False)
    assert cell.wait_output("before").stdout == "before"
    kernel.answer("é")
    assert cell.wait_question() == ("key: ", True)
    kernel.answer("secret")
    assert cell.wait_question() == ("", False)
    kernel.answer("line")
    assert cell.wait().results == [r"('é', 'secret', 'line\n')"]


@FORMS
def test_an_interrupt_while_it_asks(kernel: Kernel, prefix: str):
    kernel.ok("%%subint -n a\nx = 1")
    cell = kernel.start(f"{prefix}%%subint -n a\ninput('? ')", stdin=True)
    cell.wait_question()
    kernel.interrupt()
    name, value = cell.wait().error
    assert name == "RunCancelled"
    assert value.startswith("run in actor 'a' stopped by an interrupt")
    kernel.answer("too late")  # as from a box that still stands there
    cell = kernel.start("%%subint -n a\nx, input('again? ')", stdin=True)
    assert cell.wait_question() == ("again? ", False)
    kernel.answer("in time")
    assert cell.wait().results == ["(1, 'in time')"]


@FORMS
def test_a_timeout_while_it_asks(kernel: Kernel, prefix: str):
    cell = kernel.start(f"{prefix}%%subint -n a --timeout 0.2\ninput('? ')", stdin=True)
    cell.wait_question()
    assert cell.wait().error[0] == "RunTimedOut"


def test_its_actor_is_killed_while_it_asks(kernel: Kernel):
    cell = kernel.start("%%subint -n a -b trio\ninput('? ')", stdin=True)
    cell.wait_question()
    with kernel.subshell() as subshell:
        assert kernel.start("%subints kill a", subshell).wait().status == "ok"
    assert cell.wait().error[0] == "RunCancelled"


def test_the_end_of_the_input(kernel: Kernel):
    cell = kernel.start("%%subint\ninput()", stdin=True)
    cell.wait_question()
    kernel.answer("\x04")
    assert cell.wait().error == ("CellError", "EOFError: the input has ended")


def test_a_frontend_that_cannot_ask(kernel: Kernel):
    assert kernel.run("%%subint\ninput()").error == (
        "CellError",
        "EOFError: this frontend cannot ask: put what input() asks for into the cell",
    )


def test_the_debugger(kernel: Kernel, start_method: str):
    cell = kernel.start(
        f"%%subint -b {start_method}\ndef f(x):\n    breakpoint()\n    return x + 1\nf(1)",
        stdin=True,
    )
    assert cell.wait_question() == ("(Pdb) ", False)
    kernel.answer("p x")
    cell.wait_question()
    kernel.answer("x = 41")
    cell.wait_question()
    kernel.answer("c")
    assert cell.wait().results == ["42"]
    assert "\n1\n" in cell.stdout


def test_an_interrupt_in_the_debugger_ends_the_cell(kernel: Kernel, start_method: str):
    kernel.ok(f"%%subint -n a -b {start_method}\nx = 1")
    cell = kernel.start("%%subint -n a\nbreakpoint()", stdin=True)
    cell.wait_question()
    kernel.interrupt()
    cell.wait()
    assert cell.status == "error"
    assert kernel.ok("%%subint -n a\nx").results == ["1"]
