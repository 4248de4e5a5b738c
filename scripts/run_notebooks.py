"""Run notebooks in real kernels and save them with what they show.

    python scripts/run_notebooks.py [notebook ...]

Without a name all of `notebooks/` are run. One that fails is left as it was, and the exit code is
1; a cell tagged `raises-exception` may fail. A notebook may name in its metadata the modules it
needs: ``{"subint_magic": {"needs": ["distributed"]}}``; where one is missing, it is left out.
"""

import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionComplete, CellExecutionError, DeadKernelError
from nbformat import NotebookNode
from traitlets.config import Config

FOLDER = Path(__file__).resolve().parent.parent / "notebooks"

METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


def main(*names: str) -> int:
    paths = [Path(name) for name in names] or sorted(FOLDER.glob("*.ipynb"))
    failed = 0
    for path in paths:
        notebook = nbformat.read(path, as_version=4)
        missing = [module for module in needs(notebook) if find_spec(module) is None]
        if missing:
            print(f"{path.name}: left out, as there is no {', '.join(missing)}")
            continue
        started = time.monotonic()
        try:
            execute(notebook, path.parent)
        except (CellExecutionError, DeadKernelError, TimeoutError) as error:
            print(f"{path.name}: {error}")
            failed = 1
            continue
        clean(notebook)
        nbformat.write(notebook, path)
        print(f"{path.name}: saved, after {time.monotonic() - started:.1f} s", flush=True)
    return failed


def needs(notebook: NotebookNode) -> list[str]:
    """Return the modules without which it cannot run."""
    return notebook.metadata.get("subint_magic", {}).get("needs", [])


def execute(notebook: NotebookNode, folder: Path) -> None:
    """Run all cells in a kernel of the environment that runs this; their outputs go into them.

    Args:
        notebook: is changed.
        folder: where the kernel runs.

    Raises:
        CellExecutionError: a cell failed that may not.
        DeadKernelError: the kernel died.
        TimeoutError: a cell took longer than two minutes.
    """
    with tempfile.TemporaryDirectory() as scratch:
        # Over TCP, two kernels that start at once may choose the same port.
        connection = {"transport": "ipc", "connection_file": f"{scratch}/k.json"}
        client = _Client(
            notebook,
            config=Config({"KernelManager": connection}),
            kernel_name="python3",
            timeout=120,
            coalesce_streams=True,
            store_widget_state=False,
            record_timing=False,
            resources={"metadata": {"path": str(folder)}},
        )
        client.execute()


class _Client(NotebookClient):
    """A frontend that also takes in what comes for a cell after it has ended, as browsers do."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._places: dict[str, tuple[NotebookNode, int]] = {}

    async def _async_poll_output_msg(
        self, parent_msg_id: str, cell: NotebookNode, cell_index: int
    ) -> None:
        self._places[parent_msg_id] = cell, cell_index
        while True:
            message = await self.kc.iopub_channel.get_msg(timeout=None)
            sender = message["parent_header"].get("msg_id")
            if sender not in self._places or (sender != parent_msg_id and _is_panel(message)):
                continue
            try:
                self.process_message(message, *self._places[sender])
            except CellExecutionComplete:
                if sender == parent_msg_id:
                    return


def _is_panel(message: dict[str, Any]) -> bool:
    """Tell whether it shows all actors: what a panel shows is of the moment of its cell."""
    return 'class="subint-panel"' in message["content"].get("data", {}).get("text/html", "")


def clean(notebook: NotebookNode) -> None:
    """Take out what says more of the machine than of the notebook."""
    notebook.metadata = nbformat.from_dict(METADATA | _only("subint_magic", notebook.metadata))
    for cell in notebook.cells:
        cell.metadata = nbformat.from_dict(_only("tags", cell.metadata))


def _only(key: str, metadata: dict[str, Any]) -> dict[str, Any]:
    return {key: metadata[key]} if key in metadata else {}


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
