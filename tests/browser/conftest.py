"""One server and one browser for all tests, a fresh page for each."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import pytest
from kernel.harness import Gate
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, expect, sync_playwright

from .notebook import PATIENCE, App, Notebook
from .server import Server

if TYPE_CHECKING:
    from collections.abc import Iterator

_FLAGS = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
]

# Errors in the console that are not ours: what they say, and the script that raises them.
_NOISE = [
    # Notebook 7, of each notebook: its code for a settings page and for a file browser runs where
    # there is neither.
    r"reading 'schema'.*/notebook_core\.",
    r"Command 'filebrowser:open-path' not registered.*/notebook_core\.",
    # ipywidgets, of a notebook without a kernel: it asks the session that is not there for it.
    r"null \(reading 'kernel'\).*/@jupyter-widgets/jupyterlab-manager/",
]


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("browser")
    group.addoption("--chromium", default="chromium", metavar="PATH", help="the browser to use")
    group.addoption(
        "--screenshots",
        type=Path,
        default=Path(__file__).parent / "screenshots",
        metavar="DIR",
        help="where the scenes put theirs (default: %(default)s)",
    )


@pytest.fixture(autouse=True)
def _guard() -> None:
    """Not that of the other rings: Chromium starts and ends processes of its own as it likes.

    `Server.shut_kernels_down` looks for what kernels leave behind.
    """


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("jupyter"))
    yield server
    server.close()


@pytest.fixture(scope="session")
def chromium(pytestconfig: pytest.Config, server: Server) -> Iterator[Browser]:
    path = shutil.which(pytestconfig.getoption("--chromium"))
    if path is None:
        pytest.exit("no Chromium: give its path with --chromium, or use make test-browser", 2)
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=_FLAGS, env=server.env)
        yield browser
        browser.close()


@pytest.fixture
def context(chromium: Browser, server: Server) -> Iterator[BrowserContext]:
    """A browser without memory. Fails the test on an error in its console or the server's log."""
    context = chromium.new_context(viewport={"width": 1200, "height": 1400})
    context.set_default_timeout(PATIENCE)
    errors: list[str] = []

    def hear(message: ConsoleMessage) -> None:
        if message.type == "error":
            errors.append(f"{message.text} ({message.location['url']})")

    context.on("console", hear)
    context.on("weberror", lambda uncaught: errors.append(uncaught.error.stack))
    yield context
    for page in context.pages:
        page.evaluate("null")  # what happened before is heard now
    context.close()
    server.shut_kernels_down()
    server.reset_settings()
    noise = re.compile("|".join(_NOISE), re.DOTALL)
    errors = [error for error in errors if not noise.search(error)] + server.new_errors()
    assert not errors, "\n".join(errors)


class Opener(Protocol):
    def __call__(self, *cells: str, app: App = "lab") -> Notebook: ...


@pytest.fixture
def open_notebook(
    context: BrowserContext,
    server: Server,
    pytestconfig: pytest.Config,
    request: pytest.FixtureRequest,
) -> Opener:
    """Opens a new notebook with these cells."""

    def open_notebook(*cells: str, app: App = "lab") -> Notebook:
        path = server.notebooks / f"{request.node.originalname}.ipynb"
        Notebook.write(path, *cells)
        return Notebook(context, server, path, app, pytestconfig.getoption("--screenshots"))

    return open_notebook


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[Gate]:
    gate = Gate(tmp_path / "gate")
    yield gate
    gate.close()
