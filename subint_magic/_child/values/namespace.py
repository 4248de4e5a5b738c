"""Values into the namespace of a cell before it runs, and out of it afterwards."""

from __future__ import annotations

from subint_magic._child.sources import sources_of
from subint_magic._child.values import pickling  # noqa: F401 - an interrupt might tear it later
from subint_magic._child.values.files import File
from subint_magic._child.values.parcel import Packer, PackError, Parcel
from subint_magic._child.values.unpacking import Opened, UnpackError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from typing import Any

    type Problem = dict[str, Any]
    """What is wrong with one value; `subint_magic.wire.messages.Problem` is its typed twin."""

KNOWN = 200
"""Names that are sent beside one that is not there, for who may have mistyped it."""


class LoadError(Exception):
    """Inputs cannot be loaded."""


class Luggage:
    """The values of one run.

    Made before the run can be interrupted, and closed when it no longer can: a descriptor would be
    lost if an interrupt struck while it passes from hand to hand. In between, `load` and `pack` run
    code of the user.

    Args:
        inputs: what has come.
        gives: whether values may go out.
    """

    def __init__(self, inputs: Parcel | None, *, gives: bool) -> None:
        self._problems: list[Problem] = []
        self._opened: Opened | None = None
        self._packer: Packer | None = None
        self._packed = False
        self._trouble: OSError | None = None
        try:
            self._opened = Opened(inputs) if inputs is not None else None
            self._packer = Packer(File.make()) if gives else None
        except OSError as error:
            self._trouble = error

    def load(self, namespace: dict[str, Any]) -> None:
        """Set the inputs in *namespace*, all or none.

        Raises:
            LoadError: some cannot be loaded.
        """
        if self._trouble is not None:
            raise self._trouble
        values: dict[str, object] = {}
        for name, value in self._opened.load() if self._opened is not None else ():
            if isinstance(value, UnpackError):
                module = value.module if value.missing else ""
                why = _printable(value)
                self._problems.append({"name": name, "why": why, "module": module})
            else:
                values[name] = value
        if self._problems:
            raise LoadError("the inputs cannot be loaded")
        namespace.update(values)

    def pack(
        self,
        namespace: Mapping[str, Any],
        names: Sequence[str],
        known: Callable[[], Iterable[str]] = tuple,
    ) -> None:
        """Pack what *names* stand for, as far as it is there and can be pickled.

        Args:
            namespace: has them.
            names: those that are to go out.
            known: returns those that a user has set.
        """
        if self._packer is None or self._problems:  # not even the inputs could be loaded
            return
        for name in names:
            if name not in namespace:
                public = [key for key in known() if key.isidentifier() and key[0] != "_"]
                self._problems.append({"name": name, "known": public[:KNOWN]})
                continue
            try:
                self._packer.add(name, namespace[name])
            except PackError as error:
                why = _printable(error)
                self._problems.append({"name": name, "why": why, "way_out": error.way_out})
        self._packed = True

    def close(self, numbers: Mapping[str, int]) -> dict[str, Any] | None:
        """Return what is to be told of it, if anything.

        Args:
            numbers: the file names of cells, and their numbers.
        """
        if self._opened is not None:
            self._opened.close()
        if self._packed and self._packer is not None:
            try:
                parcel = self._packer.parcel()
                parcel.sources = sources_of(parcel.code, numbers)
            except (OSError, ValueError) as error:
                why = f"cannot be sent: {_printable(error)}"
                self._problems.append({"name": "the parcel", "why": why})
                parcel = Parcel([], b"", [])
            return {"parcel": parcel, "problems": self._problems}
        if self._packer is not None:
            self._packer.close()
        return {"parcel": None, "problems": self._problems} if self._problems else None


def _printable(error: Exception) -> str:
    return str(error).encode("utf-8", "backslashreplace").decode()
