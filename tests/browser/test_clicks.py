"""What the buttons do."""

import pytest
from playwright.sync_api import expect

from .conftest import Opener
from .panel import Panel
from .server import Server

LOAD = "%load_ext subint_magic\n%subints"
RUNAWAY = """\
%%subint -n worker
# how many are there?
print("begun")
count = 0
while True:
    count += 1"""


@pytest.mark.parametrize("subshells", ["default", "disabled"])
def test_interrupt_reaches_a_cell_that_runs(open_notebook: Opener, server: Server, subshells: str):
    if subshells == "disabled":
        server.configure("apputils-extension/kernels-settings", commsOverSubshells="disabled")
    notebook = open_notebook(LOAD, RUNAWAY, f"%%time\n{RUNAWAY}")
    notebook.hide_sidebar()
    notebook.run(0)
    panel = Panel(notebook, 0)
    for index, form in ((1, "awaiting"), (2, "blocking")):
        notebook.start(index)
        expect(notebook.output(index)).to_contain_text("begun")
        expect(notebook.output(index).locator(".subint-run")).to_be_visible()
        panel.click("worker", "interrupt")
        assert "stopped by its Interrupt button" in notebook.wait(index)
        panel.expect_kind("worker", "idle")
        expect(panel.row("worker")).to_contain_text("interrupt: stopped within")
        notebook.screenshot_cells(f"interrupt-{form}-{subshells}", 0, index)


def test_cancel_on_the_line_of_a_run_and_kill(open_notebook: Opener):
    notebook = open_notebook(
        LOAD,
        "%%subint -n crawler -b trio --bg\nimport trio\nprint('begun')\nawait trio.sleep_forever()",
        "%%subint -n worker\nprint('begun')\nwhile True: pass",
        "%%subint -n stuck -b mp_forkserver --bg\n"
        "import re\nprint('begun')\nre.match(r'(a+)+$', 'a' * 40 + 'b')",
    )
    notebook.hide_sidebar()
    notebook.run(0)
    panel = Panel(notebook, 0)

    for index, start in ((1, notebook.run), (2, notebook.start)):
        start(index)
        expect(notebook.output(index)).to_contain_text("begun")
        line = notebook.output(index).locator(".subint-run")
        printed = notebook.output(index).get_by_text("begun").last
        expect(line).to_have_attribute("data-kind", "running")
        notebook.screenshot(f"line-{index}-running")
        above, below = line.bounding_box(), printed.bounding_box()
        assert above["y"] + above["height"] <= below["y"]
        line.locator("button[data-action=cancel]").click()
        notebook.wait(index)
        expect(line).to_have_attribute("data-kind", "cancelled")
        expect(line.locator("button")).to_have_count(0)
        assert line.bounding_box()["height"] < 30  # one line
    notebook.screenshot("line-settled")

    notebook.run(3)
    panel.expect_kind("stuck", "running")
    expect(panel.button("worker", "kill")).to_have_count(0)
    panel.click("stuck", "kill")
    expect(panel.ended("stuck")).to_have_attribute("data-kind", "killed")
    expect(panel.ended("stuck")).to_contain_text("lived")
    notebook.screenshot("killed")
