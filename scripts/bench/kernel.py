"""A kernel whose cells are timed as a frontend sees them."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from jupyter_client.manager import KernelManager

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jupyter_client.blocking.client import BlockingKernelClient


@contextmanager
def open_kernel() -> Iterator[BlockingKernelClient]:
    """Start a kernel; it ends with the block."""
    manager = KernelManager(kernel_name="python3", transport="ipc")  # over TCP it prints a warning
    manager.start_kernel()
    client = manager.blocking_client()
    client.start_channels()
    try:
        client.wait_for_ready(timeout=60)
        yield client
    finally:
        client.stop_channels()
        manager.shutdown_kernel()


def run_cell(client: BlockingKernelClient, source: str) -> float:
    """Run a cell as a frontend does, until its reply and all its output have come; in seconds."""
    started = time.perf_counter()
    request = client.execute(source, store_history=False)
    reply = client.get_shell_msg(timeout=60)
    while True:
        message = client.get_iopub_msg(timeout=60)
        ours = message["parent_header"].get("msg_id") == request
        if ours and message["content"].get("execution_state") == "idle":
            break
    seconds = time.perf_counter() - started
    if reply["content"]["status"] != "ok":
        raise RuntimeError(f"the cell {source!r} failed: {reply['content']['evalue']}")
    return seconds
