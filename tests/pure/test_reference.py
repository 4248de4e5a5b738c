"""The reference has an example of all that there is."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import nbformat
import pytest

from subint_magic.notebook.magics import SubintMagics
from subint_magic.runtime.imports import AUTO
from subint_magic.spawn import SpawnMethodKey

if TYPE_CHECKING:
    from collections.abc import Iterator

REFERENCE = Path(__file__).parents[2] / "notebooks" / "reference.ipynb"


@pytest.fixture(scope="module")
def lines() -> set[str]:
    """The lines of code that call a magic."""
    cells = nbformat.read(REFERENCE, as_version=4).cells
    code = "\n".join(cell.source for cell in cells if cell.cell_type == "code")
    return {line for line in code.splitlines() if line.startswith("%")}


def flags() -> Iterator[tuple[str, str]]:
    for magic in ("subint", "subints", "spawn_backend"):
        parser = getattr(SubintMagics, magic).parser
        for action in parser._actions:
            for flag in action.option_strings:
                yield magic, flag


def words() -> Iterator[tuple[str, str]]:
    """What may come first after a magic."""
    (action,) = [a for a in SubintMagics.subints.parser._actions if a.dest == "action"]
    for word in action.choices:
        yield "subints", word
    for key in (*get_args(SpawnMethodKey), AUTO):
        yield "spawn_backend", key


@pytest.mark.parametrize(("magic", "flag"), [*flags()])
def test_each_flag_has_an_example(magic: str, flag: str, lines: set[str]):
    assert any(re.match(rf"%%?{magic}\b.* {flag}(\s|$)", line) for line in lines)


@pytest.mark.parametrize(("magic", "word"), [*words()])
def test_each_action_and_backend_has_an_example(magic: str, word: str, lines: set[str]):
    assert any(re.match(rf"%{magic} {word}(\s|$)", line) for line in lines)


@pytest.mark.parametrize("magic", ["subint", "subints", "spawn_backend"])
def test_each_magic_has_an_example_without_anything(magic: str, lines: set[str]):
    assert lines & {f"%{magic}", f"%%{magic}"}


@pytest.mark.parametrize("setting", sorted(SubintMagics.class_traits(config=True)))
def test_each_setting_has_an_example(setting: str, lines: set[str]):
    assert any(line.startswith(f"%config SubintMagics.{setting} = ") for line in lines)
