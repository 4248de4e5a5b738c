"""The notebooks for users show what they showed when they were saved.

`make notebooks` runs them and saves what they show now. A cell tagged `varies` shows what differs
from run to run or from machine to machine: of it, only errors are compared, and the kinds of what
it displays.
"""

from __future__ import annotations

import copy
import re
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nbformat
import pytest

from .comparing import NUMBER
from .harness import uncoloured

if TYPE_CHECKING:
    from types import ModuleType

ROOT = Path(__file__).parents[2]
GUIDES = sorted((ROOT / "notebooks").glob("*.ipynb"))

DIFFERS = [
    (r"0x[0-9a-f]{6,}", "0x…"),
    (rf"{NUMBER} ?(?:ns|µs|ms|s|min)\b", "… s"),
    (rf"{NUMBER} ?(?:B|[kKMG]i?B)\b", "… B"),
    (rf"{NUMBER} times as fast", "… times as fast"),
    (r"\b(pid|process|interpreter|modules|by) \d+", r"\1 …"),
    (r"\bactor-\d+", "actor-…"),
    (r"\b\d+ cores", "… cores"),
    (r"\b\d+ (passed|deselected|skipped)", r"… \1"),
    (r"[ \t]+", " "),
    (r".*UserWarning: Port \d+ is already in use\.(\n.*){3}", ""),  # by Dask's page of another test
]
"""What differs although nothing has changed: times, sizes, numbers of processes, widths."""


def plain(text: str) -> str:
    """Return *text* without what may differ."""
    text = uncoloured(text)
    for pattern, instead in DIFFERS:
        text = re.sub(pattern, instead, text)
    return text.strip()


def shown(cell: Any) -> list[Any]:
    """Return what *cell* shows, without what may differ.

    The line above the output of a run is left out: it comes when a run takes more than a second.
    """
    varies = "varies" in cell.metadata.get("tags", [])
    streams: dict[str, str] = {}
    rest: list[Any] = []
    for output in cell.outputs:
        if output.output_type == "stream":
            streams[output.name] = streams.get(output.name, "") + output.text
        elif output.output_type == "error":
            rest.append((output.ename, plain(output.evalue)))
        elif 'class="subint-panel"' in output.data.get("text/html", ""):
            rest.append("a panel")
        elif 'class="subint-run"' not in output.data.get("text/html", ""):
            rest.append((sorted(output.data), "" if varies else plain(output.data["text/plain"])))
    texts = sorted((name, plain(text)) for name, text in streams.items())
    return rest if varies else [*rest, *(text for text in texts if text[1])]


@pytest.fixture
def scripts(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(ROOT / "scripts")
    import run_notebooks

    return run_notebooks


@pytest.mark.skipif(sys.version_info[:2] != (3, 14), reason="they were saved on Python 3.14")
@pytest.mark.parametrize("path", GUIDES, ids=lambda path: path.stem)
def test_a_guide_shows_what_it_showed(path: Path, scripts: ModuleType, jupyter_client: None):
    saved = nbformat.read(path, as_version=4)
    for module in scripts.needs(saved):
        if find_spec(module) is None:
            pytest.skip(f"there is no {module}")

    now = copy.deepcopy(saved)
    scripts.execute(now, path.parent)

    for before, after in zip(saved.cells, now.cells, strict=True):
        if before.cell_type == "code":
            assert shown(after) == shown(before), after.source


@pytest.mark.parametrize("path", GUIDES, ids=lambda path: path.stem)
def test_a_guide_says_nothing_of_the_machine_that_ran_it(path: Path, scripts: ModuleType):
    notebook = nbformat.read(path, as_version=4)
    cleaned = copy.deepcopy(notebook)
    scripts.clean(cleaned)

    assert cleaned == notebook
    assert not re.search(r"site-packages|/(home|root|tmp|Users)/", path.read_text())
    assert path.stat().st_size < 300_000


@pytest.mark.parametrize("path", GUIDES, ids=lambda path: path.stem)
def test_the_links_of_a_guide_lead_somewhere(path: Path):
    cells = nbformat.read(path, as_version=4).cells
    text = "".join(cell.source for cell in cells if cell.cell_type == "markdown")

    assert text.startswith("# ")
    for link in re.findall(r"\]\(([^)#]+)", text):
        assert (path.parent / link).is_file(), link
