"""What there is to see of the actors of a nursery, made of what it publishes."""

from __future__ import annotations

import time
from collections import deque
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from itertools import count
from typing import TYPE_CHECKING

import trio

from subint_magic.notebook.live.progress import last_line, plain
from subint_magic.notebook.live.track import Track
from subint_magic.notebook.look.snapshot import Bar, Kind, Lane, Part, Row, Snapshot
from subint_magic.runtime.events import (
    ActorLeft,
    ActorMoved,
    DescendantMoved,
    RunPrinted,
    RunStopping,
)
from subint_magic.runtime.lifecycle import ENDED, State
from subint_magic.runtime.usage import Usage, usage_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from subint_magic.runtime.actor import Actor
    from subint_magic.runtime.descendants import Descendant
    from subint_magic.runtime.events import Published
    from subint_magic.runtime.nursery import ActorNursery
    from subint_magic.runtime.runs.run import CellRun

__all__ = ["Board"]

HISTORY = 8
"""Actors that have ended and are still told of."""

_LANES = 300
"""Actors that have ended and still have a lane in the timeline."""

_SOURCE_WIDTH = 80

_STILL = (Kind.IDLE, Kind.ABANDONED)

_ACTIONS = {
    Kind.RUNNING: ("interrupt", "cancel", "kill"),
    Kind.STOPPING: ("interrupt", "cancel", "kill"),
    Kind.IDLE: ("kill", "close"),
    Kind.SPAWNING: ("cancel",),
    Kind.BOOTING: ("cancel", "kill"),
    Kind.CLOSING: ("cancel", "kill"),
    Kind.CANCELLING: ("kill",),
}
"""What can be done while an actor does something; kill only if it can be killed."""


@dataclass
class _Entry:
    """What is kept of one actor."""

    id: str
    name: str
    backend: str
    started: float
    kind: Kind = Kind.SPAWNING
    track: Track = field(default_factory=Track)
    last_line: str = ""
    usage: Usage = field(default_factory=Usage)
    note: str = ""
    place: str = ""
    descendants: dict[tuple[int, ...], Track] = field(default_factory=dict)


class Board:
    """Listens to a nursery, and says what there is to see. In trio's thread.

    Args:
        nursery: the one with the actors.
        on_change: called when there is something else to see, with whether that is urgent.

    Attributes:
        unmeasured: actors that have done something since they were measured.
    """

    def __init__(self, nursery: ActorNursery, on_change: Callable[[bool], object]) -> None:
        self._nursery = nursery
        self._on_change = on_change
        self.unmeasured: dict[Actor, None] = {}
        self._numbers = count(1)
        self._entries: dict[Actor, _Entry] = {}
        # of ended actors: nothing that would keep them, and what they hold, alive
        self._history: deque[Row] = deque(maxlen=HISTORY)
        self._lanes: deque[Lane] = deque(maxlen=_LANES)
        self._listening = ExitStack()
        self._listening.enter_context(nursery.heard_by(self._hear))

    def close(self) -> None:
        """Listen no longer."""
        self._listening.close()

    def actor(self, id: str) -> Actor | None:  # noqa: A002 - as it is called everywhere else
        """Return the actor that *id* names, if it is still there."""
        return next((actor for actor, entry in self._entries.items() if entry.id == id), None)

    def note(self, actor: Actor, text: str) -> None:
        """Show *text* with *actor*, if it is still there."""
        if entry := self._entries.get(actor):
            entry.note = text
            self._on_change(True)

    @property
    def busy(self) -> bool:
        """Whether anything goes on, so that the next moment looks other than this."""
        return any(entry.kind not in _STILL for entry in self._entries.values())

    def take_usage(self, actor: Actor, usage: Usage) -> None:
        """Take what was measured of *actor*."""
        if entry := self._entries.get(actor):
            entry.usage = usage
            if entry.kind in _STILL:
                self.unmeasured.pop(actor, None)
            entry.place = actor.place

    async def measure(self) -> None:
        """Look at what the actors take that have run since the last look."""
        told = {actor: actor.hello for actor in self.unmeasured if actor.hello is not None}
        if told:
            hellos = list(told.values())
            usages = await trio.to_thread.run_sync(lambda: list(map(usage_of, hellos)))
            for actor, usage in zip(told, usages, strict=True):
                self.take_usage(actor, usage)

    def snapshot(self) -> Snapshot:
        """Return what there is to see now."""
        now = trio.current_time()
        rows: list[Row] = []
        lanes = list(self._lanes)
        entries = self._entries.items()
        for actor, entry in sorted(entries, key=lambda each: each[1].kind is Kind.ABANDONED):
            rows.append(self._row(actor, entry, now))
            lanes.append(self._lane(entry))
            for it in actor.descendants:
                rows.append(replace(self._descendant(entry, it, now), name=it.name))
                name = _path_name(entry, it)
                lanes.append(entry.descendants[it.path].lane(name, it.spawn_method))
        pages = {(actor.spawn_method, actor.dashboard): None for actor in self._entries}
        dashboards = tuple((method, page) for method, page in pages if page.startswith("http"))
        return Snapshot(
            now, time.time(), tuple(rows), tuple(self._history), tuple(lanes), dashboards
        )

    # what is published

    def _hear(self, event: Published) -> None:
        match event:
            case ActorMoved(actor):
                self._move(actor, Kind(actor.state))
            case ActorLeft(actor):
                if entry := self._entries.get(actor):  # it was abandoned, and its call has returned
                    self._end(actor, entry, trio.current_time())
            case RunStopping(actor):
                if actor.state is State.RUNNING:
                    self._move(actor, Kind.STOPPING)
            case RunPrinted(actor, output):
                if entry := self._entries.get(actor):
                    entry.last_line = last_line(entry.last_line + output.text)
            case DescendantMoved(actor, moved):
                if entry := self._entries.get(actor):
                    for each in moved:
                        self._move_descendant(entry, each)
        self._on_change(not isinstance(event, RunPrinted))

    def _move(self, actor: Actor, kind: Kind) -> None:
        now = trio.current_time()
        entry = self._entries.get(actor)
        if entry is None:
            entry = _Entry(f"a{next(self._numbers)}", actor.name, actor.spawn_method, now)
            self._entries[actor] = entry
        was, entry.kind = entry.kind, kind
        if kind is not was:
            entry.note = ""
        if actor.place:  # what another machine has given it cannot be seen from here
            self.unmeasured.pop(actor, None)
        else:
            self.unmeasured[actor] = None
        if kind is Kind.RUNNING:
            queue = self._nursery.turns.queue(entry.name)
            queued = queue[0].taken if queue and queue[0].has_waited else None
            entry.track.enter(kind, now, _source(actor.current_run), queued)
        else:
            entry.track.enter(kind, now)
        if actor.state in ENDED - {State.ABANDONED}:
            self._end(actor, entry, now)

    def _move_descendant(self, entry: _Entry, it: Descendant) -> None:
        now = trio.current_time()
        track = entry.descendants.setdefault(it.path, Track())
        track.enter(Kind(it.state), now, plain(it.source))
        if it.state in ENDED:
            row = replace(self._descendant(entry, it, now), depth=0, outcome=str(it.state))
            self._history.appendleft(row)
            self._lanes.append(replace(track.lane(row.name, row.backend), ended=True))
            del entry.descendants[it.path]

    def _end(self, actor: Actor, entry: _Entry, now: float) -> None:
        row = self._row(actor, entry, now)
        self._history.appendleft(replace(row, id="", actions=(), elapsed=None))
        self._lanes.append(replace(self._lane(entry), ended=True))
        del self._entries[actor]
        self.unmeasured.pop(actor, None)

    # what there is to see

    def _row(self, actor: Actor, entry: _Entry, now: float) -> Row:
        run = actor.current_run
        last = actor.last_run
        hello = actor.hello
        actions = _ACTIONS.get(entry.kind, ())
        traffic = actor.traffic
        return Row(
            id=entry.id,
            name=entry.name,
            depth=0,
            backend=entry.backend,
            where=_where(hello.pid, hello.interpreter, actor.place) if hello else "",
            kind=entry.kind,
            source=_source(run or last),
            elapsed=None if run is None else now - run.started,
            age=now - entry.started,
            cpu=entry.usage.cpu,
            memory=entry.usage.memory,
            copied_in=traffic.copied_in,
            shared_in=traffic.shared_in,
            copied_out=traffic.copied_out,
            shared_out=traffic.shared_out,
            waiting=self._nursery.turns.waiting(entry.name),
            last_line=plain(entry.last_line),
            actions=actions if actor.can_kill else tuple(a for a in actions if a != "kill"),
            note=entry.note,
            outcome=actor.outcome,
        )

    def _descendant(self, entry: _Entry, it: Descendant, now: float) -> Row:
        return Row(
            id="",  # it belongs to the actor that has started it
            name=_path_name(entry, it),
            depth=len(it.path),
            backend=it.spawn_method,
            where=_where(it.pid, it.interpreter, entry.place),
            kind=Kind(it.state),
            source=plain(it.source),
            elapsed=now - it.since if it.source else None,
            age=now - it.started,
        )

    def _lane(self, entry: _Entry) -> Lane:
        lane = entry.track.lane(entry.name, entry.backend)
        queue = self._nursery.turns.queue(entry.name)[1:]
        waiting = [Bar((Part(Kind.QUEUED, turn.taken, None),)) for turn in queue]
        return replace(lane, bars=(*lane.bars, *waiting))


def _path_name(entry: _Entry, it: Descendant) -> str:
    return f"{entry.name}/{it.name}"


def _source(run: CellRun | None) -> str:
    if run is None:
        return ""
    line = plain(run.call or run.source.strip().partition("\n")[0])
    return line if len(line) <= _SOURCE_WIDTH else f"{line[: _SOURCE_WIDTH - 1]}…"


def _where(pid: int | None, interpreter: int | None, place: str = "") -> str:
    if pid is None:
        return place
    inside = f"interpreter {interpreter}" if interpreter else f"pid {pid}"
    return f"{inside} on {place}" if place else inside
