"""A value of the cluster on its way into an actor: read on its worker, and never by the kernel.

The kernel packs a stand-in, which is no more than a token. A task of Dask, which brings the value
to the worker of the actor, writes it into a file that is named by the token; where the stand-in is
unpacked, the file is read and removed. Children load this, and import no Dask.
"""

from __future__ import annotations

import marshal
import os
from tempfile import gettempdir
from typing import TYPE_CHECKING, Any

from subint_magic._child.values.files import File
from subint_magic._child.values.parcel import Packer, PackError, Parcel
from subint_magic._child.values.unpacking import Opened, UnpackError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Token", "begin", "end", "stage"]

_LENGTH = 8

_unread: dict[str, list[str]] = {}
"""The paths of files that were written, by the actor they are for."""


class Token:
    """Stands for a value in a parcel; unpacked, it is the value.

    Args:
        text: what nobody else calls a value, in letters that may stand in a path.
    """

    def __init__(self, text: str) -> None:
        self.text: str = text

    def __reduce__(self) -> tuple[Callable[[str], object], tuple[str]]:
        return _read, (self.text,)


def begin(actor: str) -> None:
    """Let values come for *actor*."""
    _unread[actor] = []


def end(actor: str) -> None:
    """Remove what was not read, and let none come any more."""
    for path in _unread.pop(actor, []):
        _remove(path)


def stage(value: object, token: str, actor: str) -> None:
    """Write *value* for *actor*, in a task of Dask.

    Raises:
        TypeError: it cannot be pickled.
        OSError: there is no room for it.
    """
    unread = _unread.get(actor)
    if unread is None:
        return  # it has ended meanwhile, and nobody reads this
    path = _path(token)
    unread.append(path)
    file = File(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    try:
        packer = Packer(file.dup())
        packer.add("value", value)
        parcel = packer.parcel()
        if parcel.data is not None:
            file.write(memoryview(parcel.data), 0)
        size = file.size
        items = marshal.dumps(parcel.items)
        file.write(memoryview(items + len(items).to_bytes(_LENGTH, "little")), size)
        parcel.close()
    except PackError as error:
        _remove(path)
        raise TypeError(str(error)) from None
    except BaseException:
        _remove(path)
        raise
    finally:
        file.close()
        if _unread.get(actor) is not unread:  # it has ended meanwhile
            _remove(path)


def _read(token: str) -> object:
    path = _path(token)
    file = File(os.open(path, os.O_RDWR | os.O_CLOEXEC))
    os.unlink(path)
    end = file.size - _LENGTH
    length = int.from_bytes(file.read(end, _LENGTH), "little")
    items: Any = marshal.loads(file.read(end - length, length))
    opened = Opened(Parcel(items, None, [file]))
    try:
        ((_, value),) = opened.load()
    finally:
        opened.close()
    if isinstance(value, UnpackError):
        raise ImportError(str(value), name=value.module) if value.missing else value
    return value


def _path(token: str) -> str:
    return os.path.join(gettempdir(), f"subint_magic-{token}")


def _remove(path: str) -> None:
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass  # it was read
