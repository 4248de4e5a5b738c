"""Whole notebooks show the same in an actor as in the kernel itself.

Any notebook can be put into the folder. Its metadata may name the backends that can run it:
``{"subint_magic": {"backends": ["trio", "mp_forkserver"]}}``; without that, it is run on each of
`BACKENDS`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from subint_magic.spawn import spawn_methods

from .comparing import shown
from .harness import Kernel

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

FOLDER = Path(__file__).parent / "notebooks"
BACKENDS = ["subint", "trio", "mp_forkserver"]


def read(path: Path) -> tuple[list[str], list[str]]:
    """Return the sources of the code cells, and the backends."""
    notebook: dict[str, Any] = json.loads(path.read_text())
    cells = ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code"]
    return cells, notebook["metadata"].get("subint_magic", {}).get("backends", BACKENDS)


def run(cells: list[str], directory: Path, backend: str | None = None) -> Iterator[list[Any]]:
    """Run *cells* in a kernel of their own; yield what each shows.

    Args:
        cells: their sources.
        directory: where the kernel runs.
        backend: that of the actor; without it, the kernel itself runs them.
    """
    kernel = Kernel(directory)
    try:
        # In both, so that the cells have the same numbers.
        kernel.ok("%load_ext subint_magic\n%config SubintMagics.quiet = True")
        prefix = f"%%subint -n main -b {backend}\n" if backend else ""
        for cell in cells:
            yield unordered(shown(kernel.run(prefix + cell)))
        if backend:  # tqdm, for one, keeps a plain kernel from ending
            kernel.shut_down()
    finally:
        kernel.close()


def unordered(pieces: list[Any]) -> list[Any]:
    """Put together what went to one stream between two displays.

    A kernel does not keep the order between stdout and stderr; an actor does.
    """
    kept: list[Any] = []
    texts: dict[str, str] = {}
    for piece in [*pieces, [None]]:
        if piece[0] in ("stdout", "stderr"):
            texts[piece[0]] = texts.get(piece[0], "") + piece[1]
        else:
            kept += sorted(texts.items())
            texts.clear()
            kept.append(piece)
    return kept[:-1]


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.ipynb")), ids=lambda path: path.stem)
def test_a_notebook_shows_the_same_in_an_actor(jupyter_client: None, path: Path, tmp_path: Path):
    cells, backends = read(path)
    plain = list(run(cells, tmp_path))
    available = [method.key for method in spawn_methods() if method.available]
    for backend in backends:
        if backend in available:
            ours = run(cells, tmp_path, backend)
            for source, expected, actual in zip(cells, plain, ours, strict=True):
                if actual != expected:  # not by `assert`: pytest would compare large ones for ever
                    shows = f"expected {expected!r:.1000}\nbut got {actual!r:.1000}"
                    pytest.fail(f"on {backend}: {source}\n{shows}")
