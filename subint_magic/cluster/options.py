"""What a user asks of the cluster."""

from __future__ import annotations

import argparse
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Options", "parsed"]


@dataclass(frozen=True)
class Options:
    """What is asked.

    Attributes:
        scheduler: its address; ``None`` for the current client, or what Dask's own configuration
            says, or a cluster on this machine.
        workers: their names or addresses, of which one is to take an actor; none for any.
        resources: what of the resources of Dask a worker must have free for an actor, by name.
            They are free again as soon as it is there.
        via: the key of the spawn method by which the worker starts the child; ``None`` for its
            default one.
        annotations: those of `dask.annotate`, as they were when this was asked.
    """

    scheduler: str | None = None
    workers: tuple[str, ...] = ()
    resources: dict[str, float] = field(default_factory=dict)
    via: str | None = None
    annotations: dict[str, Any] = field(default_factory=dict)


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise ValueError(message)


def parsed(words: Sequence[str], scheduler: str | None = None) -> Options:
    """Return what *words* ask for.

    Args:
        words: the options, as they were typed.
        scheduler: the address that was asked for before, and holds until another is.

    Raises:
        ValueError: they are wrong; the message says how.
    """
    parser = _Parser("dask", add_help=False)
    parser.add_argument("--scheduler", default=scheduler)
    parser.add_argument("--workers", type=_names, default=())
    parser.add_argument("--resources", type=_amounts, default={})
    parser.add_argument("--via")
    found = parser.parse_args(list(words))
    return Options(found.scheduler, found.workers, found.resources, found.via)


def _names(text: str) -> tuple[str, ...]:
    return tuple(name for name in text.split(",") if name)


def _amounts(text: str) -> dict[str, float]:
    amounts = {}
    for each in _names(text):
        name, equals, amount = each.partition("=")
        try:
            amounts[name] = float(amount) if equals else 1.0
        except ValueError:
            raise argparse.ArgumentTypeError(f"{each!r} is not NAME=NUMBER") from None
    return amounts
