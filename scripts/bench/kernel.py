"""A kernel whose cells are timed as a frontend sees them."""

from __future__ import annotations

import os
import queue
import re
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from jupyter_client.manager import KernelManager

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jupyter_client.blocking.client import BlockingKernelClient

SPARES = re.compile(r"(\d+) spare actors? of (\w+) (?:is|are) ready")
PATIENCE = 10
"""Seconds after which spares that are not there are an error."""


class LostOutput(Exception):
    """The kernel has dropped messages: more were waiting than its socket holds."""


class Ran(NamedTuple):
    """What came of a cell: after how many seconds, and what it showed, as text."""

    seconds: float
    shown: str


@contextmanager
def open_kernel() -> Iterator[BlockingKernelClient]:
    """Start a kernel without anybody's configuration; it ends with the block.

    The `python` of its `%%script` is this one.
    """
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    manager = KernelManager(kernel_name="python3", transport="ipc")  # over TCP it prints a warning
    with tempfile.TemporaryDirectory() as folder:
        manager.start_kernel(env=os.environ | {"IPYTHONDIR": folder, "PATH": path})
        client = manager.blocking_client()
        client.start_channels()
        try:
            client.wait_for_ready(timeout=60)
            yield client
        finally:
            client.stop_channels()
            manager.shutdown_kernel()


def run(client: BlockingKernelClient, source: str) -> Ran:
    """Run a cell as a frontend does, until its reply and all its output have come.

    Raises:
        RuntimeError: it has failed.
        LostOutput: that it has ended was dropped.
    """
    shown: list[str] = []
    started = time.perf_counter()
    request = client.execute(source, store_history=False)
    content: dict[str, Any] = {}
    while content.get("execution_state") != "idle":  # output first: too much unread is dropped
        try:
            message = client.get_iopub_msg(timeout=30)
        except queue.Empty:
            client.get_shell_msg(timeout=30)
            raise LostOutput(source) from None
        if message["parent_header"].get("msg_id") == request:
            content = message["content"]
            shown.append(content.get("text") or content.get("data", {}).get("text/plain", ""))
    reply = client.get_shell_msg(timeout=60)
    seconds = time.perf_counter() - started
    if reply["content"]["status"] != "ok":
        raise RuntimeError(f"the cell {source!r} failed: {reply['content']['evalue']}")
    return Ran(seconds, "".join(shown))


def run_cell(client: BlockingKernelClient, source: str) -> float:
    """Run a cell; return the seconds it took."""
    return run(client, source).seconds


def set_spares(client: BlockingKernelClient, key: str, count: int) -> None:
    """Have *count* spare actors of a backend, and wait until they are there.

    Raises:
        RuntimeError: they do not come.
    """
    run(client, f"%spawn_backend {key}\n%config SubintMagics.spares = {count}")
    if count:
        run(client, "%%subint\npass")  # there are none before a first start
    deadline = time.monotonic() + PATIENCE
    while True:
        listing = run(client, "%spawn_backend").shown
        ready = {key: int(number) for number, key in SPARES.findall(listing)}
        if ready.get(key, 0) >= count and (count or not ready):
            return
        if time.monotonic() > deadline:
            what = f"{count} spare actors of {key!r} after {PATIENCE} s"
            raise RuntimeError(f"there are not {what}: %spawn_backend says\n{listing}")
        time.sleep(0.01)
