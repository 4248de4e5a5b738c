"""What is plain, so that it needs no IPython; and when a cell is silent."""

from __future__ import annotations

import ast

import pytest
from IPython.lib.pretty import pretty

from subint_magic._child.display.hook import ends_in_semicolon, is_plain

PLAIN = [
    *(None, True, -1, 1.5, 2j, "ü\n'", b"\x00", "x" * 500),
    *([], (), {}, [1], (1,), {1: 2}, [[], (1, {2: "3"})]),
    *(list(range(24)), ["x" * 72], tuple("x" * 12), dict.fromkeys(range(6), "ab")),
]


class Int(int):
    def __repr__(self) -> str:
        return "Int"


class List(list[object]):
    pass


@pytest.mark.parametrize("value", PLAIN, ids=lambda value: repr(value)[:20])
def test_ipython_shows_what_is_plain_as_its_repr(value: object):
    if is_plain(value):
        assert pretty(value) == repr(value)
    else:
        assert len(repr(value)) > 72, "short ones are plain"


@pytest.mark.parametrize("width", range(76, 84))
@pytest.mark.parametrize("kind", [list, tuple, dict])
def test_what_ipython_would_wrap_is_not_plain(width: int, kind: type):
    value = {1: "a", 2: ""} if kind is dict else kind(["a", ""])
    text = "x" * (width - len(repr(value)))
    value = {1: "a", 2: text} if kind is dict else kind(["a", text])
    assert len(repr(value)) == width
    assert not is_plain(value) or pretty(value) == repr(value)


recursive: list[object] = []
recursive.append(recursive)


@pytest.mark.parametrize(
    "value",
    [{1}, Int(3), [Int(3)], List(), int, len, ValueError(), recursive, [[[[1]]]], {Int(3): 1}],
    ids=str,
)
def test_all_else_is_for_ipython(value: object):
    assert not is_plain(value)


@pytest.mark.parametrize(
    ("source", "silent"),
    [
        ("1;", True),
        ("'ü' ; # x", True),
        ("(1\n) \\\n ;\n# x", True),
        ("'''a\nb''';", True),
        ("1", False),
        ("1 # ;", False),
        ("x = 1; 1", False),
        ("1\n# ;", False),
        ("';'", False),
    ],
)
def test_a_semicolon_after_the_last_expression(source: str, silent: bool):
    assert ends_in_semicolon(source, ast.parse(source).body[-1]) is silent
