"""Two hundred actors."""

import re

from playwright.sync_api import BrowserContext, expect

from .conftest import Opener
from .panel import Panel
from .traffic import Traffic

START = """\
for number in range(200):
    get_ipython().run_cell_magic("subint", f"-n actor-{number} --bg --quiet", "pass")"""


def test_200_actors_at_once(context: BrowserContext, open_notebook: Opener):
    traffic = Traffic(context)
    notebook = open_notebook("%load_ext subint_magic\n%subints", START)
    notebook.hide_sidebar()
    notebook.run(0)
    notebook.start(1)
    head = Panel(notebook, 0).view.locator(".subint-head")
    expect(head).to_contain_text(re.compile(r"\d\d booting"))
    notebook.screenshot_cells("many-starting", 0, 1)
    expect(head).to_contain_text("200 actors: 200 idle")
    traffic.wait_until_quiet(2)
    notebook.screenshot_cells("many", 0, 1)
    notebook.record(f"at most {traffic.most()} of {traffic.count} messages in a second")
    assert 1 < traffic.most() <= 10
