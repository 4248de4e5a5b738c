"""Help before failure: cells that cannot work are refused, and a backend is chosen or compared."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from subint_magic.runtime.imports.known import REFUSED
from subint_magic.spawn import default_start_method, spawn_methods

from .test_magics import usage_error

if TYPE_CHECKING:
    from pathlib import Path

    from .harness import Cell, Kernel, Signal

SUBINT = default_start_method() == "subint"
subint = pytest.mark.skipif(not SUBINT, reason="sub-interpreters cannot run here")
NUMPY = REFUSED["numpy"]
ISOLATED = "an isolated sub-interpreter"
LEGACY = "a sub-interpreter with the kernel's GIL"


@pytest.fixture
def modules(kernel: Kernel, tmp_path: Path) -> Path:
    """A directory whose modules the kernel can import."""
    kernel.ok(f"import sys\nsys.path.append({str(tmp_path)!r})")
    return tmp_path


def said(cell: Cell) -> str:
    """Return what was said to a cell, but for the line that depends on how fast all goes."""
    return re.sub(r"trying whether .* in a sub-interpreter …\n", "", cell.stderr)


# the check


@subint
def test_a_module_that_cannot_load_is_one_line_before_anything_ran(kernel: Kernel):
    cell = kernel.run("%%subint\nprint('ran')\nimport os, numpy as np")
    assert usage_error(cell) == (
        f"numpy cannot load in {ISOLATED}: its extension module {NUMPY} refuses to."
        " Use a process: %%subint -b mp_forkserver (--no-check: run it anyway)."
    )
    assert cell.stdout == ""
    assert kernel.ok("%%subint -b mp_forkserver\nimport numpy as np\nint(np.ones(3).sum())").results


@subint
def test_for_an_actor_that_lives_the_line_says_how_to_get_another(kernel: Kernel):
    kernel.ok("%%subint -n main\nx = 1")
    assert usage_error(kernel.run("%%subint -n main\nfrom pandas import DataFrame")) == (
        f"pandas cannot load in actor 'main', {ISOLATED}:"
        f" {NUMPY}, an extension module that it needs, refuses to."
        " Close it first (%subints close main) and start it with -b mp_forkserver,"
        " or choose another name (--no-check: run it anyway)."
    )
    assert kernel.ok("%%subint -n main\nx").results == ["1"]


@subint
def test_a_half_import_is_refused(kernel: Kernel):
    assert usage_error(kernel.run("%%subint\nimport polars as pl")) == (
        f"polars cannot load in {ISOLATED}: it would import, but without its extension module"
        f" {REFUSED['polars']}, and fail on use. Use a process: %%subint -b mp_forkserver"
        " (--no-check: run it anyway)."
    )


@subint
def test_a_module_of_the_user_is_tried_and_the_try_is_remembered(kernel: Kernel, modules: Path):
    log = modules / "log"
    (modules / "mine.py").write_text(f"print('x', file=open({str(log)!r}, 'a'))\nimport psutil")
    (modules / "signals.py").write_text("import signal\nsignal.signal(2, signal.SIG_IGN)")
    for _ in range(2):
        assert usage_error(kernel.run("%%subint\nimport mine, signals")) == (
            f"mine cannot load in {ISOLATED}:"
            f" {REFUSED['psutil']}, an extension module that it needs, refuses to."
            " Use a process: %%subint -b mp_forkserver (--no-check: run it anyway)."
        )
    assert usage_error(kernel.run("%%subint\nimport signals")) == (
        f"signals cannot load in {ISOLATED}: its import raises ValueError: signal only works in"
        " main thread of the main interpreter. Use a process: %%subint -b mp_forkserver"
        " (--no-check: run it anyway)."
    )
    assert log.read_text() == "x\n"


@subint
def test_what_nobody_can_tell_is_said_and_the_cell_runs(kernel: Kernel, modules: Path):
    (modules / "exits.py").write_text("import os\nos._exit(3)")
    cell = kernel.run("%%subint\nprint('ran')\nimport exits")
    assert cell.stdout == "ran\n"
    assert said(cell) == (
        f"exits may not load in {ISOLATED}: its import ended the process that tried it"
        " (exit code 3). The cell runs all the same.\n"
    )


@subint
def test_an_import_that_the_cell_may_never_come_to_does_not_refuse_it(kernel: Kernel):
    cell = kernel.ok("%%subint\ndef f():\n    import numpy\nif 0:\n    import numpy\n1")
    assert cell.results == ["1"]
    assert cell.stderr == (
        f"numpy may not load in {ISOLATED}: its extension module {NUMPY} refuses to."
        " The cell runs all the same.\n"
    )


@subint
def test_an_import_that_was_not_seen_says_where_it_loads(kernel: Kernel):
    unseen = "import importlib\nimportlib.import_module('numpy')"
    refused = f"its extension module {NUMPY} refuses to."
    for flags, hint in (
        (
            "",
            f"numpy cannot load in {ISOLATED}: {refused} Use a process: %%subint -b mp_forkserver.",
        ),
        (
            "-n main",
            f"numpy cannot load in actor 'main', {ISOLATED}: {refused} Close it first (%subints"
            " close main) and start it with -b mp_forkserver, or choose another name.",
        ),
    ):
        cell = kernel.run(f"%%subint {flags}\n{unseen}")
        assert cell.error[0] == "CellError"
        assert cell.traceback.endswith(f"\n\n{hint}")


@subint
def test_the_check_can_be_left_out(kernel: Kernel):
    for _ in range(2):
        name, value = kernel.run("%%subint --no-check\nimport readline").error
        assert (name, value) == (
            "CellError",
            "ImportError: module readline does not support loading in subinterpreters",
        )
        kernel.ok("%config SubintMagics.check_imports = False")
    assert kernel.run("%%subint\nimport readline").error[0] == "CellError"


@subint
def test_a_module_that_does_not_exist_is_the_cells_own_error(kernel: Kernel):
    assert kernel.run("%%subint\nimport no_such_module").error == (
        "CellError",
        "ModuleNotFoundError: No module named 'no_such_module'",
    )


@subint
def test_the_imports_beside_ipythons_syntax_are_seen(kernel: Kernel):
    assert usage_error(kernel.run("%%subint\n!ls\nimport numpy")).startswith("numpy cannot load")


@subint
def test_a_try_can_be_interrupted(kernel: Kernel, modules: Path, signal: Signal):
    (modules / "hang.py").write_text(f"{signal.code}\nwhile True: pass")
    before = kernel.descendants()
    cell = kernel.start("%%subint\nprint('ran')\nimport hang")
    signal.wait()
    kernel.interrupt()
    name, value = cell.wait().error
    assert (name, cell.stdout) == ("RunCancelled", "")
    assert value.endswith("it had not begun.")
    assert kernel.descendants() == before


@subint
def test_what_loads_once_in_a_process_is_refused_where_the_kernel_has_it(kernel: Kernel):
    assert usage_error(kernel.run("%%subint -b subint_legacy\nimport zmq")) == (
        "zmq cannot load in a sub-interpreter with the kernel's GIL: it loads once in a process,"
        " and the kernel has loaded it already. Use a process: %%subint -b mp_forkserver"
        " (--no-check: run it anyway)."
    )


@subint
def test_no_actor_takes_a_module_from_the_kernel(new_kernel: Kernel):
    new_kernel.ok("%load_ext subint_magic")
    legacy = f"numpy cannot load in {LEGACY}: it loads once in a process,"
    way_out = "Use a process: %%subint -b mp_forkserver (--no-check: run it anyway)."
    cell = new_kernel.run("%%subint -b subint_legacy\nimport numpy")
    assert usage_error(cell) == f"{legacy} and could no longer load in the kernel. {way_out}"
    new_kernel.ok("import numpy")
    assert usage_error(new_kernel.run("%%subint -b subint_legacy\nimport numpy")) == (
        f"{legacy} and the kernel has loaded it already. {way_out}"
    )


@subint
def test_a_module_that_an_actor_has_taken_is_refused_to_others(new_kernel: Kernel):
    new_kernel.ok("%load_ext subint_magic")
    loads = "%%subint -b subint_legacy -n first\nimport numpy"
    usage_error(new_kernel.run(loads))
    new_kernel.ok(loads.replace("first", "first --no-check"))
    new_kernel.ok(loads)
    cell = new_kernel.run("%%subint -b subint_legacy\nimport numpy")
    assert "it loads once in a process, and an actor has loaded it already" in usage_error(cell)


@subint
@pytest.mark.parametrize("line", ["%matplotlib inline", "%load_ext numpy", "%pylab"])
def test_what_magics_import_is_seen(kernel: Kernel, line: str):
    cell = kernel.run(f"%%subint\nprint('ran')\n{line}")
    assert re.match(f"(numpy|matplotlib) cannot load in {ISOLATED}: ", usage_error(cell))


# -b auto


FORGET = "from subint_magic.runtime.imports import choice\nchoice._chosen.clear()"
CHEAPEST = "subint" if SUBINT else "mp_forkserver"


@subint
def test_auto_says_what_it_takes_and_why(kernel: Kernel):
    refused = kernel.ok("%%subint -b auto\nimport numpy")
    assert said(refused) == f"auto: mp_forkserver, as numpy cannot load in {ISOLATED}\n"
    assert said(kernel.ok("%%subint -b auto\nimport numpy")) == said(refused)


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("1", "the cheapest here"),
        pytest.param(
            "import email_validator_of_mine", "as all that it imports loads there", marks=subint
        ),
    ],
)
def test_auto_says_once_that_it_takes_the_cheapest(
    kernel: Kernel, modules: Path, source: str, why: str
):
    (modules / "email_validator_of_mine.py").write_text("")
    kernel.ok(FORGET)
    assert said(kernel.ok(f"%%subint -b auto\n{source}")) == f"auto: {CHEAPEST}, {why}\n"
    assert said(kernel.ok(f"%%subint -b auto\n{source}")) == ""
    assert said(kernel.ok("%%subint -b auto\n1")) == ""


@subint
def test_auto_looks_at_what_its_inputs_use(kernel: Kernel):
    kernel.ok("import zmq\ndef f():\n    return zmq.PUB.name")
    cell = kernel.ok("%%subint -b auto -i f\nf()")
    assert cell.results == ["'PUB'"]
    assert said(cell) == f"auto: mp_forkserver, as zmq cannot load in {ISOLATED}\n"


def test_auto_takes_an_actor_that_is_there(kernel: Kernel):
    kernel.ok("%%subint -n a -b trio\nx = 1")
    cell = kernel.ok("%%subint -n a -b auto\nimport numpy\nx")
    assert (cell.results, cell.stderr) == (["1"], "")


def test_auto_can_be_the_rule(kernel: Kernel):
    assert kernel.ok("%spawn_backend auto").stdout == (
        "auto: the cheapest of these that can import what the cell imports\n"
    )
    assert _selected(kernel.ok("%spawn_backend")) == ["auto"]
    kernel.ok(FORGET)
    assert kernel.ok("%%subint\n1").stderr.startswith("auto: ")
    assert kernel.ok("%%subint -b trio\n1").stderr == ""
    kernel.ok("%spawn_backend trio")
    assert _selected(kernel.ok("%spawn_backend")) == ["trio"]
    assert kernel.ok("%%subint\n1").stderr == ""


def _selected(cell: Cell) -> list[str]:
    return re.findall(r"^→ +(\w+)", cell.stdout, re.MULTILINE)


# --compare


HEADER = ["backend", "start", "run", "total", "CPU", "peak memory", "moved", "outcome"]
TIME = r"\d+(\.\d+)? m?s"
BYTES = r"\d+(\.\d)? ([KM]i)?B"


def _table(text: str) -> dict[str, list[str]]:
    """Return the rows of a comparison by their backends."""
    header, *rows = [re.split(r"\s{2,}", line) for line in text.partition("\n\n")[0].splitlines()]
    assert header == HEADER
    return {row[0]: row[1:] for row in rows}


def test_a_comparison_has_a_row_for_each_backend(kernel: Kernel):
    cell = kernel.ok("%%subint --compare\nimport os\nprint('once')\nos.getpid() > 0")
    (text,) = cell.results
    rows = _table(text)
    here = [status for status in spawn_methods() if not status.remote]
    assert list(rows) == [status.key for status in here]
    assert cell.stdout == "once\n"
    assert [data["text/plain"] for kind, data in cell.outputs if kind == "display"] == ["True"]
    outcomes = []
    for status in here:
        row = rows[status.key]
        if status.available:
            outcomes.append(row[-1])
            assert all(re.fullmatch(TIME, each) for each in row[:4]), row
            assert all(re.fullmatch(BYTES, each) for each in row[4:6]), row
        else:
            assert row == [f"cannot run here: {status.reason}"]
    assert outcomes == ["ok"] + ["same"] * (len(outcomes) - 1)
    assert ("subint, subint_legacy: CPU of the thread" in text) == SUBINT


@subint
def test_a_comparison_points_out_what_differs_and_what_cannot(kernel: Kernel):
    kernel.ok("from zmq import PUB")  # an input needs its module, as an import does
    cell = kernel.ok("%%subint --compare -i PUB\nimport os\nprint(os.getpid())\nobject()")
    rows = _table(cell.results[0])
    assert rows["subint"] == [f"zmq cannot load: its extension module {REFUSED['zmq']} refuses to"]
    assert rows["subint_legacy"] == [
        "zmq cannot load: it loads once in a process, and the kernel has loaded it already"
    ]
    assert [rows[key][-1] for key in ("trio", "mp_spawn", "mp_forkserver")] == [
        "ok",
        "stdout differs",
        "stdout differs",
    ]


def test_a_comparison_shows_what_comes_after_the_value(kernel: Kernel):
    cell = kernel.ok(
        "%%subint --compare\n"
        "get_ipython().events.register('post_execute', lambda: display('figure'))\n'value'"
    )
    shown = [data["text/plain"] for kind, data in cell.outputs if kind == "display"]
    assert shown == ["'value'", "'figure'"]


UNLOADABLE = """
class Unloadable:
    def __init__(self):
        import os
        self.pid = os.getpid()
    def __reduce__(self):
        return eval, (f"1 / (__import__('os').getpid() != {self.pid})",)
"""


@subint
def test_the_first_of_a_comparison_is_the_first_that_runs(kernel: Kernel):
    kernel.ok(f"{UNLOADABLE}\nx = Unloadable()")
    cell = kernel.ok("%%subint --compare -i x\nx")
    rows = _table(cell.results[0])
    assert rows["subint"] == rows["subint_legacy"]
    assert rows["subint"] == [
        "cannot run: input 'x' cannot be loaded in the actor: ZeroDivisionError: division by zero."
    ]
    outcomes = [rows[key][-1] for key in ("trio", "mp_spawn", "mp_forkserver")]
    assert outcomes == ["ok", "same", "same"]
    assert [data["text/plain"] for kind, data in cell.outputs if kind == "display"] == ["1.0"]


def test_a_comparison_without_any_run_says_why(kernel: Kernel):
    kernel.ok("x = (each for each in 'abc')")
    cell = kernel.run("%%subint --compare -i x\n1")
    (text,) = [data["text/plain"] for kind, data, *_ in cell.outputs if kind == "display"]
    assert "cannot run: input 'x' cannot be pickled: " in text
    assert usage_error(cell).startswith("input 'x' cannot be pickled: ")


@subint
def test_a_comparison_takes_no_module_from_the_kernel(new_kernel: Kernel):
    new_kernel.ok("%load_ext subint_magic")
    cell = new_kernel.ok("%%subint --compare\nimport numpy\nnumpy.pi")
    assert _table(cell.results[0])["subint_legacy"] == [
        "numpy cannot load: it loads once in a process, and could no longer load in the kernel"
    ]
    new_kernel.ok("import numpy")


def test_a_cell_that_fails_everywhere_fails_below_its_table(kernel: Kernel):
    cell = kernel.run("%%subint --compare\n1 / 0")
    (text,) = [data["text/plain"] for kind, data, *_ in cell.outputs if kind == "display"]
    outcomes = [row[-1] for row in _table(text).values() if len(row) > 1]
    assert outcomes == ["raises ZeroDivisionError"] + ["same"] * (len(outcomes) - 1)
    assert cell.error == ("CellError", "ZeroDivisionError: division by zero")


def test_an_interrupted_comparison_shows_what_it_has(kernel: Kernel, signal: Signal):
    first, second = [status.key for status in spawn_methods() if status.available][:2]
    cell = kernel.start(
        "%%subint --compare\nimport os\n"
        f"if not os.path.exists('done'):\n    open('done', 'w').close()\nelse:\n    {signal.code}\n"
        "    while True: pass"
    )
    signal.wait()
    kernel.interrupt()
    name, value = cell.wait().error
    kernel.ok("import os; os.remove('done')")
    (text,) = [data["text/plain"] for kind, data, *_ in cell.outputs if kind == "display"]
    rows = {key: row for key, row in _table(text).items() if len(row) > 1}
    assert {key: row[-1] for key, row in rows.items()} == {first: "ok", second: "stopped"}
    assert name == "RunCancelled"
    assert value.endswith("the backends after it were not tried.")


def test_a_comparison_takes_no_actor_and_no_backend(kernel: Kernel):
    for flag in ("-n a", "-b trio", "-o x"):
        assert usage_error(kernel.run(f"%%subint --compare {flag}\n1")) == (
            "--compare runs the cell in fresh actors of all backends:"
            " leave out --name, --backend and --output"
        )
