"""What bare Python takes to start what an actor stands on, in seconds.

An actor's clock stops at its first output, when it is up, has said hello, got a cell and answered.
A floor only starts the thing for one line of code; those of sub-interpreters and of ``python -c``
hold its end too, as nobody starts one and leaves it there.
"""

from __future__ import annotations

import multiprocessing
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.interpreters import Interpreter


def make_interpreter(*, legacy: bool = False) -> Interpreter:
    """Create a sub-interpreter: isolated, or with the GIL of this process."""
    from concurrent import interpreters

    if not legacy:
        return interpreters.create()
    import _interpreters

    return interpreters.Interpreter(_interpreters.create("legacy", reqrefs=True))


def start_interpreter(*, legacy: bool = False) -> float:
    """Create, exec and close, in a thread of its own as an actor's has."""

    def drive() -> None:
        interpreter = make_interpreter(legacy=legacy)
        interpreter.exec("print(end='')")
        interpreter.close()

    started = time.perf_counter()
    thread = threading.Thread(target=drive)
    thread.start()
    thread.join()
    return time.perf_counter() - started


def start_python() -> float:
    """``python -c pass``, until it has ended."""
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", "pass"], capture_output=True, check=True)
    return time.perf_counter() - started


def start_process(start_method: str) -> float:
    """A Process of multiprocessing, until its first byte is here. A fork server runs before."""
    context: Any = multiprocessing.get_context(start_method)
    reader, writer = context.Pipe(duplex=False)
    with reader, writer:
        started = time.perf_counter()
        process = context.Process(target=writer.send_bytes, args=(b"x",))
        process.start()
        reader.recv_bytes()
        seconds = time.perf_counter() - started
        process.join()
        process.close()
    return seconds


FLOORS: dict[str, tuple[str, Callable[[], float]]] = {
    "subint": ("create, exec, close", start_interpreter),
    "subint_legacy": ("create, exec, close", lambda: start_interpreter(legacy=True)),
    "trio": ("python -c pass", start_python),
    "mp_spawn": ("a spawned Process", lambda: start_process("spawn")),
    "mp_forkserver": ("a forkserver Process", lambda: start_process("forkserver")),
}
"""By backend: what its floor is, and what takes it."""
