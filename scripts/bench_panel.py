"""What an open panel costs the cells: the same cells in two kernels, one of which has it open."""

from __future__ import annotations

import re
import time
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

from jupyter_client.manager import KernelManager

if TYPE_CHECKING:
    from types import TracebackType

WORK = {
    "named cell": "%%subint -n a\nx",
    "anonymous cell": "%%subint\nprint('x')",
    "named process": "%%subint -n p\nx",
    "busy for 0.3 s": "%%subint -n a\nspin()",
    "10,000 lines": "%%subint -n a\nfor i in range(10_000): print(i)",
}
"""What is compared: the sources of cells."""

_READY = [
    "%load_ext subint_magic",
    "%%subint -n a\nimport time\nx = 1\ndef spin():\n"
    "    begun = time.thread_time()\n    while time.thread_time() - begun < 0.3: pass",
    "%%subint -n p -b mp_forkserver\nx = 1",
]


class Session(AbstractContextManager["Session"]):
    """A kernel and its client."""

    def __init__(self) -> None:
        # over TCP it prints a warning
        self._manager = KernelManager(kernel_name="python3", transport="ipc")
        self._manager.start_kernel()
        self._client = self._manager.blocking_client()
        self._client.start_channels()
        self._client.wait_for_ready(timeout=60)
        for source in _READY:
            self.run(source)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._client.stop_channels()
        self._manager.shutdown_kernel()

    def run(self, source: str) -> float:
        """Run a cell as a frontend does; return the seconds until all its output has come."""
        started = time.perf_counter()
        request = self._client.execute(source, store_history=False)
        status = self._client.get_shell_msg(timeout=60)["content"]["status"]
        while True:
            message = self._client.get_iopub_msg(timeout=60)
            ours = message["parent_header"].get("msg_id") == request
            if ours and message["content"].get("execution_state") == "idle":
                break
        seconds = time.perf_counter() - started
        if status != "ok":
            raise RuntimeError(f"the cell {source!r} failed")
        return seconds

    def open_panel(self) -> None:
        """Show the panel, and look at it as the script in a browser does."""
        self._client.execute("%subints", store_history=False)
        view = comm = None
        while view is None or comm is None:
            message = self._client.get_iopub_msg(timeout=60)
            content: dict[str, Any] = message["content"]
            if message["msg_type"] == "display_data":
                (view,) = re.findall(r' view="(\w+)"', content["data"]["text/html"])
            elif message["msg_type"] == "comm_open" and "hub" in content["data"]["state"]:
                comm = content["comm_id"]
        said = {"page": "bench", "count": 1, "seen": [view], "fresh": [view]}
        data = {"method": "custom", "content": said}
        channel = self._client.shell_channel
        channel.send(self._client.session.msg("comm_msg", {"comm_id": comm, "data": data}))
        self._client.get_shell_msg(timeout=60)  # of the cell
        while message["msg_type"] != "comm_msg":
            message = self._client.get_iopub_msg(timeout=60)


def measure_panel(turns: int) -> dict[str, list[tuple[float, float]]]:
    """Return the seconds of each cell with the panel, and without, in each turn."""
    pairs: dict[str, list[tuple[float, float]]] = {name: [] for name in WORK}
    with Session() as watched, Session() as alone:
        watched.open_panel()
        for turn in range(1 + turns):
            for name, source in WORK.items():
                # Who comes first has the warmer machine.
                sides = [watched, alone] if turn % 2 else [alone, watched]
                seconds = {side: side.run(source) for side in sides}
                if turn > 0:
                    pairs[name].append((seconds[watched], seconds[alone]))
    return pairs
