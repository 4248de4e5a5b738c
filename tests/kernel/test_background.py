"""Cells that run in the background: ``%%subint --bg``."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from subint_magic.spawn import default_start_method

from .test_magics import usage_error

if TYPE_CHECKING:
    from .harness import Cell, Gate, Kernel


@pytest.fixture(autouse=True)
def _lines(kernel: Kernel) -> None:
    kernel.ok("%config SubintMagics.quiet = False")


FORMS = pytest.mark.parametrize("prefix", ["", "%%time\n"], ids=["awaiting", "blocking"])


def shown(cell: Cell) -> str:
    """Return the line that a handle shows in *cell*, as it is now."""
    bundle = next(output[1] for output in cell.outputs if output[0] == "display")
    return (cell.updates or [bundle])[-1]["text/plain"]


def words(html: str) -> list[str]:
    """Return what is to be read in *html*."""
    return re.sub(r"<[^>]*>", " ", html).split()


def wait_settled(kernel: Kernel, cell: Cell, state: str) -> str:
    """Wait until the handle in *cell* shows *state*; return its line."""
    kernel.wait_until(lambda: f": {state} " in shown(cell), f"{state} in {cell}")
    return shown(cell)


@FORMS
def test_the_prompt_comes_back_and_the_line_settles(kernel: Kernel, gate: Gate, prefix: str):
    cell = kernel.ok(
        f"{prefix}%%subint --bg --as job -n a -b trio\n"
        f"print('ready')\n{gate.code}\nprint('end')\n6 * 7"
    )
    cell.wait_output("ready")
    assert re.fullmatch(
        r"a \(trio\): running \d s( \| ready)?",
        wait_settled(kernel, cell, "running"),
    )
    assert kernel.ok("job.state, job.done(), job.stdout").results == [
        r"('running', False, 'ready\n')"
    ]
    gate.open()
    assert kernel.ok("job.result()").results == ["42"]
    line = wait_settled(kernel, cell, "done")
    assert re.fullmatch(r"a \(trio\): done after \d\.\d s \| end", line)
    assert kernel.ok("print(repr(job))").stdout == f"{line}\n"
    how_long = line.split(" ")[3:6]
    assert words(cell.updates[-1]["text/html"]) == ["✓", "done", "a", "(trio)", *how_long, "end"]
    assert cell.stdout.endswith("ready\nend\n")
    assert ("display", {"text/plain": "42"}) in cell.outputs
    assert kernel.ok("job.state, job.name, job.backend, job.exception(), job.stdout").results == [
        r"('done', 'a', 'trio', None, 'ready\nend\n')"
    ]


def test_the_line_follows_the_run_until_it_has_failed(kernel: Kernel, gate: Gate):
    cell = kernel.ok(f"%%subint --bg --as job\nprint('ready')\n{gate.code}\n1 / 0")
    kernel.wait_until(lambda: re.search(r": running [1-9] s \| ready$", shown(cell)), "a second")
    gate.open()
    line = wait_settled(kernel, cell, "failed")
    assert line.endswith("s | ZeroDivisionError: division by zero")
    assert kernel.ok("print(repr(job))").stdout == f"{line}\n"
    assert not any("queued" in bundle["text/plain"] for bundle in cell.updates)
    assert "queued" not in str(cell.outputs)


def test_output_stays_with_its_cell(kernel: Kernel, gate: Gate):
    source = f"%%subint --bg --as job\nprint('before')\n{gate.code}\nprint('after')"
    first = kernel.ok(source).wait_output("before")
    kernel.ok("first = job; print('another cell')")
    second = kernel.ok(source).wait_output("before")
    gate.open()
    gate.open()
    kernel.ok("first.result(), job.result()")
    for cell in (first, second):
        assert cell.stdout == "before\nafter\n"


def test_a_failure_appears_in_the_cell_that_started_it(kernel: Kernel, gate: Gate):
    cell = kernel.ok(f"%%subint --bg --as job\n{gate.code}\ndef f(): return 1 / 0\nf()")
    gate.open()
    wait_settled(kernel, cell, "failed")
    kernel.wait_until(lambda: cell.errors, "the error")
    assert cell.error == ("CellError", "ZeroDivisionError: division by zero")
    assert "in f" in cell.traceback
    assert cell.status == "ok"
    again = kernel.run("job.result()")
    assert again.error == ("CellError", "ZeroDivisionError: division by zero")
    assert again.traceback == cell.traceback
    assert kernel.ok("type(job.exception()).__name__").results == ["'CellError'"]
    assert len(cell.errors) == 1


@pytest.mark.parametrize("wait", ["job.result()", "await job", "raise job.exception()"])
def test_who_waits_for_it_gets_the_failure_and_nobody_else(kernel: Kernel, gate: Gate, wait: str):
    cell = kernel.ok(f"%%subint --bg --as job\nprint('ready')\n{gate.code}\n1 / 0")
    cell.wait_output("ready")
    waiting = kernel.start(wait)
    with kernel.subshell() as subshell:
        wait_awaited(kernel, subshell)
    gate.open()
    assert waiting.wait().error == ("CellError", "ZeroDivisionError: division by zero")
    wait_settled(kernel, cell, "failed")
    kernel.ask()
    assert cell.errors == []


@pytest.mark.parametrize("wait", ["job.result()", "await job"])
def test_an_interrupt_stops_the_wait_and_not_the_run(kernel: Kernel, gate: Gate, wait: str):
    source = f"print('ready')\n{gate.code}\n1 / 0"
    cell = kernel.ok(f"%%subint --bg --as job\n{source}").wait_output("ready")
    waiting = kernel.start(wait)
    with kernel.subshell() as subshell:
        wait_awaited(kernel, subshell)
    kernel.interrupt()
    assert waiting.wait().error[0] in ("KeyboardInterrupt", "CancelledError")
    assert kernel.ok("job.state").results == ["'running'"]
    gate.open()
    wait_settled(kernel, cell, "failed")
    kernel.wait_until(lambda: cell.errors, "the error: nobody waits any more")


def wait_awaited(kernel: Kernel, subshell: str) -> None:
    """Wait until somebody waits for the job."""
    while kernel.start("bool(job._waiting)", subshell).wait().results != ["True"]:
        pass


def test_a_wait_with_a_timeout(kernel: Kernel, gate: Gate):
    kernel.ok(f"%%subint --bg --as job -n a\nprint('ready')\n{gate.code}").wait_output("ready")
    assert kernel.run("job.result(timeout=0.01)").error == (
        "StillRunning",
        "the run in actor 'a' is still running after 0.01 s of waiting; it goes on",
    )
    waits = "try: job.exception(0)\nexcept TimeoutError as error: print(error.state, error.seconds)"
    assert kernel.ok(waits).stdout == "running 0\n"
    gate.open()
    assert kernel.ok("job.result()").results == []


def test_the_error_of_a_stopped_run_says_all_in_its_repr(kernel: Kernel):
    kernel.ok("%%subint --bg --as job -n a\nprint('ready')\nwhile True: pass").wait_output("ready")
    kernel.ok("job.interrupt()")
    (text,) = kernel.ok("job.exception()").results
    assert re.fullmatch(
        r'RunCancelled\("run in actor \'a\' stopped by its handle\'s interrupt\(\) within'
        r" \d\.\d\d s \(KeyboardInterrupt was raised in it\):"
        r' the actor and its namespace are kept\."\)',
        text,
    )


def test_another_loop_can_await_it(kernel: Kernel):
    kernel.ok("%%subint --bg --as job\n6 * 7")
    source = (
        "import asyncio, threading\n"
        "async def main(): print(await job)\n"
        "thread = threading.Thread(target=asyncio.run, args=(main(),))\n"
        "thread.start(); thread.join()"
    )
    assert kernel.ok(source).stdout == "42\n"


def test_cells_of_one_actor_run_in_the_order_of_their_start(kernel: Kernel, start_method: str):
    source = (
        "run = get_ipython().run_cell_magic\n"
        f"run('subint', '-n a --bg -b {start_method}', 'seen = []')\n"
        "for i in range(30): run('subint', '-n a --bg', f'seen.append({i})')\n"
        "run('subint', '-n a', 'seen == list(range(30)) or seen')"
    )
    assert kernel.ok(source).results == ["True"]


def test_subints_shows_how_many_wait(kernel: Kernel, gate: Gate):
    kernel.ok(f"%%subint --bg -n a\nprint('ready')\n{gate.code}").wait_output("ready")
    for _ in range(2):
        kernel.ok("%%subint --bg -n a --as last\n1")
    (row,) = kernel.ok("%subints").actors
    assert row["waiting"] == "2"
    gate.open()
    kernel.ok("last.result()")
    (row,) = kernel.ok("%subints").actors
    assert row["waiting"] == ""


def test_the_handle_comes_first_and_stays_when_the_run_clears_its_output(kernel: Kernel):
    kernel.ok("%%subint -n a\nfrom IPython.display import clear_output")
    source = "print(1)\nclear_output(wait=True)\nprint(2)\nclear_output()\nprint(3)"
    cell = kernel.ok(f"%%subint --bg -n a --as job\n{source}")
    kernel.ok("job.result()")
    wait_settled(kernel, cell, "done")
    kinds = [kind for kind, _ in cell.messages if kind != "update_display_data"]
    assert kinds == ["display_data", "stream", *["clear_output", "display_data", "stream"] * 2]
    ids = {
        content["transient"]["display_id"]
        for kind, content in cell.messages
        if kind.endswith("display_data")
    }
    assert len(ids) == 1
    cell = kernel.ok("%%subint --bg -n a --as job\nprint(1)\nclear_output(wait=True)")
    kernel.ok("job.result()")
    wait_settled(kernel, cell, "done")
    kinds = [kind for kind, _ in cell.messages if kind != "update_display_data"]
    assert kinds == ["display_data", "stream", "clear_output"], "what waits is waited for"
    cell = kernel.ok("%%capture caught\n%%subint --bg -n a --as job\nclear_output()\nprint(1)")
    kernel.ok("job.result()")
    assert cell.messages == [], "it is captured"


def test_a_handle_that_waits_says_how_to_stop_what_it_waits_for(kernel: Kernel):
    first = kernel.ok("%%subint --bg -n a\nprint('ready')\nwhile True: pass").wait_output("ready")
    second = kernel.ok("%%subint --bg -n a\n'mine'")
    kernel.wait_until(lambda: "queued" in shown(second), "its state")
    assert re.fullmatch(
        r"a \(\w+\): queued since \d\d:\d\d:\d\d"
        r" \| %subints interrupt a stops what 'a' runs now",
        shown(second),
    )
    kernel.ok("%subints interrupt a")
    wait_settled(kernel, first, "cancelled")
    wait_settled(kernel, second, "done")


def test_cancel(kernel: Kernel, gate: Gate):
    running = kernel.ok(
        "%%subint --bg -n a --as running\nx = 1\nprint('ready')\nwhile True: pass"
    ).wait_output("ready")
    queued = kernel.ok("%%subint --bg -n a --as queued\nx = 2")
    kernel.ok("queued.cancel()")
    wait_settled(kernel, queued, "cancelled")
    assert kernel.ok("queued.exception().by, queued.exception().note").results == [
        "(\"its handle's cancel()\", 'it had not begun')"
    ]
    kernel.ok("running.cancel()")
    wait_settled(kernel, running, "cancelled")
    assert kernel.ok("running.exception().note").results == [
        "'the actor and its namespace are kept'"
    ]
    assert running.errors == queued.errors == []
    assert kernel.ok("%%subint -n a\nx").results == ["1"]


QUEUE = (
    "run = get_ipython().run_cell_magic\n"
    "run('subint', '--bg -n a -b trio --as first',"
    " 'x = 1\\nimport os; print(os.getpid(), \"ready\")\\nwhile True: pass')\n"
    "run('subint', '--bg -n a --as second', 'x')\n"
    "get_ipython().user_ns['start'] = lambda: run('subint', '-n a', 'x')"
)


@pytest.mark.parametrize(
    ("ending", "message", "state"),
    [
        (
            "%subints kill a",
            "actor 'a' ended (killed) before this cell's turn; it was not run.",
            "cancelled",
        ),
        (
            "%subints close --all",
            "actor 'a' ended (cancelled) before this cell's turn; it was not run.",
            "cancelled",
        ),
        (
            "import os; os.kill(int(first.stdout.split()[0]), 9)",
            "actor 'a' died before this cell's turn: killed by SIGKILL; it was not run.",
            "failed",
        ),
    ],
    ids=["killed", "closed", "died"],
)
def test_cells_in_the_queue_of_an_actor_that_has_ended_do_not_run(
    kernel: Kernel, ending: str, message: str, state: str
):
    kernel.ok(QUEUE).wait_output("ready")
    with kernel.subshell() as subshell:
        waiting = kernel.start("start()")
        kernel.repeat_in(subshell, "%subints", lambda cell: cell.actors[0]["waiting"] == "2")
        assert kernel.start("second.state, second.backend", subshell).wait().results == [
            "('queued', 'trio')"
        ]
        kernel.start(ending, subshell).wait()
    kind = "ActorDied" if state == "failed" else "ActorEnded"
    cell = waiting.wait()
    assert cell.error == (kind, message)
    assert cell.traceback == f"{kind}: {message}"
    assert kernel.ok("print(second.state, second.exception())").stdout == f"{state} {message}\n"
    later = kernel.run("%%subint -n a\nx")
    assert later.error == ("CellError", "NameError: name 'x' is not defined")


def test_cancel_ends_an_unnamed_actor_and_interrupt_stops_its_run(kernel: Kernel):
    for way in ("cancel", "interrupt"):
        source = "%%subint --bg --as job\nprint('ready')\nwhile True: pass"
        cell = kernel.ok(source).wait_output("ready")
        kernel.ok(f"job.{way}()")
        wait_settled(kernel, cell, "cancelled")
        kernel.ok(f"job.{way}()")
    kernel.repeat("%subints", lambda cell: cell.actors == [])


def test_a_timeout_is_told_of(kernel: Kernel):
    cell = kernel.ok("%%subint --bg --timeout 0.1\nwhile True: pass")
    wait_settled(kernel, cell, "timed out")
    kernel.wait_until(lambda: cell.errors, "the error")
    assert cell.error[0] == "RunTimedOut"


def test_subints_last(kernel: Kernel):
    kernel.ok("%%subint --bg\n6 * 7")
    assert kernel.ok("run = %subints last\nrun.result()").results == ["42"]
    assert usage_error(kernel.run("%subints last a")) == "%subints last takes no names"


def test_what_it_asks_is_refused(kernel: Kernel):
    kernel.ok("%%subint --bg --as job\ninput()")
    assert kernel.run("job.result()").error == (
        "CellError",
        "EOFError: a background run cannot ask: put what it asks for into the cell, or run it"
        " without --bg",
    )


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("--bg --as 1a", "--as 1a: this is not the name of a variable"),
        ("--bg --as class", "--as class: this is not the name of a variable"),
        ("--as job", "--as names the handle of a background run: add --bg"),
        (
            "--bg --no-raise-error",
            "--no-raise-error is not for --bg, which raises in result() only",
        ),
    ],
)
def test_used_wrongly_it_is_one_line(kernel: Kernel, line: str, message: str):
    assert usage_error(kernel.run(f"%%subint {line}\n1")) == message


def test_a_wrong_backend_is_one_line_at_once(kernel: Kernel):
    message = usage_error(kernel.run("%%subint --bg -b trioo\n1"))
    assert message.startswith("unknown spawn method 'trioo'. Did you mean 'trio'?")


@FORMS
def test_no_raise_error_shows_and_goes_on(kernel: Kernel, prefix: str):
    cell = kernel.ok(f"{prefix}%%subint --no-raise-error\n1 / 0")
    assert cell.error == ("CellError", "ZeroDivisionError: division by zero")
    assert "----> 1 1 / 0" in cell.traceback


@pytest.mark.parametrize(
    ("line", "name"),
    [("-i odd", "InputError"), ("-o never", "OutputError"), ("-i lock", "InputError")],
)
def test_no_raise_error_is_for_values_too(kernel: Kernel, line: str, name: str):
    kernel.ok(
        "import threading\nlock = threading.Lock()\n"
        "class Odd:\n    def __reduce__(self): return eval, ('1/0',)\nodd = Odd()"
    )
    cell = kernel.ok(f"%%subint --no-raise-error {line}\n1")
    assert cell.error[0] == name
    assert cell.traceback == ": ".join(cell.error)


@pytest.mark.skipif(default_start_method() != "subint", reason="sub-interpreters cannot run here")
def test_no_raise_error_is_for_imports_too(kernel: Kernel):
    cell = kernel.ok("%%subint --no-raise-error -b subint\nimport numpy")
    assert cell.error[0] == "ImportRefused"
    assert cell.traceback == ": ".join(cell.error)


def test_no_raise_error_is_not_for_interrupts(kernel: Kernel):
    cell = kernel.start("%%subint --no-raise-error\nprint('ready')\nwhile True: pass")
    cell.wait_output("ready")
    kernel.interrupt()
    assert cell.wait().status == "error"


def test_unloading_ends_them_all(new_kernel: Kernel):
    new_kernel.ok("%load_ext subint_magic")
    assert usage_error(new_kernel.run("%subints last")) == (
        "no cell has run in the background so far: start one by %%subint --bg"
    )
    source = "%%subint --bg -n a --as {}\nprint('ready')\nwhile True: pass"
    running = new_kernel.ok(source.format("running")).wait_output("ready")
    queued = new_kernel.ok(source.format("queued"))
    new_kernel.ok("%unload_ext subint_magic")
    for cell in (running, queued):
        wait_settled(new_kernel, cell, "cancelled")
        assert cell.errors == []
    assert new_kernel.run("queued.result()").error == ("HostEnded", "subint_magic was stopped")
    assert new_kernel.run("running.result()").error[0] == "RunCancelled"


def test_a_shutdown_ends_them_and_who_waits(new_kernel: Kernel):
    new_kernel.ok("%load_ext subint_magic")
    source = "%%subint --bg -n a --as job\nprint('ready')\nwhile True: pass"
    new_kernel.ok(source).wait_output("ready")
    new_kernel.ok(source)
    waiting = new_kernel.start("print('waiting')\njob.result()").wait_output("waiting")
    new_kernel.request_shutdown()
    assert new_kernel.exit_code == 0
    assert not waiting.done or waiting.status == "error"
