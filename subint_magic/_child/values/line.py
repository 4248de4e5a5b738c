"""The child's end of the line: bytes, and files beside them where it is a Unix socket."""

from __future__ import annotations

import _socket  # `socket` imports eight modules more around the same class
import os
import sys

from subint_magic._child.values.files import MOST, Arrivals

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from subint_magic._child.values.files import File

_INT = 4
_CLOEXEC: int = getattr(_socket, "MSG_CMSG_CLOEXEC", 0)


class Line:
    """Only the control thread uses it. Neither method blocks.

    Args:
        fd: this end of the line. Whoever opened it closes it.

    Attributes:
        arrivals: the files that have come.
        passes_files: whether files can cross by their descriptors.
    """

    def __init__(self, fd: int) -> None:
        self.arrivals = Arrivals()
        self._fd = fd
        os.set_blocking(fd, False)
        self._socket = None
        try:
            socket = _socket.socket(fileno=fd)
        except OSError:  # no socket at all
            self.passes_files = False
            return
        self.passes_files = socket.family == getattr(_socket, "AF_UNIX", None)
        if self.passes_files:
            self._socket = socket
        else:
            socket.detach()

    def receive(self, size: int) -> bytes:
        """Return what has come, at most *size* bytes.

        Raises:
            OSError: there is nothing, or the other side has gone.
        """
        if self._socket is None:
            return os.read(self._fd, size)
        data, extras, _, _ = self._socket.recvmsg(size, _socket.CMSG_SPACE(MOST * _INT), _CLOEXEC)
        for level, kind, content in extras:
            if (level, kind) == (_socket.SOL_SOCKET, _socket.SCM_RIGHTS):
                whole = len(content) - len(content) % _INT
                fds = memoryview(content)[:whole].cast("i").tolist()
                for fd in fds:
                    os.set_inheritable(fd, False)
                self.arrivals.add(fds)
        return data

    def send(self, data: bytes | bytearray | memoryview, files: Sequence[File] = ()) -> int:
        """Send *data*, or the beginning of it; *files* go with its first byte.

        Raises:
            OSError: nothing can be sent now, or the other side has gone.
        """
        if self._socket is None or not files:
            return os.write(self._fd, data)
        fds = b"".join(file.fd.to_bytes(_INT, sys.byteorder) for file in files)
        rights = [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, fds)]
        return self._socket.sendmsg([data], rights)

    def close(self) -> None:
        """Close the files that nobody has taken, and leave the fd open."""
        self.arrivals.close()
        if self._socket is not None:
            self._socket.detach()
            self._socket = None
