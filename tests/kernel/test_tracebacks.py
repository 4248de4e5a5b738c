"""A failing cell shows what a plain cell would, and %tb and %debug say what they can do."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from .harness import Cell, Kernel

ERRORS = {
    "in a function": "def f(n):\n    return 1 // n\n\nf(0)",
    "in a library": "import json\njson.loads('{')",
    "with a cause": "try:\n    {}['k']\nexcept KeyError as e:\n    raise ValueError('no') from e",
    "with a context": "def g():\n  try:\n    1 / 0\n  except Exception:\n    nothing\ng()",
    "with the context hidden": "try:\n    1 / 0\nexcept Exception:\n    raise ValueError from None",
    "with notes": "e = ValueError('a')\ne.add_note('one')\ne.add_note('two')\nraise e",
    "of syntax": "x = 1\ny = = 2",
    "of indentation": "if True:\nx",
    "of many lines": "max(\n    1,\n    2,\n    key=lambda x: x / 0,\n)",
    "with a long message": "assert 1 == 2, 'one\\ntwo'",
    "of an interrupt": "raise KeyboardInterrupt",
    "far down": "x = 1\n" * 40
    + "def f():\n"
    + "    y = 1\n" * 20
    + "    1 / 0\n\nf()\n"
    + "z = 2\n" * 9,
}


def shown(cell: Cell) -> str:
    """What it shows, without what differs from run to run."""
    text = re.sub(r"In\[\d+\]", "In[N]", cell.coloured_traceback)
    return re.sub(r"0x[0-9a-f]+", "0x…", text).rstrip()


@pytest.mark.parametrize("source", ERRORS.values(), ids=ERRORS)
def test_it_is_that_of_a_plain_cell(kernel: Kernel, source: str):
    plain = kernel.run(source)
    cell = kernel.run(f"%%subint -n a\n{source}")
    assert shown(cell) == shown(plain)
    assert "\x1b[" in cell.coloured_traceback
    assert cell.error == ("CellError", f"{plain.error[0]}: {plain.error[1]}".removesuffix(": "))


def test_each_backend_shows_it(kernel: Kernel, start_method: str):
    plain = kernel.run(ERRORS["in a function"])
    cell = kernel.run(f"%%subint -b {start_method}\n{ERRORS['in a function']}")
    assert shown(cell) == shown(plain)


def test_a_cell_has_the_number_that_its_user_sees(kernel: Kernel):
    first = kernel.ok("%%subint -n a\ndef f():\n    1 / 0")
    second = kernel.run("%%subint -n a\nf()")
    assert first.reply is not None
    assert second.reply is not None
    assert re.findall(r"In\[(\d+)\], line (\d)", second.traceback) == [
        (str(second.reply["execution_count"]), "1"),
        (str(first.reply["execution_count"]), "2"),
    ]


def test_a_function_of_the_notebook_has_its_source(kernel: Kernel, start_method: str):
    made = kernel.ok("x = 1\ndef g(n):\n    return 1 // n")
    assert made.reply is not None
    cell = kernel.run(f"%%subint -i g -b {start_method}\ng(0)")
    assert f"Cell In[{made.reply['execution_count']}], line 3, in g(n)" in cell.traceback
    assert shown(cell) == shown(kernel.run("g(0)"))


def test_a_function_of_an_actor_has_its_source_in_the_notebook(kernel: Kernel):
    kernel.ok("%%subint -o f\ndef f(x):\n    return 1 / x")
    assert (
        "def f(x):\n    return 1 / x\n"
        in kernel.ok("import inspect; print(inspect.getsource(f))").stdout
    )
    assert re.search(
        r"Cell In\[\d+\], line 2, in f\(x\)\n +1 def f\(x\):\n-+> 2     return 1 / x\n",
        kernel.run("f(0)").traceback,
    )


def test_a_group_is_shown_as_python_does(kernel: Kernel):
    cell = kernel.run(
        "%%subint -n a\n"
        "try:\n    1 / 0\n"
        "except Exception as error:\n    raise ExceptionGroup('group', [error, ValueError(2)])"
    )
    assert "  + Exception Group Traceback (most recent call last):" in cell.traceback
    assert "    | ValueError: 2" in cell.traceback
    assert "subint_magic" not in cell.traceback


def test_the_colours_and_the_mode_are_those_of_the_kernel(kernel: Kernel):
    source = "x = 'a value'\nx / 0"
    kernel.ok("%colors nocolor")
    kernel.ok("%xmode Verbose")
    plain = kernel.run(source)
    cell = kernel.run(f"%%subint -n a\n{source}")
    stopped = kernel.run("%%subint -n b --timeout 0.1\nwhile True: pass")
    kernel.ok("%xmode Context")
    kernel.ok("%colors neutral")
    assert "\x1b[" not in stopped.coloured_traceback
    stopped = kernel.run("%%subint -n b --timeout 0.1\nwhile True: pass")
    assert "\x1b[" in stopped.coloured_traceback
    assert shown(cell) == shown(plain)
    assert "\x1b[" not in cell.coloured_traceback


def test_a_group_with_an_await_has_no_frame_of_trio(kernel: Kernel):
    cell = kernel.run(
        "%%subint -n a\nimport trio\nasync def f(): 1 / 0\n"
        "async with trio.open_nursery() as nursery: nursery.start_soon(f)"
    )
    assert "ZeroDivisionError" in cell.traceback
    assert "subint_magic" not in cell.traceback


def test_an_interrupted_cell_says_where_it_was(kernel: Kernel):
    for _ in range(2):  # before and after IPython is there
        cell = kernel.start("%%subint -n a\nprint('ready')\nwhile True: pass")
        cell.wait_output("ready")
        kernel.interrupt()
        assert "while True: pass" in cell.wait().traceback
        kernel.run("%%subint -n a\n1 / 0")


def test_tb_shows_it_again(kernel: Kernel):
    cell = kernel.run("%%subint -n a\n1 / 0")
    assert kernel.run("%tb").coloured_traceback == cell.coloured_traceback


def test_the_actor_knows_its_last_error(kernel: Kernel, start_method: str):
    kernel.run(f"%%subint -n a -b {start_method}\ndef f(): 1 / 0\nf()")
    told = kernel.ok(
        "%%subint -n a\nimport sys, traceback\n"
        "assert sys.last_exc is sys.last_value and sys.last_type is ZeroDivisionError\n"
        "[frame.name for frame in traceback.extract_tb(sys.last_traceback)]"
    )
    assert told.results == ["['<module>', 'f']"]


def test_debug_says_where_the_frames_are(kernel: Kernel):
    kernel.run("%%subint -n main\n1 / 0")
    assert kernel.ok("%debug").outputs == [
        (
            "stderr",
            "The frames of this error are in actor 'main': run a cell '%%subint -n main' with"
            " %debug in it to look at them there.\n",
        )
    ]
    kernel.ok("%subints close main")
    (told,) = kernel.ok("%debug").outputs
    assert told == (
        "stderr",
        "The frames of this error ended with actor 'main': to look at frames after an error,"
        " run the cell in a named actor (%%subint -n NAME).\n",
    )


def test_debug_of_a_plain_error_is_the_usual(kernel: Kernel):
    kernel.run("%%subint -n main\n1 / 0")
    kernel.run("1 / 0")
    assert kernel.run("%debug").error[0] == "StdinNotImplementedError"  # it asks for a command


CALLS = {"f": "f(0)", "map": "subint_magic.map(f, [0])", "method": "f.map([0])"}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_what_a_function_raises_is_shown_once(kernel: Kernel, call: str):
    made = kernel.ok("import subint_magic\n@subint_magic.subint\ndef f(n):\n    return 1 / n")
    assert made.reply is not None
    cell = kernel.run(call)
    number = made.reply["execution_count"]
    assert cell.error[0] == "ZeroDivisionError"
    assert re.sub(r"-{70,}|actor '\S+'|actor-\d", "", cell.traceback).strip() == (
        "ZeroDivisionError                         Traceback (most recent call last)\n"
        f"Cell In[{number + 1}], line 1\n"
        f"----> 1 {call}\n\n"
        "ZeroDivisionError: division by zero\n"
        "\nIn :\n"
        "Traceback (most recent call last):\n"
        f"  Cell In[{number}], line 4, in f\n"
        "    return 1 / n\n"
        "           ~~^~~\n"
        "ZeroDivisionError: division by zero"
    )
