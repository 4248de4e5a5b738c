"""``!command`` without a fork, which a sub-interpreter cannot do."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from codecs import getincrementaldecoder

PATIENCE = 100
"""Milliseconds between two chances for an exception to strike: a read would not let it in."""


def run_command(command: str) -> int:
    """Run *command* in a shell, and print what it prints as it comes.

    Its output is a terminal of its own, as it is in a notebook: programs write in columns there.

    Returns:
        Its exit code; minus the number of the signal that has ended it.
    """
    ours, theirs = os.openpty()
    try:
        try:
            process = subprocess.Popen(
                command,
                shell=True,
                executable=os.environ.get("SHELL") or None,
                stdin=subprocess.DEVNULL,
                stdout=theirs,
                stderr=theirs,
                start_new_session=True,
            )
        finally:
            os.close(theirs)
        try:
            _copy(ours)
            code = process.wait()
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise
    finally:
        os.close(ours)
    return 128 - code if code > 128 else code


def _copy(fd: int) -> None:
    decoder = getincrementaldecoder("utf-8")("replace")
    ready = select.poll()
    ready.register(fd, select.POLLIN)
    while True:
        if not ready.poll(PATIENCE):
            continue
        try:
            data = os.read(fd, 2**16)
        except OSError:  # EIO: nobody has its other end any more
            break
        if not data:
            break
        sys.stdout.write(decoder.decode(data))
        sys.stdout.flush()
