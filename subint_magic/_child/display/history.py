"""``In``, ``Out``, ``_`` and their kin, kept as IPython keeps them."""

from __future__ import annotations

import builtins

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_UNDERSCORES = ("_", "__", "___")


class History:
    """What the cells of one actor were, and the values of their last expressions.

    Args:
        namespace: where the names go.

    Attributes:
        namespace: the same.
        inputs: the sources by their numbers, with ``""`` where another actor or the kernel ran.
        typed: the same as their user has typed them, with the syntax of IPython.
        outputs: the values by their numbers.
        count: the number of the current cell.
        names: what was put into the namespace at the start.
    """

    def __init__(self, namespace: dict[str, Any]) -> None:
        self.namespace = namespace
        self.inputs: list[str] = [""]
        self.typed: list[str] = [""]
        self.outputs: dict[int, object] = {}
        self.count = 0
        self._typed = ""
        self._last: list[object] = ["", "", ""]
        self.names: dict[str, object] = {
            "In": self.inputs,
            "Out": self.outputs,
            "_ih": self.inputs,
            "_oh": self.outputs,
            **dict.fromkeys(_UNDERSCORES, ""),
        }
        namespace.update(self.names)

    def begin(self, count: int, source: str, typed: str) -> None:
        """Note the cell *count*."""
        self.count = count
        names = self.namespace
        names.update(_iii=names.get("_ii", ""), _ii=names.get("_i", ""), _i=self._typed)
        self._typed = names[f"_i{count}"] = typed.rstrip("\n")
        for inputs, text in ((self.inputs, source.rstrip("\n")), (self.typed, self._typed)):
            inputs.extend([""] * (count + 1 - len(inputs)))
            inputs[count] = text

    def keep(self, value: object) -> None:
        """Note *value* as that of the current cell.

        Underscores that the cell, or `gettext.install`, has made its own are left alone.
        """
        if value is self.outputs:
            return
        namespace = self.namespace
        ours = "_" not in vars(builtins) and all(
            namespace.get(name, last) is last
            for name, last in zip(_UNDERSCORES, self._last, strict=True)
        )
        self._last = [value, *self._last[:2]]
        if ours:
            namespace.update(zip(_UNDERSCORES, self._last, strict=True))
        namespace[f"_{self.count}"] = self.outputs[self.count] = value
