"""Completion of the magics' lines, and of names of an actor in the body of its cell.

Flags and actions are read from the magics' own argument parsers, so nothing can drift. IPython
asks through its matcher API, in a kernel and in the terminal alike.
"""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING, Any

import trio
from IPython.core.completer import SimpleCompletion, context_matcher

from subint_magic.errors import ActorEnded
from subint_magic.notebook.cells.background import BackgroundRun
from subint_magic.notebook.cells.request import public_names
from subint_magic.runtime.imports import AUTO
from subint_magic.spawn import spawn_methods

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterable, Mapping

    from IPython.core.completer import CompletionContext, SimpleMatcherResult

    from subint_magic.notebook.magics import SubintMagics
    from subint_magic.runtime.host import Host
    from subint_magic.runtime.nursery import ActorNursery
    from subint_magic.wire.messages import Completion

__all__ = ["Completer", "assigned_names", "complete_line", "option_value"]

PATIENCE = 0.2
"""Seconds that an actor gets to answer: somebody types."""

_LISTS = ("input", "output")  # options whose values are lists with commas

_ASSIGNMENT = re.compile(r"^([^\W\d]\w*)\s*=(?!=)", re.MULTILINE)

type Values = Mapping[str, Callable[[], Iterable[str]]]


class Completer:
    """A matcher for IPython's completer; `remove` takes it out again.

    Args:
        shell: the shell.
        magics: those whose lines are completed.
        host: returns the host of the actors, or ``None`` if none runs.
    """

    def __init__(self, shell: Any, magics: SubintMagics, host: Callable[[], Host | None]) -> None:
        self._shell = shell
        self._host = host
        self._parsers: dict[str, argparse.ArgumentParser] = {
            "%%subint": magics.subint.parser,
            "%subint": magics.subint.parser,
            "%subints": magics.subints.parser,
            "%spawn_backend": magics.spawn_backend.parser,
        }

        @context_matcher(identifier="subint_magic")  # it would not mark a method of an instance
        def match(context: CompletionContext) -> SimpleMatcherResult:
            return self._match(context)

        self._matcher = match
        shell.Completer.custom_matchers.append(match)

    def remove(self) -> None:
        """Take it out again."""
        self._shell.Completer.custom_matchers.remove(self._matcher)

    def _match(self, context: CompletionContext) -> SimpleMatcherResult:
        lines = context.full_text.split("\n")
        before = context.text_until_cursor
        magic = before.split(maxsplit=1)[0] if before.strip() else ""
        if magic in self._parsers and len(before.lstrip()) > len(magic):
            body = "\n".join(lines[context.cursor_line + 1 :])
            parser = self._parsers[magic]
            typed = before.lstrip()[len(magic) :]
            actor = option_value(parser, typed.split(), "name")
            fragment, found = complete_line(parser, self._values(body, actor), typed)
            completions = [SimpleCompletion(text=text, type="magic") for text in found]
            return {"completions": completions, "matched_fragment": fragment, "suppress": True}
        name = self._actor_of(lines[: context.cursor_line])
        path = _name_before_cursor(before)
        if not name or not path:
            return {"completions": []}
        return {
            "completions": [
                SimpleCompletion(text=each.name, type=each.kind) for each in self._ask(name, path)
            ],
            "matched_fragment": path.rpartition(".")[2],
        }

    def _values(self, body: str, actor: str | None) -> Values:
        """Return what the options, and the arguments, may be, by their names in the parsers."""

        def backends() -> list[str]:
            return [*(each.key for each in spawn_methods() if each.available), AUTO]

        def outputs() -> list[str]:
            there = [each.name for each in self._ask(actor, "")] if actor else []
            return [*dict.fromkeys([*assigned_names(body), *there])]

        return {
            "backend": backends,
            "key": backends,
            "name": self._actors,
            "names": self._actors,
            "input": self._variables,
            "variable": self._handles,
            "output": outputs,
        }

    def _variables(self) -> list[str]:
        return public_names(self._shell)

    def _handles(self) -> list[str]:
        return [n for n in self._variables() if isinstance(self._shell.user_ns[n], BackgroundRun)]

    def _actors(self) -> list[str]:
        host = self._host()
        return host.start(_names).result() if host is not None else []

    def _ask(self, name: str, text: str) -> list[Completion]:
        host = self._host()
        return host.start(_complete, name, text).result() if host is not None else []

    def _actor_of(self, lines: list[str]) -> str | None:
        """Return the actor whose cell has these lines above the cursor, if it is a named one."""
        for line in lines:  # %%subint may stand under other cell magics
            if not line.startswith("%%"):
                return None
            magic, _, rest = line.partition(" ")
            if magic == "%%subint":
                return option_value(self._parsers[magic], rest.split(), "name")
        return None


async def _names(nursery: ActorNursery) -> list[str]:
    return list(nursery.actors)


async def _complete(nursery: ActorNursery, name: str, text: str) -> list[Completion]:
    actor = nursery.actors.get(name)
    if actor is not None:
        with trio.move_on_after(PATIENCE):
            try:
                return (await actor.inspect("completions", text)).completions
            except ActorEnded:
                pass
    return []


def complete_line(
    parser: argparse.ArgumentParser, values: Values, typed: str
) -> tuple[str, list[str]]:
    """Return what is to be completed of a magic's line, and how.

    Args:
        parser: that of the magic.
        values: what its arguments may be, by their names in the parser; more than their choices.
        typed: the line up to the cursor, without the magic.
    """
    words = typed.split()
    current = "" if not words or typed[-1].isspace() else words.pop()
    options = {flag: each for each in parser._actions for flag in each.option_strings}
    action = options.get(words[-1]) if words else None
    if action is None or action.nargs == 0:
        flag, equals, value = current.partition("=")
        if equals and flag in options:
            action, current = options[flag], value
        elif current.startswith("-"):
            return current, [flag for flag in options if flag.startswith(current)]
        else:
            action = _positional(parser, options, words)
    if action is None:
        return current, [flag for flag in options if flag.startswith("--")] if not current else []
    listed = current.rpartition(",")[0].split(",") if action.dest in _LISTS else []
    current = current.rpartition(",")[2] if listed else current
    found = values.get(action.dest, list)() if action.choices is None else action.choices
    return current, [
        text for text in found if text.startswith(current) and text not in (*listed, *words)
    ]


def _positional(
    parser: argparse.ArgumentParser, options: Mapping[str, argparse.Action], words: list[str]
) -> argparse.Action | None:
    """Return the argument without a flag that comes after *words*."""
    places = [each for each in parser._actions if not each.option_strings]
    given = 0
    takes_value = False
    for word in words:
        given += not takes_value and not word.startswith("-")
        takes_value = word in options and options[word].nargs != 0
    if given < len(places):
        return places[given]
    return places[-1] if places and places[-1].nargs == "*" else None


def option_value(parser: argparse.ArgumentParser, words: list[str], dest: str) -> str | None:
    """Return the value that *words* give the option *dest*, whatever else is wrong with them."""
    flags = [f for each in parser._actions if each.dest == dest for f in each.option_strings]
    found = None
    for i, word in enumerate(words):
        flag, equals, value = word.partition("=")
        if flag in flags:
            found = value if equals else next(iter(words[i + 1 :]), None)
        elif word[:2] in flags:
            found = word[2:]  # as in -nNAME
    return found


def assigned_names(body: str) -> list[str]:
    """Return the names that a cell sets at its top level, in order."""
    try:
        tree = ast.parse(body)
    except SyntaxError:  # it has magics, or is being written
        return list(
            dict.fromkeys(re.findall(r"^([^\W\d]\w*)\s*(?::[^=]+)?=(?!=)", body, re.MULTILINE))
        )
    names: dict[str, None] = {}

    def visit(node: ast.AST) -> None:
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                names[node.name] = None
                return  # what is set inside stays there
            case ast.Lambda() | ast.ListComp() | ast.SetComp() | ast.DictComp():
                return
            case ast.GeneratorExp():
                return
            case ast.Name(ctx=ast.Store()):
                names[node.id] = None
            case ast.alias():
                names[(node.asname or node.name).partition(".")[0]] = None
        for child in ast.iter_child_nodes(node):
            visit(child)

    visit(tree)
    return [name for name in names if name.isidentifier()]


def _name_before_cursor(text: str) -> str:
    """Return the dotted name that ends at the cursor, if it is nothing but that."""
    token = re.search(r"[\w.]*\Z", text)
    name = token.group() if token else ""
    parts = name.split(".")
    return name if all(part.isidentifier() for part in parts[:-1]) and name[:1] != "." else ""
