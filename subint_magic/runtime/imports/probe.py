"""Tries imports in a throwaway process, so that a crash or a hang of theirs hurts nobody."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import sysconfig
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import trio

from subint_magic.spawn import ChildEnd

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from subint_magic.runtime.imports.cell import Import

__all__ = ["PATIENCE", "Verdict", "probe", "refusal"]

PATIENCE = 10.0
"""Seconds that the imports of one cell get."""

_CRASHED = "crashed"
_SCRIPT = str(Path(__file__).with_name("attempt.py"))
_STANDARD = f"{sysconfig.get_path('stdlib')}{os.sep}lib-dynload{os.sep}"
_INSTALLED = tuple(
    f"{sysconfig.get_path(name)}{os.sep}" for name in ("stdlib", "purelib", "platlib")
)


@dataclass(frozen=True)
class Verdict:
    """What a probe found of an import.

    Attributes:
        problem: why it cannot load, in words; empty if it can, or would fail everywhere.
        certain: false if *problem* is why nobody can tell.
        loaded: the files of the extension modules that it loads.
        once: those without which it does not load a second time in one process.
        sources: the user's own files that were imported, each with its time: when one changes,
            this holds no longer.
    """

    problem: str = ""
    certain: bool = True
    loaded: frozenset[str] = frozenset()
    once: frozenset[str] = frozenset()
    sources: tuple[tuple[str, int], ...] = ()

    @property
    def holds(self) -> bool:
        """Whether the files are still the same."""
        return all(_time(file) == time for file, time in self.sources)


def refusal(module: str, extension: str, *, half: bool = False) -> str:
    """Say why *module* cannot load where *extension* refuses to."""
    if half:
        return f"it would import, but without its extension module {extension}, and fail on use"
    if module.partition(".")[0] in (extension.partition(".")[0], extension.removeprefix("_")):
        return f"its extension module {extension} refuses to"
    return f"{extension}, an extension module that it needs, refuses to"


async def probe(
    imports: Sequence[Import], kind: str, patience: float = PATIENCE
) -> list[Verdict | None]:
    """Import each in a sub-interpreter of a new process; return what came of it, in order.

    That is ``None`` for those that were not tried, as one before them was in the way.

    Args:
        imports: what to import. They are tried in order and in one interpreter, until one fails.
        kind: that of the sub-interpreter: ``"isolated"`` or ``"legacy"``.
        patience: seconds for all.
    """
    request = {
        "path": [str(entry) for entry in sys.path],
        "kind": kind,
        "statements": [each.statement for each in imports],
    }
    answers, end = await _carry_out(json.dumps(request), patience)
    steps = ("first", "again") if kind == "legacy" else ("first",)
    expected = [f"{step} {i}" for step in steps for i in range(len(imports))]
    missing = [step for step in expected if step not in answers]
    verdicts: list[Verdict | None] = []
    for i, each in enumerate(imports):
        first, main, again = (answers.get(f"{step} {i}") for step in ("first", "main", "again"))
        blamed = bool(missing) and missing[0].endswith(f" {i}")
        if not blamed and (first is None or f"again {i}" in missing):
            verdicts.append(None)
        elif first is None:
            crashed = end.startswith(_CRASHED)
            verdicts.append(Verdict(f"its import {end}", crashed, sources=_origin(each.module)))
        else:
            once: list[str] = []
            if kind == "legacy" and (again is None or again["error"]):
                once = (again and again["refused"]) or first["loaded"]
            verdicts.append(_judge(each.module, first, main, end, once))
    return verdicts


def _judge(
    module: str, first: dict[str, Any], main: dict[str, Any] | None, end: str, once: list[str]
) -> Verdict:
    problem, certain = "", True
    if not first["says_all"] and (main is None or main["error"]):
        # It would fail in a process as well, with an error that says why; or nobody can tell.
        problem, certain = "" if main else f"its import {end}", False
    elif first["extension"]:
        problem = refusal(module, first["extension"], half=not first["error"])
    elif first["error"]:
        problem = f"its import raises {first['error']}"
    sources = _sources(first["files"])
    return Verdict(problem, certain, frozenset(first["loaded"]), _foreign(once), sources)


def _foreign(files: Iterable[str]) -> frozenset[str]:
    """Return *files* without those of the standard library, which load as often as one likes."""
    return frozenset(file for file in files if not file.startswith(_STANDARD))


def _origin(module: str) -> tuple[tuple[str, int], ...]:
    with suppress(Exception):  # of a finder of somebody else
        spec = find_spec(module.partition(".")[0])
        if spec is not None and spec.origin is not None:
            return _sources([spec.origin])
    return ()


def _sources(files: Iterable[str]) -> tuple[tuple[str, int], ...]:
    return tuple((file, _time(file)) for file in files if not file.startswith(_INSTALLED))


def _time(file: str) -> int:
    try:
        return os.stat(file).st_mtime_ns
    except OSError:
        return 0


async def _carry_out(request: str, patience: float) -> tuple[dict[str, dict[str, Any]], str]:
    """Return the answers, and how the process ended, to go on with "its import …"."""
    try:
        process = await trio.lowlevel.open_process(
            [sys.executable, _SCRIPT, request],
            stdin=subprocess.PIPE,  # its end tells of ours
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError as error:
        return {}, f"could not be tried ({error})"
    assert process.stdin is not None
    assert process.stdout is not None
    data = b""
    end = f"took longer than {patience:g} s"
    try:
        with trio.move_on_after(patience):
            async for piece in process.stdout:
                data += piece
            await process.wait()
            end = _in_words(ChildEnd.of_process(process.returncode or 0))
    finally:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)  # also what an import has started
        with trio.CancelScope(shield=True):
            await process.wait()
            await process.stdin.aclose()
            await process.stdout.aclose()
    lines = data[: data.rfind(b"\n") + 1].splitlines()
    return {answer["step"]: answer for answer in map(json.loads, lines)}, end


def _in_words(end: ChildEnd) -> str:
    # SIGKILL says nothing of the import: somebody, or a lack of memory, has ended the process.
    crashed = end.signal is not None and end.signal != signal.SIGKILL
    return f"{_CRASHED if crashed else 'ended'} the process that tried it ({end})"
