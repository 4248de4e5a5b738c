"""What ``%%subint`` runs, where, and in which namespace."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from .harness import Kernel

WHERE = "import os, _interpreters\nos.getpid(), _interpreters.get_current()[0]"


def test_a_cell_runs_where_the_selected_backend_puts_it(kernel: Kernel, start_method: str):
    kernel.ok(f"%spawn_backend {start_method}")
    (where,) = kernel.ok(f"%%subint\n{WHERE}").results
    pid, interpreter = eval(where)
    if start_method.startswith("subint"):
        assert pid == kernel.pid
        assert interpreter != 0
    else:
        assert pid != kernel.pid
        assert interpreter == 0


def test_an_anonymous_cell_leaves_nothing_to_the_next(kernel: Kernel, start_method: str):
    kernel.ok(f"%%subint -b {start_method}\nx = 1")
    cell = kernel.run(f"%%subint -b {start_method}\nx")
    assert cell.error == ("CellError", "NameError: name 'x' is not defined")


def test_a_named_actor_keeps_its_namespace(kernel: Kernel, start_method: str):
    kernel.ok(f"%%subint -n a -b {start_method}\nimport os\nx = [os.getpid()]")
    assert kernel.ok("%%subint -n a\nx == [os.getpid()]").results == ["True"]


def test_two_named_actors_have_nothing_in_common(kernel: Kernel):
    kernel.ok("%%subint -n a\nx = 'of a'")
    kernel.ok("%%subint -n b\nx = 'of b'")
    assert kernel.ok("%%subint -n a\nx").results == ["'of a'"]
    assert kernel.ok("%%subint -n b\nx").results == ["'of b'"]


def test_cells_that_start_an_actor_at_once_share_it(kernel: Kernel, start_method: str):
    kernel.ok(
        "from concurrent.futures import ThreadPoolExecutor\n"
        "def run(word):\n"
        "    return get_ipython().run_cell_magic('subint', '-n a', f'{word!r}')\n"
        f"get_ipython().run_line_magic('spawn_backend', '{start_method}')\n"
        "with ThreadPoolExecutor() as pool:\n"
        "    words = list(pool.map(run, 'one two three'.split()))"
    )
    assert kernel.ok("words").results == ["['one', 'two', 'three']"]
    assert [row["state"] for row in kernel.ok("%subints").actors] == ["○ idle"]


def test_the_namespace_of_the_kernel_is_untouched(kernel: Kernel, start_method: str):
    def names() -> set[str]:
        (names,) = kernel.ok("sorted(get_ipython().user_ns)").results
        return {name for name in eval(names) if not name.startswith("_")}

    kernel.ok("x = 'of the kernel'")
    before = names()
    kernel.ok(f"%%subint -n a -b {start_method}\nimport sys\nx = y = 'of the actor'\ny")
    kernel.run("%%subint -n a\n1 / 0")
    assert names() == before
    assert kernel.ok("x").results == ["'of the kernel'"]


def test_the_cell_is_its_mains(kernel: Kernel, start_method: str):
    cell = kernel.ok(
        f"%%subint -b {start_method}\n"
        "import __main__\n"
        "class C: pass\n"
        "__name__, C.__module__, __main__.C is C"
    )
    assert cell.results == ["('__main__', '__main__', True)"]


def test_a_cell_knows_the_kernels_path_and_directory(kernel: Kernel, start_method: str):
    kernel.ok("import os, sys\nsys.path.append('/somewhere/else')")
    try:
        cell = kernel.ok(f"%%subint -b {start_method}\nimport os, sys\nsys.path[-1], os.getcwd()")
        assert cell.results == kernel.ok("sys.path[-1], os.getcwd()").results
    finally:
        kernel.ok("sys.path.pop()")


# syntax


def test_future_imports_hold(kernel: Kernel):
    cell = kernel.ok(
        "%%subint\nfrom __future__ import annotations\ndef f(x: Unknown): pass\nf.__annotations__"
    )
    assert cell.results == ["{'x': 'Unknown'}"]


def test_multi_line_strings_are_verbatim(kernel: Kernel):
    text = "first\n    indented\n\ttab\n\n  %not_a_magic\n!not a shell\nlast"
    cell = kernel.ok(f'%%subint\ntext = """{text}"""\ntext')
    assert cell.results == [repr(text)]


def test_decorators_classes_and_closures(kernel: Kernel):
    cell = kernel.ok(
        "%%subint\n"
        "import functools\n"
        "\n"
        "@functools.cache\n"
        "def fib(n):\n"
        "    return n if n < 2 else fib(n - 1) + fib(n - 2)\n"
        "\n"
        "class Squares:\n"
        "    @property\n"
        "    def all(self):\n"
        "        return [fib(n) ** 2 for n in range(6)]\n"
        "\n"
        "Squares().all\n"
    )
    assert cell.results == ["[0, 1, 1, 4, 9, 25]"]


def test_comments_and_blank_lines_around(kernel: Kernel):
    assert kernel.ok("%%subint\n\n# a comment\n\n1 + 1  # another\n\n# the last\n").results == ["2"]


def test_a_syntax_error_shows_the_line(kernel: Kernel):
    cell = kernel.run("%%subint -n a\nx = 1\ny = = 2")
    name, value = cell.error
    assert name == "CellError"
    assert re.fullmatch(r"SyntaxError: invalid syntax \(\d+\.py, line 2\)", value)
    assert "y = = 2" in cell.traceback


# top-level await


def test_await_runs_under_trio(kernel: Kernel, start_method: str):
    cell = kernel.ok(
        f"%%subint -b {start_method}\n"
        "import trio\n"
        "async with trio.open_nursery() as nursery:\n"
        "    nursery.start_soon(trio.lowlevel.checkpoint)\n"
        "await trio.lowlevel.checkpoint()\n"
        "trio.lowlevel.current_task().name"
    )
    assert cell.results == ["'cell'"]


def test_await_runs_under_asyncio_if_asked_for(kernel: Kernel, start_method: str):
    cell = kernel.ok(
        f"%%subint -b {start_method} --loop asyncio\n"
        "import asyncio\n"
        "async def double(x):\n"
        "    await asyncio.sleep(0)\n"
        "    return 2 * x\n"
        "await asyncio.gather(double(1), double(2))"
    )
    assert cell.results == ["[2, 4]"]


def test_the_loop_of_cells_without_the_flag_can_be_set(kernel: Kernel):
    source = "import asyncio\nawait asyncio.sleep(0, 'slept')"
    kernel.ok("%config SubintMagics.loop = 'asyncio'")
    assert kernel.ok(f"%%subint\n{source}").results == ["'slept'"]
    kernel.ok("%config SubintMagics.loop = 'trio'")
    assert kernel.run(f"%%subint\n{source}").error[0] == "CellError"
    assert kernel.ok(f"%%subint --loop asyncio\n{source}").results == ["'slept'"]


@pytest.mark.parametrize(
    ("flags", "also"),
    [("", " and --loop asyncio"), (" --loop asyncio", "")],
    ids=["trio", "asyncio"],
)
def test_who_needs_a_loop_and_has_none_is_told_how(kernel: Kernel, flags: str, also: str):
    cell = kernel.run(f"%%subint{flags}\nimport asyncio\nasyncio.get_running_loop()")
    assert cell.traceback.endswith(
        "RuntimeError: no running event loop\n\nThe loop runs while a cell awaits at its top level:"
        f" add an await there (await asyncio.sleep(0)){also}."
    )


def test_a_name_that_only_the_notebook_has(kernel: Kernel):
    kernel.ok("df = 1")
    assert kernel.run("%%subint\ndf").traceback.endswith(
        "NameError: name 'df' is not defined\n\nThe notebook has 'df', and the actor does not:"
        " %%subint -i df gives the cell a copy."
    )
    assert kernel.run("%%subint\nfd").traceback.endswith("NameError: name 'fd' is not defined")


@pytest.mark.skip_spawn_backend(
    "trio", "mp_spawn", "mp_forkserver", "subint_legacy", reason="they have some"
)
def test_who_starts_a_daemon_thread_is_told_where_there_are_some(kernel: Kernel, start_method: str):
    source = "import threading\nthreading.Thread(daemon=True)"
    assert kernel.run(f"%%subint -b {start_method}\n{source}").traceback.endswith(
        "\n\nA sub-interpreter has none. Use a process: %%subint -b mp_forkserver."
    )


def test_the_asyncio_loop_of_an_actor_lives_on(kernel: Kernel):
    kernel.ok(
        "%%subint -n a --loop asyncio\n"
        "import asyncio\n"
        "queue = asyncio.Queue()\n"
        "task = asyncio.create_task(queue.get())\n"
        "await asyncio.sleep(0)"
    )
    kernel.ok("%%subint -n a --loop asyncio\nawait queue.put('hello')")
    assert kernel.ok("%%subint -n a --loop asyncio\nawait task").results == ["'hello'"]


def test_the_cells_of_one_actor_may_use_either_loop(kernel: Kernel):
    kernel.ok("%%subint -n a\nimport asyncio, trio\nawait trio.sleep(0)")
    kernel.ok("%%subint -n a --loop asyncio\nawait asyncio.sleep(0)")
    assert kernel.ok("%%subint -n a\nawait trio.sleep(0) or 'both'").results == ["'both'"]


NUMBERS = "async def numbers():\n    for x in range(4): yield x\ntotal = 0\n"


@pytest.mark.parametrize(
    "source",
    ["async for x in numbers(): total += x\ntotal", "sum([x async for x in numbers()])"],
    ids=["async for", "comprehension"],
)
def test_other_forms_of_await(kernel: Kernel, source: str):
    assert kernel.ok(f"%%subint\n{NUMBERS}{source}").results == ["6"]
