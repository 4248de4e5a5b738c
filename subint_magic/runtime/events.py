"""What a nursery publishes of its actors, for those who show them.

Events are told in trio's thread, at once and in order. What is told of is as it is at that moment:
a listener reads what it wants from the actor itself.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from subint_magic.runtime.actor import Actor
    from subint_magic.runtime.descendants import Descendant
    from subint_magic.runtime.runs.run import CellRun
    from subint_magic.wire.messages import Output

__all__ = [
    "ActorLeft",
    "ActorMoved",
    "DescendantMoved",
    "Listener",
    "Published",
    "QueueMoved",
    "RunPrinted",
    "RunStopping",
]


@dataclass(frozen=True, slots=True)
class ActorMoved:
    """An actor has come into another state. The first is that in which it is made."""

    actor: Actor


@dataclass(frozen=True, slots=True)
class ActorLeft:
    """Nothing is left of an actor that has ended; of one that was abandoned, its call returned."""

    actor: Actor


@dataclass(frozen=True, slots=True)
class RunStopping:
    """Somebody wants the run of an actor to stop, or the next rung was tried on it."""

    actor: Actor
    run: CellRun


@dataclass(frozen=True, slots=True)
class RunPrinted:
    """An actor has printed."""

    actor: Actor
    output: Output


@dataclass(frozen=True, slots=True)
class DescendantMoved:
    """Something has become of actors that an actor has started, or that those have started.

    Attributes:
        actor: the one that is ours.
        moved: those, as they are now; who has ended is no more among its `descendants`.
    """

    actor: Actor
    moved: tuple[Descendant, ...]


@dataclass(frozen=True, slots=True)
class QueueMoved:
    """Somebody has come into the queue for an actor, or has left it.

    Attributes:
        name: that of the actor, which need not be there yet.
    """

    name: str


type Published = ActorMoved | ActorLeft | RunStopping | RunPrinted | DescendantMoved | QueueMoved
type Listener = Callable[[Published], object]
"""Is called with each event. It must be quick. One that raises hears no more."""
