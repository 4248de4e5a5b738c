"""What a cell asks for: the magic's line, and what the notebook has for it."""

from __future__ import annotations

from dataclasses import dataclass, field
from keyword import iskeyword
from typing import TYPE_CHECKING, Any

from IPython.core.error import UsageError

from subint_magic.runtime.imports import imports_of
from subint_magic.wire.messages import Frontend
from subint_magic.wording import did_you_mean, join_sentences

if TYPE_CHECKING:
    from collections.abc import Mapping

    from IPython.core.interactiveshell import InteractiveShell

    from subint_magic.runtime.actor import Actor
    from subint_magic.runtime.imports import Import
    from subint_magic.runtime.runs.run import CellResult
    from subint_magic.wire.messages import Loop

__all__ = [
    "CellRequest",
    "frontend_of",
    "imports_in",
    "public_names",
    "python_of",
    "variable_names",
    "variables_of",
]


@dataclass(frozen=True)
class CellRequest:
    """What the magic's line asks for.

    Attributes:
        source: the text of the cell.
        name: the named actor to run in; ``None`` for a fresh one that ends after the cell.
        backend: the key of a spawn method; ``None`` for the selected one.
        loop: what runs top-level ``await``.
        timeout: seconds after which it is stopped; ``None`` for no limit.
        grace: seconds that it gets to stop.
        output_limit: characters of output that are shown.
        frontend: what shows it.
        imports: what the cell imports, as far as it may be a problem.
        check: whether to refuse the cell if one of them cannot load where it is to run.
        inputs: variables of the notebook that the cell gets a copy of, by name.
        outputs: names of variables of the cell that the notebook gets a copy of.
        namespace: the notebook's variables.
    """

    source: str
    name: str | None
    backend: str | None
    loop: Loop
    timeout: float | None
    grace: float
    output_limit: int
    frontend: Frontend
    imports: tuple[Import, ...] = ()
    check: bool = True
    inputs: Mapping[str, object] = field(default_factory=dict)
    outputs: tuple[str, ...] = ()
    namespace: dict[str, object] = field(default_factory=dict)

    async def run_in(self, actor: Actor, **options: Any) -> CellResult:
        """Run the cell in *actor*; *options* are the others of `Actor.run_cell`."""
        return await actor.run_cell(
            self.source,
            loop=self.loop,
            timeout=self.timeout,
            grace=self.grace,
            output_limit=self.output_limit,
            frontend=self.frontend,
            **options,
        )


def python_of(shell: InteractiveShell, cell: str) -> str:
    """Return *cell* with its IPython syntax as calls of ``get_ipython()``, as in a cell of its own.

    What cannot be read is left to Python, which says why.
    """
    try:
        return str(shell.input_transformer_manager.transform_cell(cell))
    except SyntaxError:
        return cell


def imports_in(source: str) -> tuple[Import, ...]:
    """Return what *source* imports, as far as it may be a problem."""
    try:
        return imports_of(source)
    except SyntaxError:
        return ()  # the cell itself will say so


def frontend_of(shell: Any, source: str, cell: str) -> Frontend:
    """Return what shows *cell*, whose Python is *source*."""
    count = shell.displayhook.prompt_count  # execution_count is that of the next
    return Frontend(
        count=count,
        # what the shell would call the cell, were it a plain one
        filename=shell.compile.get_code_name(
            cell.removesuffix("\n"), source.removesuffix("\n"), count
        ),
        shell=type(shell).__name__,
        theme=shell.colors,
        xmode=shell.InteractiveTB.mode,
        interactivity=shell.ast_node_interactivity,
        raw="" if source.rstrip("\n") == cell.rstrip("\n") else cell,
    )


def variable_names(values: list[str], flag: str) -> list[str]:
    """Return the names that a repeatable flag with comma-separated names was given.

    Raises:
        UsageError: one of them is no name.
    """
    names = [name.strip() for value in values for name in value.strip("'\"").split(",")]
    for name in names:
        if not name.isidentifier() or iskeyword(name):
            raise UsageError(f"--{flag} takes names of variables, and {name!r} is none.")
    return list(dict.fromkeys(names))


def public_names(shell: Any) -> list[str]:
    """Return the names of the notebook's variables, without those that IPython has set."""
    hidden = shell.user_ns_hidden
    names = list(shell.user_ns)  # at once: what comes out of an actor is set by another thread
    return [name for name in names if not name.startswith("_") and name not in hidden]


def variables_of(names: list[str], shell: Any) -> dict[str, object]:
    """Return the variables of these names.

    Raises:
        UsageError: there is no such variable.
    """
    variables = shell.user_ns
    missing = [name for name in names if name not in variables]
    if missing:
        public = public_names(shell)
        raise UsageError(
            join_sentences(
                f"input {name!r} is not there: the notebook has no variable of this name."
                f"{did_you_mean(name, public)}"
                for name in missing
            )
        )
    return {name: variables[name] for name in names}
