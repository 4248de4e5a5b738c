"""What a cell ends with: the value of its last expression, or an error."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from .harness import Kernel

RAISES = """\
import json

def parse(text):
    return json.loads(text)  # the line that fails

print("before")
parse("{")
print("never")
"""


def test_the_last_expression_is_shown_as_its_repr(kernel: Kernel, start_method: str):
    cell = kernel.ok(
        f"%%subint -b {start_method}\n"
        "class Point:\n"
        "    def __repr__(self): return 'Point(1,\\n      2)'\n"
        "Point()"
    )
    assert cell.outputs == [("result", "Point(1,\n      2)")]


@pytest.mark.parametrize(
    "source", ["None", "x = 1", "print(end='')", "def f(): return 1", "1; None"]
)
def test_no_value_shows_nothing(kernel: Kernel, source: str):
    assert kernel.ok(f"%%subint\n{source}").outputs == []


def test_only_the_last_expression_is_shown(kernel: Kernel):
    assert kernel.ok("%%subint\n1\n2\n3").results == ["3"]


def test_more_values_than_the_last_one(kernel: Kernel):
    kernel.ok("%config InteractiveShell.ast_node_interactivity = 'all'")
    source = "'one'\nprint('two')\n'three'"
    expected = [("result", "'one'"), ("stdout", "two\n"), ("result", "'three'")]
    for prefix in ("", "%%time\n"):
        cell = kernel.ok(f"{prefix}%%subint -n a\n{source}")
        assert [piece for piece in cell.outputs if "CPU times" not in piece[1]] == expected
        counts = [
            content["execution_count"]
            for kind, content in cell.messages
            if kind == "execute_result"
        ]
        assert counts == [cell.reply["execution_count"]] * 2
    assert kernel.ok("_").results == ["'three'"]
    kernel.ok("%%capture caught\n%%subint -n a\n1\n2")
    assert kernel.ok("[each.data for each in caught.outputs]").results == [
        "[{'text/plain': '1'}, {'text/plain': '2'}]"
    ]
    kernel.ok("%%subint -n a --bg --as job\n1\n2")
    assert kernel.ok("job.result()").results == ["2"]
    assert kernel.ok("[each.text for each in job.outputs]").results == ["['1', '2']"]


def test_a_value_that_code_of_the_last_expression_shows(kernel: Kernel):
    cell = kernel.ok("%%subint -n a\nget_ipython().run_cell('1 + 1').result + 1")
    assert cell.outputs == [("result", "2"), ("result", "3")]
    assert kernel.ok("_").results == ["3"]


def test_the_value_is_in_the_kernels_out(kernel: Kernel):
    kernel.ok("%%subint\n6 * 7")
    assert kernel.ok("_").results == ["42"]


def test_a_raising_cell_shows_the_actors_own_traceback(kernel: Kernel, start_method: str):
    cell = kernel.run(f"%%subint -b {start_method}\n{RAISES}")
    assert cell.status == "error"
    assert cell.stdout == "before\n"
    name, value = cell.error
    assert name == "CellError"
    assert value.startswith("JSONDecodeError: Expecting property name")
    lines = cell.traceback.splitlines()
    assert lines[1].split() == ["JSONDecodeError", "Traceback", "(most", "recent", "call", "last)"]
    assert re.fullmatch(r"Cell In\[\d+\], line 7", lines[2])
    assert '----> 7 parse("{")' in lines
    assert "----> 4     return json.loads(text)  # the line that fails" in lines
    assert lines[-1].startswith("JSONDecodeError: Expecting property name")


@pytest.mark.parametrize("source", [RAISES, "await trio.sleep('x')", "import trio\nawait f()", "("])
@pytest.mark.parametrize("loop", ["trio", "asyncio"])
@pytest.mark.parametrize("prefix", ["", "%%time\n"], ids=["awaiting", "blocking"])
def test_a_traceback_has_no_frame_of_ours(kernel: Kernel, source: str, loop: str, prefix: str):
    cell = kernel.run(f"{prefix}%%subint --loop {loop}\n{source}")
    assert cell.status == "error"
    assert "subint_magic" not in cell.traceback
    assert "In actor" not in cell.traceback


def test_a_traceback_shows_lines_of_earlier_cells(kernel: Kernel):
    kernel.ok("%%subint -n a\ndef divide(x):\n    return x / 0  # in the first cell")
    cell = kernel.run("%%subint -n a\ndivide(1)  # in the second")
    assert "----> 2     return x / 0  # in the first cell" in cell.traceback
    assert "----> 1 divide(1)  # in the second" in cell.traceback


def test_causes_and_groups_are_shown(kernel: Kernel):
    cell = kernel.run(
        "%%subint\n"
        "try:\n"
        "    {}['missing']\n"
        "except KeyError as error:\n"
        "    raise ExceptionGroup('group', [ValueError('inside')]) from error"
    )
    assert "KeyError: 'missing'" in cell.traceback
    assert "ValueError: inside" in cell.traceback
    assert "direct cause" in cell.traceback


@pytest.mark.parametrize(
    "source", ["raise SystemExit(3)", "import sys; sys.exit(3)", "raise KeyboardInterrupt"]
)
def test_an_exit_in_a_cell_is_an_error_and_the_actor_lives(kernel: Kernel, source: str):
    kernel.ok("%%subint -n a\nx = 1")
    cell = kernel.run(f"%%subint -n a\n{source}")
    assert cell.error[0] == "CellError"
    assert kernel.ok("%%subint -n a\nx").results == ["1"]


def test_an_actor_lives_on_after_an_error(kernel: Kernel, start_method: str):
    kernel.run(f"%%subint -n a -b {start_method}\nx = 1\n1 / 0")
    assert kernel.ok("%%subint -n a\nx").results == ["1"]


@pytest.mark.parametrize("prefix", ["", "%%time\n"], ids=["awaiting", "blocking"])
def test_an_error_stops_run_all(kernel: Kernel, prefix: str):
    failing = kernel.start(f"{prefix}%%subint\n1 / 0")
    queued = kernel.start("print('never')")
    assert failing.wait().status == "error"
    assert queued.wait().status == "aborted"
    assert kernel.ok("print('usable')").stdout == "usable\n"


def test_a_broken_repr_is_an_error_of_the_cell(kernel: Kernel):
    cell = kernel.run("%%subint\nclass C:\n    def __repr__(self): return 1 / 0\nC()")
    assert cell.error == ("CellError", "ZeroDivisionError: division by zero")
