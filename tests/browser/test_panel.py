"""What the panel shows."""

import pytest
from playwright.sync_api import expect

from .conftest import Opener
from .notebook import App, Notebook
from .panel import Panel

LOAD = "%load_ext subint_magic\n%subints"
RUNS = {
    "prices": """\
%%subint -n prices -b subint --bg
# follow the market
import time
for day in range(1, 10**6):
    print("day", day, end="\\r")
    time.sleep(0.05)""",
    "crawler": """\
%%subint -n crawler -b trio --bg
# fetch page after page
import trio
for page in range(1, 10**6):
    print("page", page, end="\\r")
    await trio.sleep(0.05)""",
    "solver": """\
%%subint -n solver -b mp_forkserver --bg
# look for a better one
best = 1
while True:
    best = best % 7 + 1""",
}
ONE_MORE = "%%subint -n prices --bg\nsum(range(10))"
STOP = "%subints interrupt --all"

ORDER = ["spawning", "booting", "running", "stopping", "idle"]

UNFINISHED = r"► running|\): (running|stopping|queued)"  # in the text of a row, or of a line


def start(notebook: Notebook) -> Panel:
    """Run `LOAD` and `RUNS`; return the panel once all of them run."""
    notebook.run(0)
    panel = Panel(notebook, 0)
    panel.watch()
    for index, name in enumerate(RUNS, start=1):
        notebook.run(index)
        panel.expect_kind(name, "running")
    return panel


@pytest.mark.parametrize("app", ["lab", "notebook"])
def test_three_actors_on_three_backends(open_notebook: Opener, app: App):
    notebook = open_notebook(LOAD, *RUNS.values(), STOP, app=app)
    panel = start(notebook)
    expect(panel.row("crawler")).to_contain_text("page ")  # the last that it has printed
    expect(panel.row("solver").locator("time").first).to_have_text("2 s")  # it ticks
    notebook.screenshot(f"actors-{app}")
    notebook.run(4)
    for name in RUNS:
        panel.expect_kind(name, "idle")
        seen = panel.watched(name)
        assert seen == sorted(seen, key=ORDER.index)
        assert {"running", "idle"} <= set(seen)
    # A state that has passed before the next update is not seen; a fork server takes longer.
    assert {"spawning", "booting"} & {kind for name in RUNS for kind in panel.watched(name)}
    notebook.screenshot(f"actors-idle-{app}")


def test_timeline_themes_and_the_saved_notebook(open_notebook: Opener):
    notebook = open_notebook(LOAD, *RUNS.values(), ONE_MORE, STOP)
    notebook.hide_sidebar()
    panel = start(notebook)
    expect(panel.row("solver").locator("time").first).to_have_text("2 s")
    notebook.screenshot_cells("actors", 0, 3)
    notebook.run(4)
    expect(panel.lane("prices").locator("rect[data-kind=queued]")).to_be_visible()
    expect(panel.row("prices")).to_contain_text("+1 waiting")
    look_in_all_themes(notebook)

    notebook.run(5)
    for name in RUNS:
        panel.expect_kind(name, "idle")
    notebook.wait_for_document(without=UNFINISHED)
    bars = panel.bars()
    runs = {
        name: [(left, right) for kind, left, right in lane if kind == "running"]
        for name, lane in bars.items()
    }
    first = [run[0] for run in runs.values()]
    assert max(left for left, _ in first) < min(right for _, right in first), bars  # all at once
    (queued,) = [(left, right) for kind, left, right in bars["prices"] if kind == "queued"]
    one, other = runs["prices"]
    assert one[0] < queued[0] < one[1] < other[1], bars
    assert queued[0] < other[0], bars
    notebook.screenshot_cells("timeline", 0, 0)

    shown = {index: notebook.text(index) for index in (1, 2, 3, 4, 5)}
    notebook.save()
    notebook.reopen_without_kernel()
    notebook.hide_sidebar()
    panel.expect_live(False)
    for name in RUNS:
        panel.expect_kind(name, "idle")
    for index, text in shown.items():
        notebook.expect_text(index, text)
    notebook.screenshot("saved")


def look_in_all_themes(notebook: Notebook) -> None:
    page = notebook.page
    for theme in ("Dark", "Light"):
        notebook.theme(f"JupyterLab {theme}")
        notebook.screenshot_cells(f"theme-{theme.lower()}", 0, 4)
        page.emulate_media(contrast="more")
        notebook.screenshot_cells(f"contrast-{theme.lower()}", 0, 4)
        page.emulate_media(contrast="null")
    page.emulate_media(forced_colors="active")
    notebook.screenshot_cells("forced-colors", 0, 4)
    page.emulate_media(forced_colors="none")
