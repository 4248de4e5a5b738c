"""``%subints where`` and ``vars``, and completion while a cell is typed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .harness import Kernel

MODEL = "class Model:\n    def score(self): pass\nmodel = Model()\nmodel.size = 3\n"


@pytest.fixture
def without_jedi(kernel: Kernel) -> Iterator[None]:
    """A kernel that has used jedi takes seconds to end, on a busy machine too many."""
    kernel.ok("%config Completer.use_jedi = False")
    yield
    kernel.ok("%config Completer.use_jedi = True")


def test_where_a_busy_actor_is(kernel: Kernel):
    kernel.ok("%%subint -n main\nimport json\ndef spin(**_):\n    while True: pass")
    cell = kernel.start("%%subint -n main\nprint('ready')\njson.loads('1', cls=spin)")
    cell.wait_output("ready")
    with kernel.subshell() as subshell:
        told = kernel.start("%subints where main", subshell).wait()
    kernel.interrupt()
    assert cell.wait().error[0] == "RunCancelled"
    lines = [re.sub(r"In\[\d+\]", "In[N]", line) for line in told.stdout.splitlines()]
    assert re.fullmatch(r"Actor 'main' runs a cell for \d s", lines[0])
    assert lines[1:5] == ["", "The cell:", "  Cell In[N], line 2", lines[4]]
    assert lines[4] == "    json.loads('1', cls=spin)"
    assert re.fullmatch(r"  File .*json/__init__\.py:\d+, in loads", lines[5])
    assert lines[6].strip().startswith("return cls(")
    assert lines[7:] == ["  Cell In[N], line 3, in spin", "    while True: pass"]


ASYNCIO = """\
%%subint -n main --loop asyncio
import asyncio
async def child():
    await asyncio.sleep(99)
async def last():
    for _ in iter(int, print('ready')): pass
await asyncio.gather(child(), child(), child(), last())
"""
TRIO = """\
%%subint -n main
import trio.testing
async def child():
    await trio.sleep(99)
async def parent():
    async with trio.open_nursery() as inner:
        for _ in range(3): inner.start_soon(child, name='inner')
async with trio.open_nursery() as outer:
    outer.start_soon(parent)
    await trio.testing.wait_all_tasks_blocked()
    for _ in iter(int, print('ready')): pass
"""
THREAD = """\
%%subint -n main -b mp_forkserver
import trio
def work():
    for _ in iter(int, print('ready')): trio.from_thread.check_cancelled()
await trio.to_thread.run_sync(work)
"""


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        (
            ASYNCIO,
            """\
The cell:
  Cell In[N], line 6
    await asyncio.gather(child(), child(), child(), last())

Task 'Task-N', and 2 more at the same place:
  Cell In[N], line 3, in child
    await asyncio.sleep(99)

Task 'Task-N':
  Cell In[N], line 5, in last
    for _ in iter(int, print('ready')): pass
""",
        ),
        (
            TRIO,
            """\
The cell:
  Cell In[N], line 10
    for _ in iter(int, print('ready')): pass

Task '__main__.parent':
  Cell In[N], line 5, in parent
    async with trio.open_nursery() as inner:

Task 'inner', and 2 more at the same place:
  Cell In[N], line 3, in child
    await trio.sleep(99)
""",
        ),
        (
            THREAD,
            """\
The cell:
  Cell In[N], line 4
    await trio.to_thread.run_sync(work)

Thread 'work from cell':
  Cell In[N], line 3, in work
    for _ in iter(int, print('ready')): trio.from_thread.check_cancelled()
""",
        ),
    ],
    ids=["asyncio", "trio", "thread"],
)
def test_where_each_task_and_thread_is(kernel: Kernel, cell: str, expected: str):
    running = kernel.start(cell)
    running.wait_output("ready")
    with kernel.subshell() as subshell:
        told = kernel.start("%subints where main", subshell).wait()
    kernel.interrupt()
    assert running.wait().error[0] == "RunCancelled"
    shown = re.sub(r"(In\[|Task-)\d+", r"\1N", told.stdout)
    assert shown.partition("\n\n")[2] == expected


def test_where_an_idle_actor_is(kernel: Kernel):
    kernel.ok("%%subint -n main\nx = 1")
    assert kernel.ok("%subints where main").stdout == "Actor 'main' is idle and runs no cell\n"


def test_who_does_not_answer_is_named_with_the_reason(kernel: Kernel):
    kernel.ok("%%subint -n main -b mp_forkserver\nimport re")
    stuck = "print('ready', flush=True)\nre.match('(a*)*b', 'a' * 99)"  # holds its GIL
    cell = kernel.start(f"%%subint -n main --grace 0\n{stuck}")
    cell.wait_output("ready")
    with kernel.subshell() as subshell:
        told = kernel.start("%subints where main", subshell).wait()
        kernel.start("%subints kill main", subshell).wait()
    cell.wait()
    assert told.stdout == (
        "Actor 'main' did not answer within 1 s: it is in C code that holds its GIL.\n"
    )


def test_vars(kernel: Kernel):
    kernel.ok(f"%%subint -n main\nimport json\nx = [1, 2]\n_y = 1\n{MODEL}")
    assert kernel.ok("%subints vars main").stdout == (
        "name   type    size  value\n"
        "Model  type\n"
        "json   module        json\n"
        "model  Model\n"
        "x      list    2     [1, 2]\n"
    )
    kernel.ok("%%subint -n other\npass")
    assert kernel.ok("%subints vars other").stdout == "Actor 'other' has no variables.\n"
    assert kernel.ok("%subints vars --all").stdout.startswith("Actor 'main':\nname ")


def test_vars_of_arrays(kernel: Kernel):
    kernel.ok("%%subint -n main -b mp_forkserver\nimport numpy as np\na = np.zeros((3, 4))")
    assert "a     ndarray  3 × 4  float64\n" in kernel.ok("%subints vars main").stdout


def test_looking_at_an_actor_that_is_not_there(kernel: Kernel):
    told = kernel.run("%subints where main")
    assert told.stderr == "UsageError: no actor 'main'. There is none.\n"
    assert kernel.run("%subints vars").stderr == (
        "UsageError: %subints vars needs either NAME … or --all\n"
    )


@pytest.mark.parametrize(
    ("code", "matches"),
    [
        ("%%subint --ti", ["--timeout"]),
        ("%%subint -b mp_f", ["mp_forkserver"]),
        ("%%subint -n ", ["main"]),
        ("%%subint --loop a", ["asyncio"]),
        ("%subints wh", ["where"]),
        ("%subints where ", ["main"]),
        ("%spawn_backend mp_s", ["mp_spawn"]),
        ("%%subint -b au", ["auto"]),
        ("%subint -n main -o mo", ["model"]),
        ("%%sub", ["%%subint"]),
        ("%%subint --bg --as ", ["job"]),
        ("%%subint -n main -o mo", ["model"]),
        ("%%subint -nmain\nmod", ["model"]),
        ("%%subint -n main\nmodel.", ["score", "size"]),
        ("%%time\n%%subint -n main\nx = model.sc", ["score"]),
        ("%%subint -n main\nmod", ["model"]),
        ("%%subint -n main\nsort", ["sorted"]),  # the kernel's own
        ("%%subint -n other\nmod", []),
        ("%%subint\nmod", []),
    ],
)
def test_completion(kernel: Kernel, without_jedi: None, code: str, matches: list[str]):
    kernel.ok(f"%%subint -n main\n{MODEL}")
    if "--as" in code:
        kernel.ok("%%subint --bg -n main --as job\n1")
    assert kernel.complete(code) == matches


def test_completion_beside_jedi(new_kernel: Kernel):
    new_kernel.ok("%load_ext subint_magic")
    new_kernel.ok(f"%%subint -n main\n{MODEL}")
    new_kernel.ok("model_of_kernel = 1")
    assert new_kernel.complete("%%subint -n main\nmodel") == ["model_of_kernel", "model"]
    assert new_kernel.complete("%%subint -n main\nx = model.sc") == ["score"]
    assert new_kernel.complete("%%subint -n main\n'text'.spl") == ["split", "splitlines"]


def test_completion_while_the_actor_is_busy(kernel: Kernel, without_jedi: None):
    kernel.ok(f"%%subint -n main\n{MODEL}")
    cell = kernel.start("%%subint -n main\nprint('ready')\nwhile True: pass")
    cell.wait_output("ready")
    with kernel.subshell() as subshell:
        assert kernel.complete("%%subint -n main\nmodel.sc", subshell) == ["score"]
    kernel.interrupt()
    cell.wait()
