"""Run a notebook in a real kernel and print it cell by cell, as a reader would see it.

    python scripts/demo.py [notebook]

The exit code is 1 if a cell fails; one tagged `raises-exception` may.
"""

import re
import sys
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, DeadKernelError
from traitlets.config import Config

DEMO = Path(__file__).resolve().parent.parent / "notebooks" / "demo.ipynb"
COLOR = re.compile(r"\x1b\[[0-9;]*m")


def main(path: Path = DEMO) -> int:
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(
        notebook,
        kernel_name="python3",  # the kernel of the environment that runs this script
        timeout=120,
        resources={"metadata": {"path": str(path.parent)}},
        # Otherwise the kernel's first output is a warning that its connection is not encrypted.
        config=Config({"KernelManager": {"transport_encryption": "auto"}}),
    )
    started = time.monotonic()
    count = 0
    with client.setup_kernel():
        for index, cell in enumerate(notebook.cells):
            if cell.cell_type != "code":
                show(cell.source)
                print()
            elif cell.source.strip():
                count += 1
                show(indent(f"In [{count}]: ", cell.source))
                error = execute(client, index)
                show_outputs(cell)
                if error:
                    print(f"Cell {count} of {path.name} failed: {type(error).__name__}.")
                    return 1
    print(f"All {count} cells of {path.name} ran, in {time.monotonic() - started:.1f} s.")
    return 0


def execute(client: NotebookClient, index: int) -> Exception | None:
    try:
        client.execute_cell(client.nb.cells[index], index)
    except (CellExecutionError, DeadKernelError, TimeoutError) as error:
        return error
    return None


def show_outputs(cell: nbformat.NotebookNode) -> None:
    for output in cell.outputs:
        if output.output_type == "stream":
            show(output.text)
        elif output.output_type == "error":
            show("\n".join(output.traceback))
        elif output.output_type == "execute_result":
            show(indent(f"Out[{output.execution_count}]: ", output.data["text/plain"]))
        else:
            show(output.data.get("text/plain", ""))
    print()


def indent(prompt: str, text: str) -> str:
    return prompt + text.replace("\n", "\n" + " " * len(prompt))


def show(text: str) -> None:
    if not sys.stdout.isatty():
        text = COLOR.sub("", text)
    print(text.removesuffix("\n"), flush=True)


if __name__ == "__main__":
    sys.exit(main(*map(Path, sys.argv[1:])))
