"""A notebook in a page, driven as a person drives it. Nothing here waits for a time to pass."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal
from uuid import uuid4

import nbformat
from playwright.sync_api import BrowserContext, Locator, Page, expect

if TYPE_CHECKING:
    from pathlib import Path

    from .server import Server

PATIENCE = 60_000
"""Milliseconds after which a test that waits has failed. No test that passes comes near it."""

App = Literal["lab", "notebook"]

_OPEN = "jupyterapp.shell.currentWidget"
# As if no cell were chosen.
_PLAIN = """
.jp-cell-toolbar, .jp-Collapser { visibility: hidden; }
.jp-Cell { border-color: transparent !important; outline: none !important; }
"""
_DONE = re.compile(r"\[\d+\]:")


class Notebook:
    """A notebook that is open in a page, with a kernel that is ready.

    Args:
        context: where its page is opened.
        server: what serves it.
        path: the file.
        app: JupyterLab or Notebook 7.
        screenshots: the folder for them.

    Attributes:
        page: playwright's page.
    """

    def __init__(
        self, context: BrowserContext, server: Server, path: Path, app: App, screenshots: Path
    ) -> None:
        self._context = context
        self._server = server
        self._path = path
        self._app = app
        self._screenshots = screenshots
        self.page: Page = context.new_page()
        # A new workspace has no tabs of other tests in it.
        place = f"lab/workspaces/{uuid4().hex}/tree" if app == "lab" else "notebooks"
        self.page.goto(f"{server.url}/{place}/{path.name}")
        self._wait_until_ready()

    @staticmethod
    def write(path: Path, *cells: str) -> None:
        """Write a notebook that has not been run."""
        book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
        book.metadata.kernelspec = {"name": "python3", "display_name": "Python 3"}
        nbformat.write(book, path)

    # cells

    def cell(self, index: int) -> Locator:
        """The cell: its source, prompt and output."""
        return self._cells.nth(index)

    def output(self, index: int) -> Locator:
        """All that the cell shows."""
        return self.cell(index).locator(".jp-Cell-outputArea")

    def text(self, index: int) -> str:
        """What is to be read in the cell's output now; ``""`` if there is none."""
        return "\n".join(self.output(index).all_inner_texts())

    def expect_text(self, index: int, text: str) -> None:
        """Wait until *text* is to be read in the cell's output: a page draws one after another."""
        expect(self.output(index)).to_have_text(text, use_inner_text=True)

    def view(self, index: int) -> Locator:
        """The view of actors that the cell shows."""
        return self.output(index).locator("subint-view")

    def run(self, index: int) -> str:
        """Run the cell to its end and return the text of its output."""
        self.start(index)
        return self.wait(index)

    def start(self, index: int) -> None:
        """Run the cell and do not wait for it; what it showed before is gone."""
        prompt = self._prompt(index)
        before = prompt.inner_text()
        prompt.click()  # puts the notebook into command mode
        self.page.keyboard.press("Control+Enter")
        expect(prompt).not_to_have_text(before)

    def wait(self, index: int) -> str:
        """Wait until the cell has ended and return the text of its output.

        It is read from the prompt: the status of the kernel may be that of another cell.
        """
        expect(self._prompt(index)).to_have_text(_DONE)
        return self.text(index)

    # the document

    def save(self) -> None:
        """Save it, and wait until it is on the disk."""
        self.cell(0).locator(".jp-InputPrompt").click()
        with self.page.expect_response(
            lambda response: (
                response.request.method == "PUT"
                and response.url.partition("?")[0].endswith(f"/api/contents/{self._path.name}")
            )
        ) as saved:
            self.page.keyboard.press("Control+s")
        assert saved.value.ok

    def wait_for_document(self, without: str) -> None:
        """Wait until the document holds nothing that matches *without*, a regular expression.

        It is behind what the page shows.
        """
        self.page.wait_for_function(
            f"without => !RegExp(without).test({_OPEN}.context.model.toString())", arg=without
        )

    def reopen_without_kernel(self) -> None:
        """Shut the kernel down, close the page, and open the file as one without a kernel.

        Unsaved outputs are lost. JupyterLab only: it is what its menu calls "Notebook (no kernel)".
        """
        assert self._app == "lab", "Notebook 7 always starts a kernel"
        self.page.close()
        self._server.shut_kernels_down()
        self.page = self._context.new_page()
        self.page.goto(f"{self._server.url}/lab/workspaces/{uuid4().hex}")
        self.page.wait_for_function("globalThis.jupyterapp?.restored.then(() => true)")
        self.page.evaluate(
            "path => jupyterapp.commands.execute('docmanager:open',"
            " {path, kernelPreference: {shouldStart: false, shouldReuse: false}}).then(() => null)",
            self._path.name,
        )
        expect(self._cells.first).to_be_visible()
        self.page.wait_for_function(f"{_OPEN}?.sessionContext?.isReady")
        assert self.page.evaluate(f"{_OPEN}.sessionContext.session") is None

    def reload(self) -> None:
        """Save it, and load its page anew; the kernel goes on."""
        self.save()
        self.page.reload()
        self._wait_until_ready()

    def clear(self, index: int) -> None:
        """Take the output of the cell away."""
        self._prompt(index).click()
        self.page.evaluate("jupyterapp.commands.execute('notebook:clear-cell-output')")
        expect(self.output(index).locator(".jp-OutputArea-child")).to_have_count(0)

    def restart_kernel(self) -> None:
        """Restart its kernel, and wait until that is ready."""
        self.page.evaluate(f"{_OPEN}.sessionContext.session.kernel.restart()")
        self._wait_until_ready()

    # how it looks

    def hide_sidebar(self) -> None:
        """Make room in JupyterLab."""
        self.page.evaluate("jupyterapp.shell.collapseLeft()")

    def theme(self, name: str) -> None:
        """Switch the theme: ``"JupyterLab Dark"``, ``"JupyterLab Light"`` or another."""
        self.page.evaluate(
            "theme => jupyterapp.commands.execute('apputils:change-theme', {theme})", name
        )
        expect(self.page.locator("body")).to_have_attribute("data-jp-theme-name", name)

    def screenshot(self, name: str, of: Locator | None = None) -> None:
        """Write ``NAME.png``: of the page, or of a part of it."""
        self._write(name, (of or self.page).screenshot())

    def screenshot_cells(self, name: str, first: int, last: int) -> None:
        """Write ``NAME.png``: of these cells, as far as they can be seen."""
        self.page.mouse.move(0, 0)
        top, bottom = self.cell(first).bounding_box(), self.cell(last).bounding_box()
        assert top is not None
        assert bottom is not None
        end = bottom["y"] + bottom["height"]
        clip = {"x": top["x"], "y": top["y"], "width": top["width"], "height": end - top["y"]}
        self._write(name, self.page.screenshot(clip=clip, style=_PLAIN))

    def _write(self, name: str, image: bytes) -> None:
        # playwright would write the file in a thread that stays.
        self._screenshots.mkdir(exist_ok=True)
        (self._screenshots / f"{name}.png").write_bytes(image)

    def record(self, line: str) -> None:
        """Write down what was measured, for people: no test fails because of a time."""
        self._screenshots.mkdir(exist_ok=True)
        with (self._screenshots / "measured.txt").open("a") as file:
            file.write(f"{self._path.stem}: {line}\n")

    def _wait_until_ready(self) -> None:
        expect(self._cells.first).to_be_visible()
        self.page.wait_for_function(f"{_OPEN}?.sessionContext?.isReady")
        self.page.evaluate(f"{_OPEN}.sessionContext.session.kernel.info.then(() => null)")

    @property
    def _cells(self) -> Locator:
        return self.page.locator(".jp-Notebook .jp-CodeCell")

    def _prompt(self, index: int) -> Locator:
        return self.cell(index).locator(".jp-InputPrompt")
