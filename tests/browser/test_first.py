import pytest

from .conftest import Opener
from .notebook import App

LOAD = "%load_ext subint_magic"
CELL = "%%subint\nprint('from an actor')\n6 * 7"


@pytest.mark.parametrize("app", ["lab", "notebook"])
def test_a_cell_prints_and_shows_its_value(open_notebook: Opener, app: App):
    notebook = open_notebook(LOAD, CELL, app=app)
    notebook.run(0)
    assert notebook.run(1).split() == ["from", "an", "actor", "[2]:", "42"]
    notebook.screenshot(f"first-{app}")


def test_outputs_are_there_without_a_kernel(open_notebook: Opener):
    notebook = open_notebook(LOAD, CELL)
    notebook.run(0)
    shown = notebook.run(1)
    notebook.save()
    notebook.reopen_without_kernel()
    assert notebook.text(1) == shown
    notebook.screenshot("reopened")
