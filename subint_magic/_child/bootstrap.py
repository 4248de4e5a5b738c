"""Where every actor begins: the code string of each backend calls `main`."""

from __future__ import annotations

import _interpreters  # `concurrent.interpreters`, which is 3.14 and heavier, stands on it
import atexit
import os
import sys
import threading

from subint_magic._child import frames
from subint_magic._child.control import Control
from subint_magic._child.executor import Executor
from subint_magic._child.output import kin, questions, streams
from subint_magic._child.shared import refusals
from subint_magic._child.shared.fence import AsyncExceptionFence
from subint_magic._child.shared.offspring import Offspring
from subint_magic._child.stopping.interrupt import LAST, Fence, SignalFence
from subint_magic._child.stopping.orphan import end_group


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
    fence: Fence = SignalFence() if pipes else AsyncExceptionFence()
    offspring = Offspring()
    control = Control(fd, wires, fence, offspring)
    executor = Executor(control, fence)
    kin.ours = control.kin
    streams.redirect(control, own_fds=bool(pipes))
    questions.install(questions.Questions(control, fence))
    if pipes:
        os.register_at_fork(after_in_child=streams.after_fork)
    else:
        refusals.install()
        offspring.install()
    control.start()
    control.post(
        frames.HELLO,
        protocol=frames.PROTOCOL,
        pid=os.getpid(),
        interpreter=_interpreters.get_current()[0],
        thread=threading.get_native_id(),
        python=".".join(map(str, sys.version_info[:3])),
        rungs=fence.rungs,
    )
    try:
        executor.serve()

        def finish_cells() -> None:
            fence.arm(LAST)  # code of cells runs, and once the parent has gone it is to end
            executor.close()
            _finish_cells(control, own_process=bool(pipes))

        error = fence.guard(finish_cells)
        if not pipes:
            _join_threads(control, own_process=False)  # also those that it was kept from joining
        offspring.finish()
        if error is not None and not isinstance(error, KeyboardInterrupt):
            raise error
        orphaned = control.orphaned  # before the goodbye, after which the parent hangs up
        control.kin.open = False
        control.tell_rest()
        control.post(frames.GOODBYE)
    finally:
        if pipes:
            streams.restore()
        elif warnings := sys.modules.get("warnings"):
            # CPython lets go of them after its last garbage collection. A class of warning that is
            # among them, as IPython has one, would keep all modules: 3 MB an interpreter.
            warnings.filters.clear()
        control.finish()
    if pipes and orphaned:
        end_group()


def _finish_cells(control: Control, *, own_process: bool) -> None:
    """Do what the end of an interpreter does, while what it prints is still sent.

    It may take for ever; the parent sets the limit.
    """
    for call in reversed(getattr(threading, "_threading_atexits", ())):
        call()  # this is how pools of threads learn of the end
    _join_threads(control, own_process=own_process)
    atexit._run_exitfuncs()


def _join_threads(control: Control, *, own_process: bool) -> None:
    # In a sub-interpreter, the main thread is not the current one but the kernel's.
    ours = (threading.main_thread(), threading.current_thread(), control.thread)
    for thread in threading.enumerate():
        # To close a legacy sub-interpreter under a daemon thread would leave that stuck for ever;
        # and there each thread is a daemon that is not told otherwise.
        if thread not in ours and not (thread.daemon and own_process):
            thread.join()
