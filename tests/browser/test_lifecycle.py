"""A panel, from the first look to the end of its extension."""

from playwright.sync_api import expect

from .conftest import Opener
from .panel import Panel

LOAD = "%load_ext subint_magic"
RUN = "%%subint -n worker -b trio --bg --quiet\nimport trio\nawait trio.sleep_forever()"
COMMS = "print(len(get_ipython().kernel.comm_manager.comms), 'comms')"


def test_panels_from_first_to_last(open_notebook: Opener):
    notebook = open_notebook(LOAD, "%subints", "%subints", RUN, COMMS, "%unload_ext subint_magic")
    first, second = Panel(notebook, 1), Panel(notebook, 2)
    notebook.run(0)
    assert notebook.run(4).strip() == "0 comms"

    notebook.run(1)
    notebook.run(2)
    notebook.run(1)
    notebook.run(3)
    for panel, other in ((first, second), (second, first)):
        panel.expect_kind("worker", "running")
        panel.expect_live()
        panel.click("worker", "interrupt")
        other.expect_kind("worker", "idle")
        notebook.run(3)
    notebook.clear(2)
    first.click("worker", "interrupt")
    first.expect_kind("worker", "idle")

    notebook.reload()
    first.expect_live()
    notebook.run(3)
    first.expect_kind("worker", "running")
    first.click("worker", "interrupt")
    first.expect_kind("worker", "idle")
    notebook.screenshot("after-a-reload")

    notebook.restart_kernel()
    first.expect_live(False)
    first.expect_kind("worker", "idle")
    notebook.screenshot("after-a-restart")

    notebook.run(0)
    notebook.run(2)
    notebook.run(3)
    second.expect_kind("worker", "running")
    second.click("worker", "cancel")
    expect(second.ended("worker")).to_have_attribute("data-kind", "cancelled")
    first.expect_live(False)

    notebook.run(5)
    second.expect_live(False)
    assert notebook.run(4).strip() == "0 comms"
    notebook.screenshot("after-unload")
