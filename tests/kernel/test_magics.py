"""``%spawn_backend``, ``%subints``, and the flags and help of all three magics."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, get_args

import psutil
import pytest

from subint_magic.spawn import SpawnMethodKey, default_start_method, spawn_methods

from .harness import wait_gone

if TYPE_CHECKING:
    from pathlib import Path

    from .harness import Cell, Gate, Kernel

KEYS = get_args(SpawnMethodKey)


def usage_error(cell: Cell) -> str:
    """Return the one line that a cell has shown."""
    assert cell.status == "error"
    assert cell.errors == []
    text = re.sub(r"^trying whether .*\n", "", cell.stderr)  # where that takes long
    assert text.startswith("UsageError: ")
    assert text.count("\n") == 1
    return text.removeprefix("UsageError: ").rstrip()


# %spawn_backend


def test_the_table_of_backends_names_all_and_why_not(kernel: Kernel):
    *lines, choice = kernel.ok("%spawn_backend").stdout.splitlines()[1:]
    assert choice.split()[:2] == ["auto", "yes"]
    for line, status in zip(lines, spawn_methods(), strict=True):
        assert line.removeprefix("→").split()[0] == status.key
        assert line.endswith(status.reason or status.summary)


def test_the_default_is_selected(kernel: Kernel):
    (selected,) = [row for row in kernel.ok("%spawn_backend").stdout.splitlines() if "→" in row]
    assert selected.split()[1] == default_start_method()


def test_the_choice_holds_and_is_marked(kernel: Kernel, start_method: str):
    assert kernel.ok(f"%spawn_backend {start_method}").stdout.startswith(f"{start_method}: ")
    (selected,) = [row for row in kernel.ok("%spawn_backend").stdout.splitlines() if "→" in row]
    assert selected.split()[1] == start_method
    for name in ("a", "b"):
        kernel.ok(f"%%subint -n {name}\npass")
    assert [row["backend"] for row in kernel.ok("%subints").actors] == [start_method] * 2


def test_a_flag_overrides_the_choice_for_one_cell(kernel: Kernel):
    kernel.ok("%spawn_backend trio")
    kernel.ok("%%subint -n a --backend mp_forkserver\npass")
    kernel.ok("%%subint -n b\npass")
    assert [(row["name"], row["backend"]) for row in kernel.ok("%subints").actors] == [
        ("a", "mp_forkserver"),
        ("b", "trio"),
    ]


def test_an_unknown_backend_is_one_line_with_the_nearest_and_all(kernel: Kernel):
    kernel.ok("%spawn_backend trio")
    assert usage_error(kernel.run("%spawn_backend forkserver")) == (
        "unknown spawn method 'forkserver'. Did you mean 'mp_forkserver'?"
        f" Valid keys: {', '.join(KEYS)}, dask, auto."
    )
    assert "→  trio " in kernel.ok("%spawn_backend").stdout


def test_an_unknown_backend_of_a_cell_is_one_line(kernel: Kernel):
    message = usage_error(kernel.run("%%subint -b trioo\n1"))
    assert "Did you mean 'trio'?" in message
    assert ", ".join(KEYS) in message


@pytest.mark.skipif(default_start_method() == "subint", reason="sub-interpreters can run here")
@pytest.mark.parametrize("line", ["%spawn_backend subint", "%%subint -b subint_legacy\n1"])
def test_a_backend_that_cannot_run_here_is_one_line_with_what_can(kernel: Kernel, line: str):
    message = usage_error(kernel.run(line))
    assert "it needs Python 3.14 or later" in message
    assert "These work here: trio, mp_spawn, mp_forkserver." in message


def test_spawn_backend_takes_one_key(kernel: Kernel):
    told = usage_error(kernel.run("%spawn_backend trio subint"))
    assert told == "this backend has no options, and was given: subint"


# %subints


def test_no_actor_is_said_so(kernel: Kernel):
    kernel.ok("%subints close --all")
    assert kernel.ok("%subints").actors == []
    assert kernel.ok("%subints close --all").stdout == "There is no actor.\n"


def test_the_table_of_actors_says_where_each_is(kernel: Kernel, start_method: str):
    (where,) = kernel.ok(
        f"%%subint -n worker -b {start_method}\n"
        "import os, _interpreters\n"
        "_, number = os.getpid(), _interpreters.get_current()[0]\n"
        "f'interpreter {number}' if number else f'pid {os.getpid()}'"
    ).results
    (row,) = kernel.ok("%subints").actors
    assert list(row) == [
        "name",
        "backend",
        "where",
        "state",
        "run",
        "age",
        "CPU",
        "memory",
        "in",
        "out",
        "waiting",
        "current cell",
    ]
    assert list(row.values())[:5] == ["worker", start_method, eval(where), "○ idle", ""]
    assert re.fullmatch(r"\d s", row["age"])
    assert re.fullmatch(r"(\d+|0\.0) ms|\d\.\d\d s", row["CPU"])
    in_kernel = start_method.startswith("subint")
    assert re.fullmatch("–" if in_kernel else r"\d+\.\d MiB", row["memory"])


def test_the_table_shows_what_runs_while_it_runs(kernel: Kernel, gate: Gate):
    cell = kernel.start(f"%%subint -n busy\nprint('ready') # the first line\n{gate.code}")
    cell.wait_output("ready")
    with kernel.subshell() as subshell:
        (row,) = kernel.start("%subints", subshell).wait().actors
    assert not cell.done
    gate.open()
    cell.wait()
    assert (row["name"], row["state"]) == ("busy", "► running")
    assert row["current cell"] == "print('ready') # the first line | ready"


def test_close_ends_the_named_ones(kernel: Kernel, start_method: str):
    for name in ("a", "b", "c"):
        kernel.ok(f"%%subint -n {name} -b {start_method}\nx = 1")
    assert kernel.ok("%subints close a c").stdout == "closed: a, c\n"
    assert [row["name"] for row in kernel.ok("%subints").actors] == ["b"]
    assert kernel.run("%%subint -n a\nx").error[1] == "NameError: name 'x' is not defined"


def test_close_all_ends_all(kernel: Kernel):
    kernel.ok("%%subint -n a -b trio\npass")
    kernel.ok("%%subint -n b -b mp_forkserver\npass")
    assert kernel.ok("%subints close --all").stdout == "closed: a, b\n"
    assert kernel.ok("%subints").actors == []


def test_closing_lets_atexit_run(kernel: Kernel, start_method: str, tmp_path: Path):
    path = f"{tmp_path}/bye"
    kernel.ok(
        f"%%subint -n a -b {start_method}\n"
        f"import atexit\natexit.register(lambda: open({path!r}, 'w').close())\npass"
    )
    kernel.ok("%subints close a")
    assert kernel.ok(f"import os; os.path.exists({path!r})").results == ["True"]


@pytest.mark.skip_spawn_backend(
    "subint", "subint_legacy", reason="its processes are children of the kernel"
)
def test_closing_ends_what_the_actor_has_started(kernel: Kernel, start_method: str):
    (pid,) = kernel.ok(
        f"%%subint -n a -b {start_method}\n"
        "import subprocess\n"
        "process = subprocess.Popen(['sleep', 'infinity'])\n"
        "process.pid"
    ).results
    process = psutil.Process(int(pid))
    kernel.ok("%subints close a")
    wait_gone([process])


def test_an_unknown_actor_is_one_line_with_the_nearest_and_all(kernel: Kernel):
    kernel.ok("%%subint -n worker\npass")
    assert usage_error(kernel.run("%subints close wroker")) == (
        "no actor 'wroker'. Did you mean 'worker'? These are there: worker."
    )
    kernel.ok("%subints close worker")
    assert usage_error(kernel.run("%subints close worker")) == ("no actor 'worker'. There is none.")


def test_one_unknown_name_closes_none(kernel: Kernel):
    kernel.ok("%%subint -n a\npass")
    usage_error(kernel.run("%subints close a b"))
    assert [row["name"] for row in kernel.ok("%subints").actors] == ["a"]


def test_a_running_actor_is_not_closed(kernel: Kernel, gate: Gate):
    cell = kernel.start(f"%%subint -n busy\nprint('ready')\n{gate.code}")
    cell.wait_output("ready")
    with kernel.subshell() as subshell:
        refused = kernel.start("%subints close busy", subshell).wait()
    gate.open()
    assert usage_error(refused) == (
        "actor 'busy' is running a cell and cannot be closed now; interrupt it first."
    )
    assert cell.wait().status == "ok"


@pytest.mark.parametrize("line", ["close", "close a --all", "--all", "frobnicate", "--frobnicate"])
def test_subints_used_wrongly_is_one_line(kernel: Kernel, line: str):
    usage_error(kernel.run(f"%subints {line}"))


# the flags of %%subint


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("--frobnicate", "unrecognized arguments: --frobnicate"),
        ("--tmeout 3", "unrecognized arguments: --tmeout 3. Did you mean '--timeout'?"),
        ("surplus", "unrecognized arguments: surplus"),
        ("--name", "argument -n/--name: expected one argument"),
        ("-b", "argument -b/--backend: expected one argument"),
        ("--loop curio", "argument --loop: invalid choice: 'curio'"),
    ],
)
def test_a_wrong_flag_is_one_line(kernel: Kernel, line: str, message: str):
    assert usage_error(kernel.run(f"%%subint {line}\n1")).startswith(message)


@pytest.mark.parametrize("prefix", ["", "%%time\n"], ids=["awaiting", "blocking"])
def test_a_live_actor_does_not_change_its_backend(kernel: Kernel, prefix: str):
    kernel.ok("%%subint -n a -b trio\nx = 1")
    assert usage_error(kernel.run(f"{prefix}%%subint -n a -b mp_spawn\nx")) == (
        "actor 'a' runs on 'trio', not 'mp_spawn':"
        " close it first (%subints close a) or choose another name."
    )
    assert kernel.ok("%%subint -n a -b trio\nx").results == ["1"]
    kernel.ok("%spawn_backend mp_spawn")
    assert kernel.ok("%%subint -n a\nx").results == ["1"]


def test_long_flags_are_the_same(kernel: Kernel):
    kernel.ok("%%subint --name=a --backend=trio\nx = 1")
    assert kernel.ok("%%subint --name a\nx").results == ["1"]


def test_a_line_moves_values_and_runs_nothing(kernel: Kernel):
    kernel.ok("df, q = 3, 4")
    kernel.ok("%subint -n a -i df, q")
    kernel.ok("%%subint -n a -i 'df, q'\nboth = [df, q]\ntotal = df + q")
    kernel.ok("%subint -n a --output both, total")
    assert kernel.ok("both, total").results == ["([3, 4], 7)"]
    assert kernel.ok("%%subint -n a\n_i").results == [repr("both = [df, q]\ntotal = df + q")]
    assert usage_error(kernel.run("%subint -n b -o both")) == ("no actor 'b'. These are there: a.")
    assert usage_error(kernel.run("%subint -n a")) == (
        "%subint moves values, by --input or --output; code goes below %%subint"
    )
    assert usage_error(kernel.run("%%subint -n a -o both")) == (
        "%%subint is a cell magic, but the cell body is empty. Did you mean the line magic %subint"
        " (single %)?"
    )


# help


@pytest.mark.parametrize(
    ("magic", "usage", "words"),
    [
        (
            "%%subint",
            "%%subint [-b KEY] [-n NAME] [--loop LOOP]",
            [
                "Run the cell in an actor",
                "--backend KEY",
                "Start the actor with this spawn method instead of the selected one",
                "%spawn_backend lists them",
                "--name NAME",
                "Without a name the cell runs in a fresh actor that ends after it.",
                "What runs a top-level await: trio (default) or asyncio.",
            ],
        ),
        (
            "%spawn_backend",
            "%spawn_backend [key]",
            [
                "Select how later %%subint cells start their actors",
                "The spawn method to select; without it, list all.",
            ],
        ),
        (
            "%subints",
            "%subints [--all] [{interrupt,cancel,kill,close,where,vars,last}] [NAME ...]",
            [
                "List the actors",
                "interrupt: stop the cell that it runs, and keep the actor",
                "cancel: end it, whatever it does",
                "kill: end it at once",
                "close: end it if it runs no cell",
                "last: the handle of the last background run",
                "It is for all",
            ],
        ),
    ],
)
def test_help_is_complete(kernel: Kernel, magic: str, usage: str, words: list[str]):
    page = " ".join(kernel.ok(f"{magic}?").page.split())
    for word in [usage, *words]:
        assert word in page


def test_quotes_are_no_part_of_a_name(kernel: Kernel):
    kernel.ok('%%subint -n "worker"\nx = 1')
    assert kernel.ok("%%subint -n worker\nx").results == ["1"]
    message = usage_error(kernel.run('%%subint -n ""\n1'))
    assert message == "argument -n/--name: invalid name value: '\"\"'"
