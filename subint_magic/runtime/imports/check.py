"""The check: what is known, what was tried before, and what has to be tried now.

Like the selected spawn method, what was found is kept for this process. All functions are for the
thread that runs trio.
"""

from __future__ import annotations

import os
import re
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import trio

from subint_magic.errors import ImportRefused
from subint_magic.runtime.imports.cell import Import
from subint_magic.runtime.imports.known import HALF, REFUSED
from subint_magic.runtime.imports.probe import Verdict, probe, refusal
from subint_magic.spawn import host_of
from subint_magic.wording import CELL, will_not_load

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from subint_magic.errors import CellError
    from subint_magic.runtime.actor import Actor
    from subint_magic.wording import Words

__all__ = [
    "Obstacle",
    "check_imports",
    "find_obstacle",
    "loadable",
    "missed_import",
    "note_loaded",
]

_KINDS = {
    "subint": ("isolated", "an isolated sub-interpreter"),
    "subint_legacy": ("legacy", "a sub-interpreter with the kernel's GIL"),
}
"""The spawn methods where not every module loads: their kind of interpreter, and what it is."""

_REFUSAL = re.compile(r"module (\S+) does not support loading in subinterpreters")
"""What CPython says of an extension module, in an ImportError."""

QUIET = 1.0
"""Seconds that imports are tried for before somebody is told."""

_remembered: dict[tuple[str, Import], tuple[tuple[str, ...], Verdict]] = {}
# The files of extension modules that actors with the kernel's GIL have loaded, and all ever have.
_loaded: WeakKeyDictionary[Actor, set[str]] = WeakKeyDictionary()
_ever_loaded: set[str] = set()


@dataclass(frozen=True)
class Obstacle:
    """A module that cannot load where it is to.

    Attributes:
        module: its name.
        place: where, in words.
        reason: why, in words.
        certain: false if nobody can tell whether it can load, and *reason* is why not; or whether
            the cell comes to its import.
    """

    module: str
    place: str
    reason: str
    certain: bool

    def __str__(self) -> str:
        cannot = "cannot load" if self.certain else "may not load"
        return f"{self.module} {cannot} in {self.place}"


async def find_obstacle(
    imports: Sequence[Import],
    backend: str,
    actor: Actor | None = None,
    *,
    say: Callable[[str], object],
) -> Obstacle | None:
    """Return the first of *imports* that cannot load in actors of *backend*.

    If all that is sure to be imported can load, or nobody can tell, return the first of the others.

    Args:
        imports: what a cell imports; see `imports_of`.
        backend: the key of a spawn method.
        actor: the actor that the cell is for, if it lives already.
        say: called with a line if it takes long.
    """
    host = host_of(backend)
    if host not in _KINDS:
        return None  # a process
    kind, place = _KINDS[host]
    own = _loaded.get(actor, set()) if actor else set()
    obstacles = []
    for each, verdict in (await _verdicts(imports, kind, say)).items():
        problem = verdict.problem or _once(verdict.once - own)
        if problem:
            certain = verdict.certain and each.sure
            obstacles.append(Obstacle(_name(each), place, problem, certain))
    return next(iter([each for each in obstacles if each.certain] or obstacles), None)


async def loadable(modules: Sequence[str], backend: str) -> list[str]:
    """Return those of *modules* that can be imported ahead in any actor of *backend*.

    What loads only once in a process is left to the cells. In a process any can be tried.
    """
    backend = host_of(backend)
    if not modules or backend not in _KINDS:
        return list(modules)
    imports = [Import(module) for module in modules]
    # One at a time: an obstacle says nothing of those after it.
    found = [await _verdicts([each], _KINDS[backend][0], lambda _: None) for each in imports]
    return [
        each.module
        for each, verdicts in zip(imports, found, strict=True)
        if each in verdicts and not (verdicts[each].problem or verdicts[each].once)
    ]


async def check_imports(
    imports: Sequence[Import],
    backend: str,
    actor: Actor | None = None,
    *,
    say: Callable[[str], object],
    instead: str = "trio",
    words: Words = CELL,
) -> Obstacle | None:
    """Raise if one of *imports* cannot load; return an obstacle of which nobody can be certain.

    Args:
        imports: what a cell imports; see `imports_of`.
        backend: the key of the spawn method of the actor that will run it.
        actor: that actor, if it lives already.
        say: called with a line if it takes long.
        instead: the key of a spawn method that works, for the message.
        words: how to write it.

    Raises:
        ImportRefused: one of them cannot load. Nothing was run.
    """
    obstacle = await find_obstacle(imports, backend, actor, say=say)
    if obstacle is None or not obstacle.certain:
        return obstacle
    name = actor.name if actor else None
    instead, words = _way_out(backend, instead, words)
    raise ImportRefused(obstacle.module, obstacle.place, obstacle.reason, instead, name, words)


def missed_import(
    error: CellError, actor: Actor, instead: str, *, named: bool, words: Words = CELL
) -> str | None:
    """Say what to do if a module that the check has not seen is why a cell has failed.

    Args:
        error: what the cell has raised.
        actor: where it ran.
        instead: the key of a spawn method that works.
        named: whether the actor still lives.
        words: how to write it.
    """
    refused = _REFUSAL.search(error.traceback)
    host = host_of(actor.spawn_method)
    if refused is None or host not in _KINDS:
        return None
    extension = refused[1]
    module = extension.partition(".")[0]
    _, place = _KINDS[host]
    name = actor.name if named else None
    instead, words = _way_out(actor.spawn_method, instead, words)
    return f"{will_not_load(module, place, refusal(module, extension), instead, name, words)}."


def _way_out(backend: str, instead: str, words: Words) -> tuple[str, Words]:
    """Return the spawn method that works instead, and how to ask for it."""
    if host_of(backend) == backend:
        return instead, words
    # A worker of Dask is a daemon process of multiprocessing, which starts no others.
    start = f"%spawn_backend {backend} {{}}"
    return "trio", words._replace(start=start, method="--via {}")


def note_loaded(imports: Iterable[Import], actor: Actor) -> None:
    """Note that *imports* are being loaded in *actor*, where they may be loaded again."""
    if actor.spawn_method == "subint_legacy":
        files = _loaded.setdefault(actor, set())
        for each in imports:
            if remembered := _remembered.get(("legacy", each)):
                files |= remembered[1].loaded
        _ever_loaded.update(files)


async def _verdicts(
    imports: Sequence[Import], kind: str, say: Callable[[str], object]
) -> dict[Import, Verdict]:
    """Return what is known of *imports* once those have been tried of which nothing was.

    Those are left out that one before them was in the way of.
    """
    known = {each: _known(each, kind) for each in imports}
    unknown = [each for each, verdict in known.items() if verdict is None]
    unknown.sort(key=lambda each: not each.sure)
    if unknown:
        where = _where()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_say_what_takes_long, unknown, say)
            verdicts = await probe(unknown, kind)
            nursery.cancel_scope.cancel()
        for each, found in zip(unknown, verdicts, strict=True):
            if found is not None:
                _remembered[kind, each] = where, found
                known[each] = found
    return {each: verdict for each, verdict in known.items() if verdict is not None}


async def _say_what_takes_long(imports: Sequence[Import], say: Callable[[str], object]) -> None:
    await trio.sleep(QUIET)
    names = ", ".join(dict.fromkeys(map(_name, imports)))
    loads = "loads" if "," not in names else "load"
    say(f"trying whether {names} {loads} in a sub-interpreter …")


def _known(each: Import, kind: str) -> Verdict | None:
    if kind == "isolated" and (module := _refused_by(each)):
        return Verdict(refusal(module, REFUSED[module], half=module in HALF))
    where, verdict = _remembered.get((kind, each), ((), None))
    return verdict if verdict is not None and where == _where() and verdict.holds else None


def _refused_by(each: Import) -> str | None:
    """Return which of the modules that *each* imports is known to be refused."""
    return next((module for module in each.modules if module in REFUSED), None)


def _name(each: Import) -> str:
    return _refused_by(each) or each.module


def _where() -> tuple[str, ...]:
    """Return what decides where a module is found."""
    try:
        cwd = os.getcwd()
    except FileNotFoundError:
        cwd = ""
    return cwd, *map(str, sys.path)


def _once(files: frozenset[str]) -> str:
    """Say why a module does not load that needs *files*, which load once in a process."""
    if not files:
        return ""
    here = {getattr(module, "__file__", None) for module in list(sys.modules.values())}
    if files & here:
        return "it loads once in a process, and the kernel has loaded it already"
    # One that was refused is mapped, but not loaded; and a cell that was to load one may not have
    # come to that.
    if files & _ever_loaded & _mapped():
        return "it loads once in a process, and an actor has loaded it already"
    return "it loads once in a process, and could no longer load in the kernel"


def _mapped() -> set[str]:
    try:
        with open("/proc/self/maps") as maps:
            return {line[line.index("/") :].rstrip("\n") for line in maps if "/" in line}
    except OSError:
        return _ever_loaded
