"""Where every actor begins: the code string of each backend calls `main`."""

from __future__ import annotations

import _interpreters  # `concurrent.interpreters`, which is 3.14 and heavier, stands on it
import atexit
import os
import sys
import threading

from subint_magic._child import frames, streams
from subint_magic._child.control import Control
from subint_magic._child.executor import Executor
from subint_magic._child.interrupt import make_fence


def main(fd: int, pipes: tuple[tuple[int, int], ...] = ()) -> None:
    """Say hello, serve runs, say goodbye.

    Args:
        fd: this end of the socketpair.
        pipes: for a process, read and write end of the pipe behind its fd 1, then fd 2.
    """
    os.set_inheritable(fd, False)
    if pipes and os.getsid(0) != os.getpid():
        os.setsid()  # a Ctrl-C for the kernel's process group is not for us
    wires = streams.capture_fds(pipes) if pipes else []
    fence = make_fence()
    control = Control(fd, wires, fence)
    executor = Executor(control, fence)
    streams.redirect(control, own_fds=bool(pipes))
    if pipes:
        os.register_at_fork(after_in_child=streams.after_fork)
    control.start()
    control.post(
        frames.HELLO,
        protocol=frames.PROTOCOL,
        pid=os.getpid(),
        interpreter=_interpreters.get_current()[0],
        python=".".join(map(str, sys.version_info[:3])),
    )
    try:
        executor.serve()
        if pipes:
            _finish_cells(control)
        control.tell_dropped()
        control.post(frames.GOODBYE)
    finally:
        if pipes:
            streams.restore()
        control.finish()


def _finish_cells(control: Control) -> None:
    """Do what the end of a process does, while what it prints is still sent.

    It may take for ever; the parent sets the limit.
    """
    for call in reversed(getattr(threading, "_threading_atexits", ())):
        call()  # this is how pools of threads learn of the end
    for thread in threading.enumerate():
        if not thread.daemon and thread not in (threading.current_thread(), control.thread):
            thread.join()
    atexit._run_exitfuncs()
