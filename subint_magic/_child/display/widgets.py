"""What stands in for widgets: their comms do not reach the frontend from an actor."""

from __future__ import annotations

import html
import os
from typing import Any

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType, TracebackType


def output_class(ipywidgets: ModuleType) -> type[Any]:
    """Return an ``Output`` that is a display, updated each time that something was put into it.

    Displays that are made in it go there, as rich's live displays do; what is printed in it goes
    where all that the cell prints goes.
    """

    class Output(ipywidgets.Output):  # type: ignore[name-defined, misc]
        def __init__(self, **options: Any) -> None:
            super().__init__(**options)
            self._display_id = os.urandom(16).hex()
            self._bundles: list[dict[str, Any]] = []
            self._before: list[list[dict[str, Any]] | None] = []

        def _ipython_display_(self, **_: object) -> None:
            self._publish(update=False)

        def __enter__(self) -> None:
            publisher = _publisher()
            self._before.append(publisher.taken)
            publisher.taken = self._bundles

        def __exit__(
            self,
            _type: type[BaseException] | None,
            _error: BaseException | None,
            _traceback: TracebackType | None,
        ) -> None:
            _publisher().taken = self._before.pop()
            if self._bundles:
                self._publish(update=True)

        def _publish(self, *, update: bool) -> None:
            _publisher().publish(
                _joined(self._bundles), transient={"display_id": self._display_id}, update=update
            )

    return Output


def _joined(bundles: list[dict[str, Any]]) -> dict[str, Any]:
    if len(bundles) == 1:
        return bundles[0]
    texts = [str(bundle.get("text/plain", "")) for bundle in bundles]
    joined = {"text/plain": "\n".join(texts)}
    if any("text/html" in bundle for bundle in bundles):
        joined["text/html"] = "\n".join(
            bundle.get("text/html") or f"<pre>{html.escape(text)}</pre>"
            for bundle, text in zip(bundles, texts, strict=True)
        )
    return joined


def _publisher() -> Any:
    from IPython.core.getipython import get_ipython

    return get_ipython().display_pub  # type: ignore[union-attr]
