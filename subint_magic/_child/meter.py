"""What a run takes: CPU time and memory."""

from __future__ import annotations

import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_RESET_PEAK = "5"  # proc(5): the peak of the resident memory becomes what it is now


class Meter:
    """Measures from when it is made.

    A sub-interpreter shares its process: its CPU time is that of the thread that runs cells, and
    the memory that of all.

    Args:
        own_process: whether the whole process is this actor.
    """

    def __init__(self, *, own_process: bool) -> None:
        self._clock = time.process_time if own_process else time.thread_time
        self._before = _reset_peak()
        self._begun = self._clock()

    def read(self) -> dict[str, Any]:
        """Return the fields ``cpu``, in seconds, and ``peak``, in bytes, if it can be told."""
        cpu = self._clock() - self._begun
        # Less than before, where memory was given back meanwhile: it has added nothing.
        peak = None if self._before is None else max(0, _memory("VmHWM") - self._before)
        return {"cpu": cpu, "peak": peak}


def _reset_peak() -> int | None:
    try:
        with open("/proc/self/clear_refs", "w") as file:
            file.write(_RESET_PEAK)
        return _memory("VmHWM")
    except (OSError, LookupError):
        return None


def _memory(key: str) -> int:
    """Return an entry of the status of this process in bytes."""
    with open("/proc/self/status") as file:
        for line in file:
            name, _, value = line.partition(":")
            if name == key:
                return int(value.split()[0]) * 1024
    raise LookupError(key)
