"""What has imported modules and then waits; it imports nothing else itself."""

from __future__ import annotations

import sys

TYPE_CHECKING = False  # that of `typing`, which would take memory that actors do not take
if TYPE_CHECKING:
    from multiprocessing.connection import Connection


def import_all(modules: list[str]) -> None:
    """Import those that can be imported: `__main__` and the like cannot."""
    for name in modules:
        try:
            __import__(name)
        except ImportError:
            pass


def import_and_wait(modules: list[str], connection: Connection) -> None:
    """Import them, say so, and wait for a word: the life of a Process."""
    import_all(modules)
    connection.send_bytes(b"x")
    connection.recv_bytes()


def source(modules: list[str]) -> str:
    """Return code that imports them in something fresh, as from here."""
    path = f"import sys; sys.path[:] = {sys.path}"
    return f"{path}\nfrom sides.bare import import_all\nimport_all({modules})"
