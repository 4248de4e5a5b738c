"""The interrupt of a kernel is not for the workers of a cluster that it has started.

A frontend interrupts a kernel by a SIGINT for its whole process group. Workers that were started in
the kernel are in that group, and would end. This can be preloaded by a worker of Dask.
"""

from __future__ import annotations

import os
import signal
import socket
import threading

__all__ = ["Group", "dask_setup", "leave_to", "our_group"]

type Group = tuple[str, int]
"""A machine and a process group of it."""


def our_group() -> Group:
    """Return that of this process."""
    return socket.gethostname(), os.getpgrp()


def leave_to(group: Group) -> None:
    """Ignore SIGINT from now on, if *group* is ours: it is sent to another in it."""
    if group == our_group() and threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, _nothing)


def dask_setup(_worker: object) -> None:
    """Do it in a worker that was started with this preloaded."""
    leave_to(our_group())


def _nothing(*_: object) -> None:
    # Not SIG_IGN: what this process starts would inherit that.
    pass
