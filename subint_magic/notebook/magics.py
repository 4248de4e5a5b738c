"""The magics: arguments in, calls out."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import trio
from IPython.core.error import UsageError
from IPython.core.magic import Magics, cell_magic, line_magic, magics_class
from IPython.core.magic_arguments import argument, magic_arguments, parse_argstring
from traitlets import Int

from subint_magic.errors import ActorBusy, ActorConflict, SpawnError, did_you_mean
from subint_magic.notebook.jobs import CellRequest, Job
from subint_magic.notebook.tables import age, text_table
from subint_magic.spawn import spawn_methods, try_set_start_method
from subint_magic.wire.messages import OUTPUT_LIMIT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from IPython.core.interactiveshell import InteractiveShell

    from subint_magic.notebook.output import CellValue
    from subint_magic.runtime.actor import Actor
    from subint_magic.runtime.host import Host
    from subint_magic.runtime.nursery import ActorNursery

__all__ = ["AWAITED", "SubintMagics"]

AWAITED = "subint_awaited"
"""What ``%%subint`` becomes where the kernel can await it; see `extension`."""

_SOURCE_WIDTH = 40


@contextmanager
def _user_errors() -> Iterator[None]:
    """Turn a user's mistake into IPython's one-line error: it wants exactly this type."""
    try:
        yield
    except (SpawnError, ActorBusy, ActorConflict) as error:
        raise UsageError(str(error)) from None


@magics_class
class SubintMagics(Magics):
    """``%%subint``, ``%spawn_backend`` and ``%subints``.

    Args:
        shell: the shell that they are for.
        host: returns the host of the actors, started on first use.

    Attributes:
        output_limit: how many characters of output a cell may send.
    """

    output_limit: Int[int, int] = Int(
        OUTPUT_LIMIT,
        min=1,
        help="Characters of output that a cell may send; the rest is dropped. A message of less "
        "than 256 that follows another at once counts as 256.",
    ).tag(config=True)

    def __init__(self, shell: InteractiveShell, host: Callable[[], Host]) -> None:
        super().__init__(shell)
        self._host = host

    @magic_arguments("%subint")
    @argument(
        "-b",
        "--backend",
        metavar="KEY",
        help="Start the actor with this spawn method instead of the selected one; "
        "%%spawn_backend lists them.",
    )
    @argument(
        "-n",
        "--name",
        help="Run in the actor of this name, which is started if there is none and keeps its "
        "namespace for later cells. Without a name the cell runs in a fresh actor that ends "
        "after it.",
    )
    @argument(
        "--loop",
        choices=["trio", "asyncio"],
        default="trio",
        metavar="LOOP",
        help="What runs a top-level await: trio (default) or asyncio.",
    )
    @cell_magic
    def subint(self, line: str, cell: str) -> CellValue | None:
        """Run the cell in an actor: a sub-interpreter or a process with its own namespace.

        What it prints appears here as it comes, its last expression is shown, and an exception
        fails the cell with the actor's own traceback. Interrupting the kernel stops the cell; a
        named actor keeps its namespace.
        """
        with _user_errors():
            return self._job(line, cell).result()

    @cell_magic(AWAITED)  # type: ignore[arg-type]
    async def _awaited(self, line: str, cell: str) -> CellValue | None:
        """Run ``%%subint`` without blocking the kernel's loop; a cell is rewritten to this."""
        with _user_errors():
            return await self._job(line, cell).result_async()

    @magic_arguments()
    @argument("key", nargs="?", help="The spawn method to select; without it, list all.")
    @line_magic
    def spawn_backend(self, line: str) -> None:
        """Select how later %%subint cells start their actors, or list the ways."""
        key = parse_argstring(self.spawn_backend, line).key
        if key is None:
            print(_methods_table())
            return
        with _user_errors():
            print(f"{key}: {try_set_start_method(key).summary}")

    @magic_arguments()
    @argument("action", nargs="?", choices=["close"], help="close: end actors that run no cell.")
    @argument("names", nargs="*", metavar="NAME", help="The actors to end.")
    @argument("--all", action="store_true", help="End all actors, whatever they do.")
    @line_magic
    def subints(self, line: str) -> None:
        """List the live actors, or end some of them."""
        arguments = parse_argstring(self.subints, line)
        if arguments.action is None:
            if arguments.all:
                raise UsageError("--all needs an action: %subints close --all")
            print(self._in_host(_actors_table))
        elif bool(arguments.names) == arguments.all:
            raise UsageError("%subints close needs either NAME … or --all")
        else:
            with _user_errors():
                closed = self._in_host(_close, arguments.names)
            print(f"closed: {', '.join(closed)}" if closed else "There is no actor.")

    def _job(self, line: str, cell: str) -> Job:
        arguments = parse_argstring(self.subint, line)
        request = CellRequest(
            cell,
            arguments.name,
            arguments.backend,
            arguments.loop,
            output_limit=self.output_limit,
        )
        return Job(self._host(), request)

    def _in_host(self, function: Callable[..., Any], *args: object) -> Any:
        return self._host().start(function, *args).wait(lambda: None)


def _methods_table() -> str:
    rows = [
        [
            "→" if status.selected else "",
            status.key,
            "yes" if status.available else "no",
            status.reason or status.summary,
        ]
        for status in spawn_methods()
    ]
    return text_table(["", "backend", "here", ""], rows)


async def _actors_table(nursery: ActorNursery) -> str:
    if not nursery.actors:
        return "There is no actor. Start one with %%subint -n NAME."
    header = ["name", "backend", "where", "state", "age", "current cell"]
    return text_table(header, [_actor_row(actor) for actor in nursery.actors.values()])


def _actor_row(actor: Actor) -> list[str]:
    where = ""
    if actor.hello is not None:
        in_kernel = actor.hello.interpreter != 0
        where = f"interpreter {actor.hello.interpreter}" if in_kernel else f"pid {actor.hello.pid}"
    source = actor.current_run.source.strip().partition("\n")[0] if actor.current_run else ""
    if len(source) > _SOURCE_WIDTH:
        source = f"{source[: _SOURCE_WIDTH - 1]}…"
    since = age(trio.current_time() - actor.started)
    return [actor.name, actor.spawn_method, where, actor.state, since, source]


async def _close(nursery: ActorNursery, names: list[str]) -> list[str]:
    actors = nursery.actors
    for name in names:
        if name not in actors:
            there = f"These are there: {', '.join(actors)}." if actors else "There is none."
            raise UsageError(f"no actor {name!r}.{did_you_mean(name, actors)} {there}")
    chosen = [actors[name] for name in names or actors]
    for actor in chosen:
        if names and actor.current_run is not None:  # --all ends them whatever they do
            raise ActorBusy(actor.name, "closed")
    for actor in chosen:
        actor.request_end()
    for actor in chosen:
        await actor.wait_ended()
    return [actor.name for actor in chosen]
