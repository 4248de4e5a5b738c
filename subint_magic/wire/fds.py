"""A byte stream over a Unix socket that passes file descriptors as well."""

from __future__ import annotations

import errno
import os
import socket
from abc import abstractmethod
from array import array
from contextlib import contextmanager
from typing import TYPE_CHECKING

import trio

from subint_magic._child.values.files import MOST, Arrivals

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from subint_magic._child.values.files import File

__all__ = ["FdStream", "FileStream", "socket_pair"]

_RECEIVE_SIZE = 2**18
_CLOEXEC: int = getattr(socket, "MSG_CMSG_CLOEXEC", 0)
_SPACE = socket.CMSG_SPACE(MOST * array("i").itemsize)


class FileStream(trio.abc.Stream):
    """A byte stream that carries files beside its bytes.

    Attributes:
        arrivals: the files that have come with the bytes that were received.
    """

    arrivals: Arrivals

    @abstractmethod
    async def send_with_files(self, data: bytes, files: Sequence[File]) -> None:
        """Send *data*, and *files* with its first byte or before it."""


class FdStream(FileStream):
    """The parent's end of a socketpair.

    Args:
        ours: the socket; it belongs to the stream.

    Attributes:
        arrivals: the files that have come with the bytes that were received.
    """

    def __init__(self, ours: trio.socket.SocketType) -> None:
        self.arrivals: Arrivals = Arrivals()
        self._socket = ours
        self._stream = trio.SocketStream(ours)

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Send *data*."""
        await self._stream.send_all(data)

    def send_now(self, data: bytes) -> int:
        """Send what the socket takes without waiting; return how many bytes that were.

        Nobody else may be sending. An error is left to the next `send_all`.
        """
        try:
            return os.write(self._socket.fileno(), data)
        except OSError:
            return 0

    async def send_with_files(self, data: bytes, files: Sequence[File]) -> None:
        """Send *data*, and *files* with its first byte."""
        fds = array("i", [file.fd for file in files])
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, fds)]
        with _stream_errors():
            sent = await self._socket.sendmsg([data], rights)
        await self._stream.send_all(memoryview(data)[sent:])

    async def wait_send_all_might_not_block(self) -> None:
        """Wait until something could be sent."""
        await self._stream.wait_send_all_might_not_block()

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        """Return what has come; the files beside it go to `arrivals`."""
        with _stream_errors():
            data, extras, _, _ = await self._socket.recvmsg(
                max_bytes or _RECEIVE_SIZE, _SPACE, _CLOEXEC
            )
        for level, kind, content in extras:
            if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
                fds = array("i")
                fds.frombytes(content[: len(content) - len(content) % fds.itemsize])
                for fd in fds:
                    os.set_inheritable(fd, False)
                self.arrivals.add(fds)
        return data

    async def aclose(self) -> None:
        """Close the socket, and the files that nobody has taken."""
        self.arrivals.close()
        await self._stream.aclose()


@contextmanager
def _stream_errors() -> Iterator[None]:
    """Raise what `trio.SocketStream` raises."""
    try:
        yield
    except OSError as error:
        if error.errno == errno.EBADF:
            raise trio.ClosedResourceError("this end was closed") from None
        raise trio.BrokenResourceError(f"the socket broke: {error}") from error


def socket_pair() -> tuple[FdStream, socket.socket]:
    """Return two connected ends: the parent's as a stream, the child's as a blocking socket.

    There is no path and no listener, so there is nothing for a stranger to connect to.
    """
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        return FdStream(trio.socket.from_stdlib_socket(ours)), theirs
    except BaseException:
        ours.close()
        theirs.close()
        raise
