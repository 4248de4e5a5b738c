"""Views that are kept up to date, and their buttons; the test plays the script in the browser."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from subint_magic.spawn import default_start_method

from .harness import actor_rows

if TYPE_CHECKING:
    from .harness import Cell, Gate, Kernel

BACKEND = default_start_method()
FORMS = pytest.mark.parametrize("prefix", ["", "%%time\n"], ids=["awaiting", "blocking"])


@pytest.fixture(autouse=True)
def _lines(kernel: Kernel) -> None:
    kernel.ok("%config SubintMagics.quiet = False")


def actor_id(html: str | None, name: str) -> str | None:
    """Return the id by which the buttons of an actor call it, if it has one that interrupts it."""
    found = re.search(rf'aria-label="Interrupt {name}"', html or "")
    row = found and re.findall(r'data-actor="(\w+)"', (html or "")[: found.start()])
    return row[-1] if row else None


def line_of(cell: Cell) -> str:
    """Return the text of the line above the output of *cell*, as it is now."""
    first = next(output[1] for output in cell.outputs if output[0] == "display")
    return (cell.updates or [first])[-1]["text/plain"]


@FORMS
def test_a_click_gets_through_while_a_cell_runs(kernel: Kernel, prefix: str):
    panel = kernel.ok("%subints")
    kernel.page.see(panel)
    cell = kernel.start(f"{prefix}%%subint -n a\nprint('ready')\nwhile True: pass")
    cell.wait_output("ready")
    views = kernel.page.views
    kernel.wait_until(lambda: actor_id(views.get(panel.view), "a"), "a row with buttons")
    kernel.page.click("interrupt", actor=actor_id(views[panel.view], "a") or "")
    cell.wait()
    assert cell.error[0] == "RunCancelled"
    assert "stopped by its Interrupt button within" in cell.error[1]
    kernel.wait_until(
        lambda: "interrupt: stopped within" in (views[panel.view] or ""), "what came of the click"
    )
    kernel.wait_until(
        lambda: panel.updates and "○ idle" in panel.updates[-1]["text/plain"], "the document"
    )


@FORMS
def test_a_run_that_takes_long_has_a_line_with_a_button(kernel: Kernel, prefix: str):
    cell = kernel.start(f"{prefix}%%subint -n a\nprint('before')\nwhile True: pass")
    kernel.wait_until(lambda: "display" in [kind for kind, *_ in cell.outputs], "the line")
    kinds = [kind for kind, *_ in cell.outputs]
    # Of a cell that is ours alone, what it showed before comes again, below the line.
    assert kinds[0] == ("stdout" if prefix else "display")
    cell.wait_output("before")
    assert cell.stdout == "before\n"
    assert re.match(rf"a \({BACKEND}\): running \d s$", line_of(cell))
    kernel.page.wait_open()
    kernel.page.click("cancel", run=cell.view)
    cell.wait()
    assert "stopped by its Cancel button within" in cell.error[1]
    assert re.match(rf"a \({BACKEND}\): cancelled after \d\.\d s$", line_of(cell))
    assert "<button" not in cell.updates[-1]["text/html"]
    assert kernel.ok("%%subint -n a\n'kept'").results == ["'kept'"]


def test_the_line_stays_when_the_cell_clears_its_output(kernel: Kernel, gate: Gate):
    kernel.ok("%%subint -n a\nfrom IPython.display import clear_output")
    cell = kernel.start(
        f"%%subint -n a\nprint('before')\n{gate.code}\nclear_output(wait=True)\nprint('after')"
    )
    kernel.wait_until(lambda: "display" in [kind for kind, *_ in cell.outputs], "the line")
    gate.open()
    cell.wait()
    assert [kind for kind, *_ in cell.outputs] == ["display", "stdout"]
    assert cell.stdout == "after\n"
    assert line_of(cell).startswith(f"a ({BACKEND}): done after")


def test_a_cell_that_asks_is_not_cleared(kernel: Kernel):
    cell = kernel.start("%%subint -n a\nprint('before')\ninput('name? ')", stdin=True)
    cell.wait_question()
    kernel.wait_until(lambda: "display" in [kind for kind, *_ in cell.outputs], "the line")
    assert "clear_output" not in [kind for kind, _ in cell.messages], "with it the box would go"
    kernel.answer("me")
    assert cell.wait().results == ["'me'"]
    assert [kind for kind, *_ in cell.outputs] == ["stdout", "display", "result"]


def test_a_short_run_has_no_line(kernel: Kernel):
    assert kernel.ok("%%subint -n a\nprint(1)\n2").outputs == [("stdout", "1\n"), ("result", "2")]


@pytest.mark.parametrize("how", ["--quiet", "config"])
def test_quiet(kernel: Kernel, gate: Gate, how: str):
    flag = "--quiet" if how == "--quiet" else ""
    if not flag:
        kernel.ok("%config SubintMagics.quiet = True")
    quiet = kernel.start(f"%%subint -n a {flag}\nprint('x')\n{gate.code}").wait_output("x")
    with kernel.subshell() as subshell:
        kernel.start("%config SubintMagics.quiet = False", subshell).wait()
        # When one that was begun later has its line, this one would have had it.
        other = kernel.start(f"%%subint -n b\n{gate.code}", subshell)
        kernel.wait_until(lambda: other.outputs, "the line of the other")
        gate.open()
        gate.open()
        other.wait()
    quiet.wait()
    assert quiet.outputs == [("stdout", "x\n")]
    if not flag:
        kernel.ok("%config SubintMagics.quiet = True")
    cell = kernel.ok(f"%%subint -n a --bg --as job {flag}\nprint('y')")
    kernel.ok("job.result()")
    cell.wait_output("y")
    assert cell.outputs == [("stdout", "y\n")]
    shown = kernel.ok("job")
    assert shown.outputs[0][1]["text/plain"].startswith(f"a ({BACKEND}): done after")


def test_the_button_of_a_background_run(kernel: Kernel):
    cell = kernel.ok("%%subint --bg --as job\nprint('ready')\nwhile True: pass")
    cell.wait_output("ready")
    kernel.page.see(cell)
    kernel.wait_until(lambda: "<button" in (kernel.page.views.get(cell.view) or ""), "a button")
    kernel.page.click("cancel", run=cell.view)
    kernel.wait_until(lambda: "cancelled" in line_of(cell), "its end")
    assert kernel.ok("job.exception().by").results == ["'its Cancel button'"]
    kernel.repeat("%subints", lambda table: table.actors == [])


def test_without_a_page_the_panel_follows_in_the_document(kernel: Kernel, gate: Gate):
    panel = kernel.ok("%subints")
    cell = kernel.start(f"%%subint -n a\nprint('ready')\n{gate.code}")
    kernel.wait_until(
        lambda: panel.updates and "► running" in panel.updates[-1]["text/plain"], "the run"
    )
    (row,) = actor_rows(panel.updates[-1]["text/plain"])
    assert row["name"] == "a"
    gate.open()
    cell.wait()
    kernel.ok("%subints close a")
    kernel.wait_until(lambda: "✓ done" in panel.updates[-1]["text/plain"], "the end")


def test_what_is_captured_is_shown_as_it_is(kernel: Kernel):
    cell = kernel.ok("%%capture caught\n%subints")
    assert cell.outputs == []
    (text,) = kernel.ok("caught.outputs[0].data['text/plain']").results
    assert text.startswith("'There is no actor. Start one with %%subint -n NAME.")


def test_unloading_leaves_no_comm(new_kernel: Kernel):
    mine = (
        "[comm for comm in get_ipython().kernel.comm_manager.comms.values()"
        " if 'subint' in str(comm._open_data)]"
    )
    new_kernel.ok("%load_ext subint_magic")
    assert new_kernel.page.comm is None, "nothing before its first use"
    panel = new_kernel.ok("%subints")
    new_kernel.page.see(panel)
    new_kernel.ok("%%subint -n a\n1")
    new_kernel.ok("%unload_ext subint_magic")
    new_kernel.wait_until(lambda: new_kernel.page.comm is None, "the end of the line")
    assert new_kernel.ok(mine).results == ["[]"]
    assert "There is no actor." in panel.updates[-1]["text/plain"]
    new_kernel.ok("%load_ext subint_magic")
    new_kernel.page.see(new_kernel.ok("%subints"))
    new_kernel.shut_down()
    assert new_kernel.exit_code == 0
