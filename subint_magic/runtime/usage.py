"""What an actor takes of the machine, read from the operating system: the actor is not asked.

Linux only; elsewhere nothing can be told.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from subint_magic.wire.messages import Hello

__all__ = ["Usage", "usage_of"]


@dataclass(frozen=True)
class Usage:
    """What it has taken so far.

    Attributes:
        cpu: seconds of CPU time; of a sub-interpreter those of the thread that runs its cells.
            ``None`` if it cannot be told.
        memory: bytes, shared pages in equal parts to those that share them (PSS). ``None`` if it
            cannot be told, as for a sub-interpreter, whose memory is the kernel's.
    """

    cpu: float | None = None
    memory: int | None = None


def usage_of(hello: Hello) -> Usage:
    """Return what the child that said *hello* has taken. It reads files: not for trio's thread."""
    if hello.interpreter:
        return Usage(_cpu(f"/proc/{hello.pid}/task/{hello.thread}/stat"))
    return Usage(_cpu(f"/proc/{hello.pid}/stat"), _memory(f"/proc/{hello.pid}/smaps_rollup"))


def _cpu(path: str) -> float | None:
    try:
        with open(path, encoding="ascii", errors="replace") as file:
            fields = file.read().rpartition(")")[2].split()  # a name may hold anything
        user, system = fields[11:13]  # proc_pid_stat(5): 14 and 15, the first here is 3
    except (OSError, ValueError):
        return None
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def _memory(path: str) -> int | None:
    try:
        with open(path, encoding="ascii") as file:
            for line in file:
                name, _, amount = line.partition(":")
                if name == "Pss":
                    return int(amount.split()[0]) * 1024
    except OSError:
        pass
    return None
