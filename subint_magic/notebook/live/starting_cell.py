"""The cell that has started something, long after it has ended."""

from __future__ import annotations

import sys
import traceback
from typing import TYPE_CHECKING, Any

from ipykernel.zmqshell import ZMQDisplayPublisher

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

__all__ = ["StartingCell"]


class StartingCell:
    """What is sent to it arrives there whatever runs by then. Made in the cell, by its thread.

    Elsewhere than in a kernel, and under %%capture, nothing shown can be changed, and errors are
    printed.
    """

    def __init__(self, shell: InteractiveShell) -> None:
        captured = not isinstance(shell.display_pub, ZMQDisplayPublisher)
        self._kernel: Any = None if captured else getattr(shell, "kernel", None)
        self._parent: dict[str, Any] = self._kernel.get_parent("shell") if self._kernel else {}
        self._stderr = sys.stderr

    @property
    def can_update(self) -> bool:
        """Whether `update` does anything."""
        return self._kernel is not None

    def same_as(self, other: StartingCell) -> bool:
        """Whether both are the same cell of a notebook, run twice, as far as its frontend tells."""
        ids = [cell._parent.get("metadata", {}).get("cellId") for cell in (self, other)]
        return ids[0] is not None and ids[0] == ids[1]

    def show(self, bundle: dict[str, str], display_id: str) -> None:
        """Display *bundle*, where that can be changed later."""
        self._send("display_data", _display(bundle, display_id))

    def update(self, bundle: dict[str, str], display_id: str) -> None:
        """Change what is displayed under *display_id*."""
        self._send("update_display_data", _display(bundle, display_id))

    def show_error(self, error: BaseException) -> None:
        """Show *error* as if the cell had raised it."""
        render = getattr(error, "_render_traceback_", None)
        lines: list[str] = render() if render else traceback.format_exception(error)
        if self._kernel is None:
            print(*lines, sep="\n", file=self._stderr, flush=True)
            return
        content = {"ename": type(error).__name__, "evalue": str(error), "traceback": lines}
        self._send("error", content)

    def _send(self, kind: str, content: dict[str, Any]) -> None:
        kernel = self._kernel
        if kernel is not None and not kernel.iopub_thread.closed:
            thread, topic = kernel.iopub_thread, kernel._topic(kind)
            kernel.session.send(thread, kind, content, parent=self._parent, ident=topic)


def _display(bundle: dict[str, str], display_id: str) -> dict[str, Any]:
    return {"data": bundle, "metadata": {}, "transient": {"display_id": display_id}}
