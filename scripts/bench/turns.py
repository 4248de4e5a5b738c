"""How it is measured: sides in turns, and what must not see the past in a fresh process."""

from __future__ import annotations

import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from importlib import import_module
from multiprocessing import get_context
from typing import TYPE_CHECKING

import trio
from tables import Row

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from tables import Table

type Side = Callable[[], Awaitable[float]]
"""Does its work once; returns the seconds it took."""

KEYS = ("subint", "subint_legacy", "trio", "mp_spawn", "mp_forkserver")

BARE_INTERPRETERS = "" if sys.version_info >= (3, 14) else "cannot run here: new in Python 3.14"
"""Why Python has no public way to a sub-interpreter; an empty string if it has one."""


@dataclass(frozen=True)
class Plan:
    """What is to be measured.

    Attributes:
        reasons: the backends, and why they cannot run here: an empty string if they can.
        quick: whether it is a smoke test.
    """

    reasons: dict[str, str]
    quick: bool

    @property
    def keys(self) -> list[str]:
        """The backends that can run here."""
        return [key for key, reason in self.reasons.items() if not reason]

    def pick(self, full: int, quick: int) -> int:
        """Return how many, or how much."""
        return quick if self.quick else full

    def refusals(self, name: str = "{}") -> list[Row]:
        """Return rows that say which backends cannot run here."""
        reasons = self.reasons.items()
        return [Row(name.format(key), reason=cannot(reason)) for key, reason in reasons if reason]


def cannot(reason: str) -> str:
    """Return in words that something cannot run here."""
    return f"cannot run here: {reason}"


async def take_turns(
    sides: Mapping[str, Side], turns: int, warm_up: int = 1
) -> dict[str, list[float]]:
    """Let the sides do their work in turns, A B C A B C …; return milliseconds by side.

    A machine whose speed drifts favours none of them. The first turns only warm up.
    """
    taken: dict[str, list[float]] = {name: [] for name in sides}
    for turn in range(warm_up + turns):
        for name, side in sides.items():
            seconds = await side()
            if turn >= warm_up:
                taken[name].append(seconds * 1000)
    return taken


def in_fresh_process[**P, T](function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Call *function* in a process of its own: memory that was used and freed hides growth."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(function, *args, **kwargs).result()


def measure_section(name: str, plan: Plan) -> list[Table]:
    """Measure what ``sections/NAME.py`` measures."""
    tables: list[Table] = trio.run(import_module(f"sections.{name}").measure, plan)
    return tables
