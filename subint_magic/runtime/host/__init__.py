"""Where trio runs, beside a kernel or a program that knows nothing of it.

guest.py   trio as a guest of an asyncio loop that belongs to somebody else
tasks.py   its tasks, as the threads that wait for them see them

This folder is all that knows of asyncio, but for the loops of cells.
"""

from subint_magic.runtime.host.guest import Host, LoopThread
from subint_magic.runtime.host.tasks import HostTask, on_sigint

__all__ = ["Host", "HostTask", "LoopThread", "on_sigint"]
