"""What is imported ahead: one choice for the session, as the selected spawn method is."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["preloaded", "set_preload"]

_preloaded: list[str] = []


def set_preload(modules: Sequence[str]) -> None:
    """Let *modules* be imported ahead in what will be started from now on, where that can be.

    The server of ``mp_forkserver`` does so when it starts, and spares do.
    """
    _preloaded[:] = modules


def preloaded() -> tuple[str, ...]:
    """Return the modules that are imported ahead."""
    return tuple(_preloaded)
