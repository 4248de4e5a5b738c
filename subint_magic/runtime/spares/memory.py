"""How much memory can still be used here, also inside a container."""

from __future__ import annotations

import re
from math import inf
from pathlib import Path

__all__ = ["available_memory"]

_CGROUPS = Path("/sys/fs/cgroup")


def available_memory() -> float:
    """Return how many bytes can be used before the system swaps or kills; infinite if unknown.

    Of the machine, and of the control groups that this process is in: a container has its limit
    there (cgroup v2).
    """
    try:
        meminfo = Path("/proc/meminfo").read_text()
        group = Path("/proc/self/cgroup").read_text().rpartition("0::/")[2].strip()
    except OSError:
        return inf
    found = re.search(r"^MemAvailable:\s+(\d+) kB", meminfo, re.MULTILINE)
    folders = [_CGROUPS / group, *(_CGROUPS / group).parents]
    own = [folder for folder in folders if folder.is_relative_to(_CGROUPS)]
    return min([int(found[1]) * 1024 if found else inf, *map(_left_in, own)])


def _left_in(folder: Path) -> float:
    try:
        limit = (folder / "memory.max").read_text().strip()
        used = int((folder / "memory.current").read_text())
        stat = (folder / "memory.stat").read_text()
    except OSError:
        return inf  # the root of the groups has no limit, and older systems have no such files
    if limit == "max":
        return inf
    # The cache of files counts as used, and is given back when it is needed.
    cache = re.search(r"^inactive_file (\d+)", stat, re.MULTILINE)
    return int(limit) - used + (int(cache[1]) if cache else 0)
