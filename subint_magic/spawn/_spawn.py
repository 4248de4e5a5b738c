"""The registry of spawn methods: which there are, which can run here, which is selected."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Literal, get_args

from subint_magic.errors import SpawnMethodUnavailable, UnknownSpawnMethod
from subint_magic.spawn._contract import SpawnMethod

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "ENTRY_POINTS",
    "SpawnMethodKey",
    "SpawnMethodStatus",
    "default_start_method",
    "get_start_method",
    "host_of",
    "shut_down_methods",
    "spawn_method",
    "spawn_method_keys",
    "spawn_methods",
    "try_set_start_method",
    "using_start_method",
]

SpawnMethodKey = Literal["subint", "subint_legacy", "trio", "mp_spawn", "mp_forkserver"]
"""The keys of the built-in spawn methods.

``"subint"`` is a sub-interpreter of PEP 734, with a GIL of its own (PEP 684); ``"subint_legacy"``
one that shares the GIL; the others are processes.
"""

# Imported on use, so that no backend imports the registry and listing them starts nothing.
_methods: dict[str, str] = {
    "subint": "subint_magic.spawn._subint:SUBINT",
    "subint_legacy": "subint_magic.spawn._subint:SUBINT_LEGACY",
    "trio": "subint_magic.spawn._trio:TRIO",
    "mp_spawn": "subint_magic.spawn._mp:MP_SPAWN",
    "mp_forkserver": "subint_magic.spawn._mp:MP_FORKSERVER",
}

ENTRY_POINTS = "subint_magic.spawn_methods"
"""The entry-point group by which other packages add methods: ``KEY = "module:SPAWN_METHOD"``."""

_selected: str | None = None
_loaded: dict[str, SpawnMethod] = {}


@dataclass(frozen=True)
class SpawnMethodStatus:
    """What can be said of a spawn method without using it.

    Attributes:
        key: its key.
        summary: one line on it, or ``""`` when it cannot be loaded.
        reason: why it cannot run here, or ``None`` if it can.
        selected: whether actors are started with it unless told otherwise.
        remote: whether its actors are elsewhere.
    """

    key: str
    summary: str
    reason: str | None
    selected: bool = False
    remote: bool = False

    @property
    def available(self) -> bool:
        """Whether it can run here."""
        return self.reason is None


def _known() -> dict[str, str]:
    """Return where each method is; no plugin takes the place of a built-in one."""
    plugins = {entry.name: entry.value for entry in entry_points(group=ENTRY_POINTS)}
    return _methods | {key: plugins[key] for key in plugins if key not in _methods}


def _load(key: str, target: str) -> SpawnMethod:
    if key in _loaded:
        return _loaded[key]
    module, _, attribute = target.partition(":")
    method = getattr(import_module(module), attribute)
    if not isinstance(method, SpawnMethod):
        raise TypeError(f"{target} is a {type(method).__name__}, not a SpawnMethod")
    if method.key != key:
        raise ValueError(f"{target} has the key {method.key!r}")
    _loaded[key] = method
    return method


def _examine(key: str, target: str) -> tuple[SpawnMethod | None, str | None]:
    """Return the method, if it loads, and why it cannot run here."""
    try:
        method = _load(key, target)
        return method, method.why_not()
    except Exception as error:  # noqa: BLE001 - a broken plugin must not break the others
        return None, f"loading {target} failed with {type(error).__name__}: {error}"


def spawn_method_keys() -> list[str]:
    """Return the keys of all spawn methods, built-in ones first, without loading any."""
    return list(_known())


def spawn_methods() -> list[SpawnMethodStatus]:
    """Return the status of every spawn method, built-in ones first."""
    selected = get_start_method()
    statuses = []
    for key, target in _known().items():
        method, reason = _examine(key, target)
        summary = method.summary if method else ""
        remote = method is not None and method.remote
        statuses.append(SpawnMethodStatus(key, summary, reason, key == selected, remote))
    return statuses


def spawn_method(key: str | SpawnMethod | None = None) -> SpawnMethod:
    """Return the spawn method *key*, or the selected one; one that is no key is given back.

    Raises:
        UnknownSpawnMethod: there is none with this key.
        SpawnMethodUnavailable: it cannot run here; the message says why and what can.
    """
    if isinstance(key, SpawnMethod):
        return key
    key = key or get_start_method()
    # Entry points only when they are asked for: that reads the metadata of all that is installed.
    target = _methods.get(key) or _known().get(key)
    if target is None:
        raise UnknownSpawnMethod(key, _known())
    method, reason = _examine(key, target)
    if method is None or reason is not None:
        works = [each.key for each in spawn_methods() if each.available and not each.remote]
        raise SpawnMethodUnavailable(key, reason or "it did not load", works)
    return method


def default_start_method() -> SpawnMethodKey:
    """Return ``"subint"`` where it can run, else ``"trio"``."""
    return "trio" if _examine("subint", _methods["subint"])[1] else "subint"


def get_start_method() -> str:
    """Return the key of the selected spawn method, or of the default one."""
    return _selected or default_start_method()


def try_set_start_method(key: str) -> SpawnMethod:
    """Select the spawn method for actors that are started from now on, or raise.

    When it raises, the one that was selected stays selected.

    Raises:
        UnknownSpawnMethod: there is none with this key.
        SpawnMethodUnavailable: it cannot run here; the message says why and what can.
    """
    global _selected  # noqa: PLW0603 - one choice for the session is what this registry is for
    method = spawn_method(key)
    _selected = key
    return method


@contextmanager
def using_start_method(key: str) -> Iterator[SpawnMethod]:
    """Select the spawn method *key* for the length of a block, as `try_set_start_method` does."""
    global _selected  # noqa: PLW0603
    before = _selected
    try:
        yield try_set_start_method(key)
    finally:
        _selected = before


def host_of(key: str) -> str:
    """Return the key of the spawn method that starts the children of *key* where they are."""
    method = _loaded.get(key)
    return (method.host() if method else "") or key


def shut_down_methods() -> None:
    """End what the methods keep running between actors; all actors have ended."""
    for method in list(_loaded.values()):  # one may ask another to end what it has used
        method.shut_down()


assert tuple(_methods) == get_args(SpawnMethodKey)
