"""What is inside of an actor: where it is, and what it has."""

from __future__ import annotations

import linecache
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import trio

from subint_magic.errors import ActorEnded
from subint_magic.notebook.views.actors import chosen_actors
from subint_magic.notebook.views.tables import age, text_table
from subint_magic.runtime.lifecycle import State

if TYPE_CHECKING:
    from collections.abc import Callable

    from subint_magic.runtime.actor import Actor
    from subint_magic.runtime.nursery import ActorNursery
    from subint_magic.wire.messages import Inspection, Stack, StackFrame

__all__ = ["VIEWS", "Glance", "View", "look_inside", "show"]

PATIENCE = 1.0
"""Seconds that an actor gets to answer."""


@dataclass(frozen=True)
class Glance:
    """What was seen of one actor.

    Attributes:
        actor: its name.
        doing: what it does.
        answer: what it has answered; ``None`` if it has not.
    """

    actor: str
    doing: str
    answer: Inspection | None

    @property
    def problem(self) -> str:
        """Why there is nothing to show, in a line; an empty string if there is."""
        if self.answer is None:
            return f"Actor {self.actor!r} {self.doing}."
        if self.answer.error:
            return f"Actor {self.actor!r} could not answer: {self.answer.error}"
        return ""


@dataclass(frozen=True)
class View:
    """What ``%subints`` can show of an actor.

    Attributes:
        help: says what.
        what: what the actor is asked for.
        show: makes text of the answer. It may read files, so it is not for trio's thread.
    """

    help: str
    what: Literal["stacks", "variables"]
    show: Callable[[Glance, Inspection], str]


async def look_inside(nursery: ActorNursery, view: View, names: list[str]) -> list[Glance]:
    """Ask the actors *names*, or all, at once.

    Raises:
        UsageError: there is no such actor.
    """
    glances: dict[str, Glance] = {}
    actors = chosen_actors(nursery, names)

    async def look(actor: Actor) -> None:
        glances[actor.name] = await _glance(actor, view)

    async with trio.open_nursery() as tasks:
        for actor in actors:
            tasks.start_soon(look, actor)
    return [glances[actor.name] for actor in actors]


async def _glance(actor: Actor, view: View) -> Glance:
    with trio.move_on_after(PATIENCE):
        try:
            answer = await actor.inspect(view.what)
        except ActorEnded:
            return Glance(actor.name, "has ended", None)
        return Glance(actor.name, _doing(actor), answer)
    if actor.state in (State.SPAWNING, State.BOOTING):
        return Glance(actor.name, f"is still {actor.state}", None)
    silent = f"did not answer within {PATIENCE:g} s: it is in C code that holds its GIL"
    return Glance(actor.name, silent, None)


def _doing(actor: Actor) -> str:
    if (run := actor.current_run) is None:
        return f"is {actor.state} and runs no cell"
    return f"runs a cell for {age(trio.current_time() - run.started)}"


def _stacks(glance: Glance, answer: Inspection) -> str:
    lines = [f"Actor {glance.actor!r} {glance.doing}"]
    for stack in answer.stacks:
        lines += ["", _heading(stack)]
        for frame in stack.frames:
            lines += _frame(frame)
    if answer.left_out:
        lines += ["", f"… and {answer.left_out:,} more task{'s' * (answer.left_out > 1)}"]
    return "\n".join(lines)


def _heading(stack: Stack) -> str:
    if stack.whose == "cell":
        return "The cell:"
    others = f", and {stack.more:,} more at the same place" if stack.more else ""
    return f"{stack.whose.capitalize()} {stack.name!r}{others}:"


def _frame(frame: StackFrame) -> list[str]:
    place = (
        f"Cell In[{frame.count}], line {frame.line}"
        if frame.count
        else f"File {frame.filename}:{frame.line}"
    )
    # The source of a cell is the actor's; a file is the same here.
    source = frame.source or linecache.getline(frame.filename, frame.line).strip()
    where = "" if frame.function == "<module>" else f", in {frame.function}"
    return [f"  {place}{where}", *([f"    {source}"] if source else [])]


def _variables(glance: Glance, answer: Inspection) -> str:
    if not answer.variables:
        return f"Actor {glance.actor!r} has no variables."
    rows = [[v.name, v.type_name, v.size, v.value] for v in answer.variables]
    return text_table(["name", "type", "size", "value"], rows)


VIEWS = {
    "where": View("show the stacks of its threads and tasks, while it runs", "stacks", _stacks),
    "vars": View("show what is in its namespace", "variables", _variables),
}


def show(view: View, glances: list[Glance]) -> str:
    """Return the text of *glances*; variables of several actors each under a heading."""
    texts = []
    for glance in glances:
        text = glance.problem
        if not text and glance.answer is not None:
            text = view.show(glance, glance.answer)
            if view.what == "variables" and glance.answer.variables and len(glances) > 1:
                text = f"Actor {glance.actor!r}:\n{text}"
        texts.append(text)
    return "\n\n".join(texts) or "There is no actor."
