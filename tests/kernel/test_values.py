"""``-i`` and ``-o``: values of the notebook in a cell, and those of a cell in the notebook."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from subint_magic.spawn import default_start_method

from .test_magics import usage_error

if TYPE_CHECKING:
    from .harness import Cell, Gate, Kernel, Signal

subinterpreters = pytest.mark.skipif(
    default_start_method() != "subint", reason="sub-interpreters cannot run here"
)


def test_values_in_and_out(kernel: Kernel):
    kernel.ok("a, b = 20, [1]\ndef double(x): return 2 * x")
    cell = kernel.ok(
        "%%subint -i a,double --input b -o c -o d,b\nc = double(a) + 2\nd = b\n'shown'"
    )
    assert cell.results == ["'shown'"]
    assert kernel.ok("a, b, c, d").results == ["(20, [1], 42, [1])"]
    kernel.ok("%%time\n%%subint -i a --output=e\ne = a")
    assert kernel.ok("e").results == ["20"]


def test_frames_and_arrays_of_a_process(kernel: Kernel):
    kernel.ok("import numpy as np, pandas as pd\ndf = pd.DataFrame({'x': np.arange(10**5)})")
    kernel.ok("%%subint -b mp_forkserver -i df -o total,half\ntotal = df.x.sum()\nhalf = df / 2")
    kernel.ok("half.loc[0, 'x'] = 1.0")
    assert kernel.ok("int(total), float(half.x.sum())").results == ["(4999950000, 2499975001.0)"]


def test_inputs_are_those_of_the_time_when_the_cell_starts(kernel: Kernel, gate: Gate):
    kernel.ok("items = [1]")
    cell = kernel.start(f"%%subint -n a -i items\nprint('ready')\n{gate.code}\nitems")
    cell.wait_output("ready")
    with kernel.subshell() as subshell:
        kernel.start("items.append(2)", subshell).wait()
    gate.open()
    assert cell.wait().results == ["[1]"]


def test_a_handle_does_not_keep_the_inputs(kernel: Kernel):
    kernel.ok(
        "import weakref, gc\nclass Big: __reduce__ = lambda self: (int, ())\nbig = Big()\n"
        "gone = weakref.ref(big)"
    )
    assert kernel.ok("%%subint --bg --as job -i big\nbig").status == "ok"
    assert kernel.ok("print(job.result())\ndel big").stdout == "0\n"
    assert kernel.ok("gc.collect() and None\ngone() is None").results == ["True"]


@pytest.mark.parametrize("prefix", ["", "%%time\n"], ids=["awaiting", "blocking"])
def test_an_interrupt_stops_packing(kernel: Kernel, signal: Signal, gate: Gate, prefix: str):
    kernel.ok(
        "class Slow:\n    def __reduce__(self):\n"
        f"        {signal.code}\n        {gate.code}\n        return int, ()\nslow = Slow()"
    )
    cell = kernel.start(f"{prefix}%%subint -n a -i slow\nprint('begun')")
    signal.wait()
    kernel.interrupt()
    assert cell.wait().error[0] == "RunCancelled"
    assert cell.error[1].endswith("it had not begun.")
    assert "begun" not in cell.stdout
    gate.open()
    kernel.ok("%%subint -n a --bg --as job -i slow\nslow")  # the prompt is back before it is packed
    signal.wait()
    gate.open()
    assert kernel.ok("job.result()").results == ["0"]


def test_a_cell_that_fails_sets_nothing(kernel: Kernel):
    assert kernel.run("%%subint -o never\nnever = 1\n1/0").status == "error"
    assert kernel.run("never").error[1] == "name 'never' is not defined"


def test_shared_memory_is_seen_by_all(kernel: Kernel):
    kernel.ok("import numpy as np, subint_magic\nshared = subint_magic.share(np.zeros((2, 2)))")
    kernel.ok("%%subint -n one -b trio -i shared\nshared.array[0, 0] = 1")
    kernel.ok("%%subint -n two -i shared\nshared.memory[1, 1] = 2")
    assert kernel.ok("shared.array.tolist()").results == ["[[1.0, 0.0], [0.0, 2.0]]"]
    kernel.ok("shared.close()")
    assert kernel.ok("%%subint -n one -b trio\nshared.memory.tolist()").results == [
        "[[1.0, 0.0], [0.0, 2.0]]"
    ]


def test_trouble_with_shared_memory_shows_no_frame_of_ours(kernel: Kernel):
    kernel.ok("import subint_magic\nshared = subint_magic.share(b'x')")
    cell = kernel.run("subint_magic.share([1])")
    assert cell.error[1].startswith("a list has no buffer and cannot be shared: ")
    assert "share.py" not in cell.traceback
    kernel.ok("shared.close()")
    cell = kernel.run("shared.memory")
    assert cell.error == ("ValueError", "this shared memory is closed")
    assert "share.py" not in cell.traceback


@subinterpreters
def test_shared_memory_says_shortly_that_there_is_no_numpy(kernel: Kernel):
    kernel.ok("import subint_magic\nshared = subint_magic.share(b'x')")
    cell = kernel.run("%%subint -b subint -i shared\nshared.array")
    why = "ImportError: numpy cannot be loaded here: use .memory, or -b mp_forkserver"
    assert cell.error == ("CellError", why)
    assert cell.traceback.count("Error") == 2  # the head and the last line


def test_the_value_of_a_cell_says_that_it_only_looks_like_it(kernel: Kernel):
    kernel.ok("%%subint\n[1, 2]")
    kernel.ok("value = _")
    why = (
        "this is how the value of a cell in an actor looks, not the value:"
        " give -o NAME to have that"
    )
    for use in ("value * 2", "2 * value", "len(value)", "value[0]", "list(value)", "value == 1"):
        assert kernel.run(use).error == ("TypeError", why)
    assert kernel.run("value()").error == ("TypeError", why)
    cell = kernel.run("value.shape")
    assert cell.error == ("AttributeError", why)
    assert "output.py" not in cell.traceback
    assert kernel.ok("value").results == ["[1, 2]"]
    assert kernel.ok("import copy; [copy.deepcopy(value)]").results == ["[[1, 2]]"]
    cell = kernel.ok("print(value)\ndisplay(value)")
    assert cell.joined == [("stdout", "[1, 2]\n"), ("display", {"text/plain": "[1, 2]"})]
    kernel.ok("%%subint --bg --as job\n5")
    assert kernel.run("job.result() + 1").error == ("TypeError", why)
    assert kernel.ok("job.result()").results == ["5"]


def test_the_table_says_how_much_has_moved(kernel: Kernel):
    kernel.ok("import subint_magic\nx, s = bytes(2**21), subint_magic.share(bytes(512))")
    kernel.ok("%%subint -n a -i x,s -o s\npass")
    kernel.ok("%%subint -n b -b trio -i x -o y\ny = bytes(3 * 2**20)")
    a, b = kernel.ok("%subints").actors
    assert a["in"] == "2.0 MiB + 512 B shared"
    assert re.fullmatch(r"\d+ B \+ 512 B shared", a["out"])
    assert (b["in"], b["out"]) == ("2.0 MiB", "3.0 MiB")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (
            "-i dfff",
            "input 'dfff' is not there: the notebook has no variable of this name."
            " Did you mean 'dff'?",
        ),
        (
            "-i zzzzzz,dff -i dff2",
            "input 'zzzzzz' is not there: the notebook has no variable of this name."
            " Input 'dff2' is not there: the notebook has no variable of this name."
            " Did you mean 'dff'?",
        ),
        ("-i 3a", "--input takes names of variables, and '3a' is none."),
        ("-o a,", "--output takes names of variables, and '' is none."),
        ("-o class", "--output takes names of variables, and 'class' is none."),
        (
            "-i model",
            "input 'model' cannot be pickled: model.lock (a _thread.lock)."
            " Leave that out (__getstate__) or make it in the cell.",
        ),
        (
            "-i lock",
            "input 'lock' cannot be pickled: it is a _thread.lock. Make it in the cell.",
        ),
        (
            "-i shown",
            "input 'shown' is how the value of a cell in an actor looks, not the value:"
            " give -o NAME to have that.",
        ),
        (
            "-i odd",
            "input 'odd' cannot be loaded in the actor: ZeroDivisionError: division by zero.",
        ),
    ],
)
def test_what_cannot_go_in_is_one_line_before_anything_runs(
    kernel: Kernel, line: str, message: str
):
    kernel.ok(
        "import threading\ndff, lock = 1, threading.Lock()\nclass Model: pass\n"
        "model = Model()\nmodel.lock = lock\n"
        "class Odd:\n    def __reduce__(self): return eval, ('1/0',)\nodd = Odd()"
    )
    kernel.ok("%%subint\n[1]")
    kernel.ok("shown = _")
    cell = kernel.run(f"%%subint {line}\nprint('begun')")
    assert usage_error(cell) == message
    assert cell.stdout == ""


@subinterpreters
def test_what_a_backend_cannot_load_is_one_line_with_one_that_can(kernel: Kernel):
    kernel.ok("import numpy as np\nones = np.ones(3)")
    assert usage_error(kernel.run("%%subint -b subint -i ones\nones")) == (
        "input 'ones' needs numpy, which does not load on 'subint' (ImportError: module"
        " numpy._core._multiarray_umath does not support loading in subinterpreters)."
        " Use -b mp_forkserver."
    )
    kernel.ok("def f(): return np.ones(3)\nimport subint_magic")
    why = (
        "needs numpy, which does not load on 'subint' (ImportError: module"
        " numpy._core._multiarray_umath does not support loading in subinterpreters)."
    )
    message = usage_error(kernel.run("%%subint -b subint -i f\nf()"))
    assert message == f"input 'f' {why} Use -b mp_forkserver."
    kernel.ok("unchecked = subint_magic.subint(spawn_method='subint', check=False)")
    assert kernel.run("unchecked(f)()").error == (
        "InputError",
        f"function f() {why} Use spawn_method='mp_forkserver'.",
    )
    assert kernel.run("unchecked(len)(ones)").error == (
        "InputError",
        f"an argument of len() {why} Use spawn_method='mp_forkserver'.",
    )


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("import threading\nbad = [threading.Lock()]", None),
        (
            "baad = 1",
            "output 'bad' was never set in the actor. Did you mean 'baad'? These have come: good.",
        ),
        (
            "class Odd:\n    def __reduce__(self): return eval, ('1/0',)\nbad = Odd()",
            "output 'bad' cannot be loaded here: ZeroDivisionError: division by zero."
            " These have come: good.",
        ),
    ],
    ids=["unpicklable", "unset", "unloadable"],
)
def test_what_does_not_come_out_is_one_line_and_the_rest_is_set(
    kernel: Kernel, source: str, message: str | None
):
    cell = kernel.run(f"%%subint -o bad,good\n{source}\ngood = {message!r}")
    assert usage_error(cell) == (
        message
        or "output 'bad' cannot be pickled: bad[0] (a _thread.lock). Leave that out"
        " or give a part of it. These have come: good."
    )
    assert kernel.ok(f"good == {message!r}").results == ["True"]


@subinterpreters
@pytest.mark.parametrize(
    "source",
    [
        "%%subint --bg --as job -b subint\nimport numpy",
        "@subint(spawn_method='subintt')\ndef f(): pass",
    ],
    ids=["background", "function"],
)
def test_what_cannot_start_is_one_line(kernel: Kernel, source: str):
    kernel.ok("from subint_magic import subint")
    cell = kernel.run(source)
    kernel.wait_until(lambda: cell.errors, "the error")
    assert cell.traceback == ": ".join(cell.error)
    if "job" in source:
        assert cell.error[0] == "ImportRefused"
        assert kernel.run("job.result()").traceback == cell.traceback


def test_functions_of_the_notebook_run_in_its_actors(kernel: Kernel):
    kernel.ok(
        "from subint_magic import subint\n"
        "@subint(name='f')\ndef f(x):\n    print('in', x)\n    return x + 1"
    )
    cell = kernel.ok("f(1)")
    assert (cell.stdout, cell.results) == ("in 1\n", ["2"])
    assert [row["name"] for row in kernel.ok("%subints").actors] == ["f"]
    cell = kernel.run("@subint\ndef g(x): return 1 / x\ng(0)")
    assert cell.error[:2] == ("ZeroDivisionError", "division by zero")
    assert "In actor" in "\n".join(cell.outputs[-1][3])
    assert kernel.ok("f").results == [
        f"<subint function f in actor 'f' on {default_start_method()!r}>"
    ]
    kernel.ok("@subint(name='f')\ndef spin(x):\n    print('there')\n    while True: pass")
    for call in ("spin(1)", "spin.map([1], actors=1)"):
        spin = kernel.start(call)
        spin.wait_output("there")
        kernel.interrupt()
        assert spin.wait().error[0] == "KeyboardInterrupt"
        assert frames(spin) == [f"----> 1 {call}"]
    assert kernel.ok("f(2)").results == ["3"]


def frames(cell: Cell) -> list[str]:
    """Return the lines that a traceback points at, and the files that are no cells."""
    lines = re.sub(r"\x1b\[[\d;]*m", "", cell.traceback).splitlines()
    return [line for line in lines if line.startswith(("--", "File ")) and line.strip("-")]


@pytest.mark.parametrize(
    ("source", "error"),
    [
        (
            "@subint('trio')\ndef f(): pass",
            "subint decorates a function, not the string 'trio': write"
            " @subint(spawn_method='trio')",
        ),
        ("map(f, [1], actors=0)", "map takes one actor at least, not 0"),
        ("map(f, 5)", "'int' object is not iterable"),
        (
            "map(5, [1])",
            "map calls a function, not an object of type int: write map(function, items)",
        ),
    ],
)
def test_wrong_uses_of_functions_show_the_cell_alone(kernel: Kernel, source: str, error: str):
    kernel.ok("from subint_magic import map, subint\ndef f(x): pass")
    cell = kernel.run(source)
    assert cell.error[1] == error
    assert frames(cell) == [f"----> 1 {source.splitlines()[0]}"]


@subinterpreters
def test_functions_follow_the_rule_auto(kernel: Kernel):
    kernel.ok(
        "from subint_magic import map, subint\n@subint\ndef f(x):\n    import numpy as np\n"
        "    return int(np.ones(x).sum())"
    )
    assert kernel.run("f(3)").error[0] == "ImportRefused"
    kernel.ok("%spawn_backend auto")
    assert kernel.ok("f").results == ["<subint function f on 'auto'>"]
    said = "auto: mp_forkserver, as numpy cannot load in an isolated sub-interpreter\n"
    for call in ("f(3)", "f.map([3], actors=1)[0]", "map(f, [3], actors=1)[0]"):
        cell = kernel.ok(call)
        assert (cell.results, cell.stderr) == (["3"], said)
    kernel.ok("%spawn_backend subint")
    assert kernel.run("f(3)").error[0] == "ImportRefused"
