"""Run notebook cells in actors: sub-interpreters with a GIL of their own, or processes.

In IPython or Jupyter::

    %load_ext subint_magic

    %%subint                    run the cell in a fresh actor
    %%subint -n NAME            run it in an actor that keeps its namespace
    %%subint -i a,b -o c        with copies of a and b in, and of c out
    %%subint --bg --as job      run it in the background; job.result(), job.cancel()
    %%subint --timeout 5        stop it after five seconds
    %spawn_backend [KEY]        list the backends, or select one
    %subints [close NAME]       list the live actors, or end some
    %%subint?                   all options

Functions, from a notebook or a plain program::

    @subint_magic.subint
    def work(x): ...

    work(3)                     # in a fresh actor
    work.map(range(10))         # in several at once, results in order

The same actors from a trio program::

    async with subint_magic.open_nursery() as nursery:
        actor = await nursery.start_actor("worker")
        result = await actor.run_cell("sum(range(10))")
        print(result.value)  # 45

Where to read on::

    subint, map, share              functions in actors, memory that actors see at once
    open_nursery, Actor.run_cell    actors from trio; CellResult is what a cell gives
    BackgroundRun                   the handle that --bg gives
    SubintMagicError                the base of all errors; each has a section in docs/errors.md
    spawn_methods, SpawnMethodKey   the backends
    subint_magic.spawn, .testing    for a backend of your own

All times are in seconds. A sub-interpreter isolates names and modules; it is no security boundary,
and a crash in one takes the kernel along. Sub-interpreters are those of PEP 734, with a GIL of
their own as PEP 684 has it.
"""

from __future__ import annotations

TYPE_CHECKING = False  # importing typing for it would cost every sub-interpreter 5 ms
if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from subint_magic._child.values.share import Shared as Shared, share as share
    from subint_magic.errors import (
        ActorBusy as ActorBusy,
        ActorConflict as ActorConflict,
        ActorDied as ActorDied,
        ActorEnded as ActorEnded,
        ActorError as ActorError,
        CellError as CellError,
        HostEnded as HostEnded,
        IllegalTransition as IllegalTransition,
        ImportRefused as ImportRefused,
        InputError as InputError,
        OutputError as OutputError,
        ProtocolError as ProtocolError,
        RunCancelled as RunCancelled,
        RunError as RunError,
        RunTimedOut as RunTimedOut,
        SpawnError as SpawnError,
        SpawnMethodUnavailable as SpawnMethodUnavailable,
        StillRunning as StillRunning,
        SubintMagicError as SubintMagicError,
        UnknownSpawnMethod as UnknownSpawnMethod,
    )
    from subint_magic.notebook.cells.background import BackgroundRun as BackgroundRun
    from subint_magic.runtime.actor import Actor as Actor
    from subint_magic.runtime.functions.decorator import (
        map as map,  # noqa: A004 - see its definition
        subint as subint,
    )
    from subint_magic.runtime.functions.function import SubintFunction as SubintFunction
    from subint_magic.runtime.lifecycle import State as State
    from subint_magic.runtime.nursery import (
        ActorNursery as ActorNursery,
        open_nursery as open_nursery,
    )
    from subint_magic.runtime.runs.asking import Question as Question
    from subint_magic.runtime.runs.run import CellResult as CellResult
    from subint_magic.spawn import (
        SpawnMethod as SpawnMethod,
        SpawnMethodKey as SpawnMethodKey,
        SpawnMethodStatus as SpawnMethodStatus,
        get_start_method as get_start_method,
        spawn_methods as spawn_methods,
        try_set_start_method as try_set_start_method,
    )
    from subint_magic.wire.messages import (
        ClearOutput as ClearOutput,
        Display as Display,
        Dropped as Dropped,
        Frontend as Frontend,
        Output as Output,
        Result as Result,
        Rung as Rung,
    )

__version__ = "0.1.0"

# Imported on first use: an isolated sub-interpreter imports this package too, and refuses the
# msgspec that stands behind most of these names.
_errors = "subint_magic.errors"
_share = "subint_magic._child.values.share"
_spawn = "subint_magic.spawn"

_WHERE = {
    "Actor": "subint_magic.runtime.actor",
    "ActorBusy": _errors,
    "ActorConflict": _errors,
    "ActorDied": _errors,
    "ActorEnded": _errors,
    "ActorError": _errors,
    "ActorNursery": "subint_magic.runtime.nursery",
    "BackgroundRun": "subint_magic.notebook.cells.background",
    "CellError": _errors,
    "CellResult": "subint_magic.runtime.runs.run",
    "ClearOutput": "subint_magic.wire.messages",
    "Display": "subint_magic.wire.messages",
    "Dropped": "subint_magic.wire.messages",
    "Frontend": "subint_magic.wire.messages",
    "HostEnded": _errors,
    "IllegalTransition": _errors,
    "ImportRefused": _errors,
    "InputError": _errors,
    "Output": "subint_magic.wire.messages",
    "OutputError": _errors,
    "ProtocolError": _errors,
    "Question": "subint_magic.runtime.runs.asking",
    "Result": "subint_magic.wire.messages",
    "RunCancelled": _errors,
    "RunError": _errors,
    "RunTimedOut": _errors,
    "Rung": "subint_magic.wire.messages",
    "Shared": _share,
    "SpawnError": _errors,
    "SpawnMethod": _spawn,
    "SpawnMethodKey": _spawn,
    "SpawnMethodStatus": _spawn,
    "SpawnMethodUnavailable": _errors,
    "State": "subint_magic.runtime.lifecycle",
    "StillRunning": _errors,
    "SubintFunction": "subint_magic.runtime.functions.function",
    "SubintMagicError": _errors,
    "UnknownSpawnMethod": _errors,
    "get_start_method": _spawn,
    "map": "subint_magic.runtime.functions.decorator",
    "open_nursery": "subint_magic.runtime.nursery",
    "share": _share,
    "spawn_methods": _spawn,
    "subint": "subint_magic.runtime.functions.decorator",
    "try_set_start_method": _spawn,
}

__all__ = [
    "Actor",
    "ActorBusy",
    "ActorConflict",
    "ActorDied",
    "ActorEnded",
    "ActorError",
    "ActorNursery",
    "BackgroundRun",
    "CellError",
    "CellResult",
    "ClearOutput",
    "Display",
    "Dropped",
    "Frontend",
    "HostEnded",
    "IllegalTransition",
    "ImportRefused",
    "InputError",
    "Output",
    "OutputError",
    "ProtocolError",
    "Question",
    "Result",
    "RunCancelled",
    "RunError",
    "RunTimedOut",
    "Rung",
    "Shared",
    "SpawnError",
    "SpawnMethod",
    "SpawnMethodKey",
    "SpawnMethodStatus",
    "SpawnMethodUnavailable",
    "State",
    "StillRunning",
    "SubintFunction",
    "SubintMagicError",
    "UnknownSpawnMethod",
    "__version__",
    "get_start_method",
    "load_ipython_extension",
    "map",
    "open_nursery",
    "share",
    "spawn_methods",
    "subint",
    "try_set_start_method",
    "unload_ipython_extension",
]


if not TYPE_CHECKING:  # else a checker would take any name for one of ours

    def __getattr__(name: str) -> object:
        """Import a public name on first use (PEP 562)."""
        if name not in _WHERE:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from importlib import import_module

        return getattr(import_module(_WHERE[name]), name)


def __dir__() -> list[str]:
    return __all__


def load_ipython_extension(shell: InteractiveShell) -> None:
    """``%load_ext subint_magic``; nothing in an actor, where whole notebooks may run.

    In a kernel, actors are supervised on the thread of its control channel, and clicks are heard
    in the one that takes messages in for subshells (JEP 91): both while a cell runs.

    Args:
        shell: the shell that gets the magics.
    """
    if getattr(shell, "is_actor", False):
        return
    from subint_magic.notebook import extension

    extension.load(shell)


def unload_ipython_extension(shell: InteractiveShell) -> None:
    """``%unload_ext subint_magic``: end all actors and take the magics away.

    Args:
        shell: the shell that has them.
    """
    if getattr(shell, "is_actor", False):
        return
    from subint_magic.notebook import extension

    extension.unload(shell)
