"""What is public has words, and pages speak of what is there."""

import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from types import FunctionType
from typing import Any

import pytest

import subint_magic
from subint_magic import errors
from subint_magic._child.frames import MAX_FRAME

ROOT = Path(__file__).parents[2]
PAGES = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")]

KEPT = "the actor and its namespace are kept"
TOO_LARGE = f"a frame of 70000000 bytes is over the limit of {MAX_FRAME}"
ISOLATED = "an isolated sub-interpreter"
REFUSES = "its extension module numpy._core._multiarray_umath refuses to"

# Those whose words errors.py makes.
EXAMPLES = [
    errors.RunCancelled("worker", "an interrupt", 0.01, "exception", KEPT),
    errors.RunTimedOut("worker", 5, 0.01, "exception", KEPT),
    errors.StillRunning("worker", "running", 2),
    errors.ImportRefused("numpy", ISOLATED, REFUSES, "mp_forkserver"),
    errors.ActorDied("worker", "while running a cell", "killed by SIGSEGV"),
    errors.ActorEnded("worker", "cancelled"),
    errors.ActorBusy("worker", "closed"),
    errors.ProtocolError("worker", TOO_LARGE),
    errors.UnknownSpawnMethod("tiro", ["subint", "trio"]),
]

# Those of Python and IPython that a user can meet.
OTHERS = {"UsageError", "RuntimeError", "EOFError", "TypeError"}


def sections() -> dict[str, str]:
    page = (ROOT / "docs" / "errors.md").read_text()
    _, *parts = re.split(r"^### (\w+)\n", page, flags=re.MULTILINE)
    return dict(zip(parts[::2], parts[1::2], strict=True))


def test_each_error_has_a_section_and_each_section_an_error():
    assert set(sections()) == set(errors.__all__) | OTHERS
    for name in errors.__all__:
        error = getattr(errors, name)
        if error is not errors.SubintMagicError:
            assert error.__doc__.endswith(f"\n\nWhat to do: {name} in docs/errors.md.")


def test_each_section_shows_an_error_of_its_class():
    for name, text in sections().items():
        for block in re.findall(r"^```\n(.*?)\n```$", text, re.MULTILINE | re.DOTALL):
            assert block.startswith(f"{name}: ") or name == "CellError"


@pytest.mark.parametrize("error", EXAMPLES, ids=lambda error: type(error).__name__)
def test_messages_are_those_of_the_page(error: Exception):
    name = type(error).__name__
    assert f"```\n{name}: {error}\n```" in sections()[name]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path):
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        if "://" not in target:
            name, _, anchor = target.partition("#")
            path = page.parent / name if name else page
            assert path.exists(), target
            assert not anchor or anchor in anchors(path), target


def anchors(page: Path) -> set[str]:
    titles = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title).lower().replace(" ", "-") for title in titles}


def functions() -> Iterator[tuple[str, Any]]:
    """Yield all that can be called, or read as a property, by way of a public name."""
    for name in subint_magic.__all__:
        thing = getattr(subint_magic, name)
        if isinstance(thing, FunctionType):
            yield name, thing
        elif inspect.isclass(thing):
            fields = inspect.get_annotations(thing)
            for attribute, value in vars(thing).items():
                method = getattr(value, "__func__", getattr(value, "fget", value))
                public = not attribute.startswith("_") and attribute not in fields
                if public and isinstance(method, FunctionType):
                    yield f"{name}.{attribute}", method


@pytest.mark.parametrize("name", subint_magic.__all__)
def test_public_names_and_their_fields_are_documented(name: str):
    thing = getattr(subint_magic, name)
    if inspect.isclass(thing):
        assert thing.__doc__
        for field in inspect.get_annotations(thing):
            assert field.startswith("_") or named(field, thing.__doc__), field


@pytest.mark.parametrize(("name", "function"), list(functions()))
def test_functions_and_their_parameters_are_documented(name: str, function: FunctionType):
    assert function.__doc__
    for parameter in inspect.signature(function).parameters:
        assert parameter in ("self", "cls") or named(parameter, function.__doc__), parameter


def named(name: str, text: str) -> bool:
    return re.search(rf"\b{name}\b", text) is not None
