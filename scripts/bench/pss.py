"""The memory of processes: what is theirs, and their share of what they have with others."""

from __future__ import annotations

import psutil

MB = 10**6


def family_pss(pid: int | None = None) -> float:
    """Return the PSS of a process and of its descendants, in MB.

    Args:
        pid: that process; without it, this one.
    """
    process = psutil.Process(pid)
    everybody = [process, *process.children(recursive=True)]
    return sum(member.memory_full_info().pss for member in everybody) / MB
