"""Values into the namespace of a cell before it runs, and out of it after it."""

from __future__ import annotations

from subint_magic._child.values.parcel import Packer, PackError, UnpackError, unpack

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from subint_magic._child.values.parcel import Parcel

    type Problem = dict[str, Any]
    """What is wrong with one value; `subint_magic.wire.messages.Problem` is its typed twin."""

KNOWN = 200
"""Names that are sent beside one that is not there, for who may have mistyped it."""


def put(namespace: dict[str, Any], parcel: Parcel) -> list[Problem]:
    """Set the values of *parcel*; return those that cannot be loaded. Then none is set."""
    values: dict[str, object] = {}
    problems: list[Problem] = []
    for name, value in unpack(parcel):
        if isinstance(value, UnpackError):
            module = value.module if value.missing else ""
            problems.append({"name": name, "why": _printable(value), "module": module})
        else:
            values[name] = value
    if not problems:
        namespace.update(values)
    return problems


def take(namespace: dict[str, Any], names: Sequence[str]) -> tuple[Parcel, list[Problem]]:
    """Pack what *names* stand for; return it, and what is wrong with the others."""
    packer = Packer()
    problems: list[Problem] = []
    for name in names:
        if name not in namespace:
            known = [key for key in namespace if key.isidentifier() and key[0] != "_"][:KNOWN]
            problems.append({"name": name, "known": known})
            continue
        try:
            packer.add(name, namespace[name])
        except PackError as error:
            problems.append({"name": name, "why": _printable(error)})
    return packer.parcel(), problems


def _printable(error: Exception) -> str:
    return str(error).encode("utf-8", "backslashreplace").decode()
