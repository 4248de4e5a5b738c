"""What may come next in the line of a magic."""

from argparse import ArgumentParser

import pytest

from subint_magic.notebook.completion import assigned_names, complete_line, option_value

PARSER = ArgumentParser(add_help=False)
PARSER.add_argument("-n", "--name")
PARSER.add_argument("-i", "--input", action="append")
PARSER.add_argument("-o", "--output", action="append")
PARSER.add_argument("--bg", action="store_true")
PARSER.add_argument("--loop", choices=["trio", "asyncio"])

ACTIONS = ArgumentParser(add_help=False)
ACTIONS.add_argument("action", nargs="?", choices=["close", "kill"])
ACTIONS.add_argument("names", nargs="*")
ACTIONS.add_argument("--all", action="store_true")

VALUES = {
    "name": lambda: ["main", "other"],
    "names": lambda: ["main", "other"],
    "input": lambda: ["data", "day", "model"],
    "output": lambda: ["result"],
}
LONG = ["--name", "--input", "--output", "--bg", "--loop"]


@pytest.mark.parametrize(
    ("typed", "fragment", "found"),
    [
        (" ", "", LONG),
        (" --", "--", LONG),
        (" --l", "--l", ["--loop"]),
        (" -n ", "", ["main", "other"]),
        (" -n ma", "ma", ["main"]),
        (" --name=ma", "ma", ["main"]),
        (" -n main", "main", []),
        (" --bg ", "", LONG),
        (" --loop t", "t", ["trio"]),
        (" -i ", "", ["data", "day", "model"]),
        (" -i da", "da", ["data", "day"]),
        (" -i data,", "", ["day", "model"]),
        (" -i data,da", "da", ["day"]),
        (" --input=data,m", "m", ["model"]),
        (" -n main -o r", "r", ["result"]),
        (" word", "word", []),
    ],
)
def test_flags_and_their_values(typed: str, fragment: str, found: list[str]):
    wanted = [text for text in found if text != fragment]
    got = complete_line(PARSER, VALUES, typed)
    assert (got[0], [text for text in got[1] if text != fragment]) == (fragment, wanted)


@pytest.mark.parametrize(
    ("typed", "fragment", "found"),
    [
        (" ", "", ["close", "kill"]),
        (" k", "k", ["kill"]),
        (" close ", "", ["main", "other"]),
        (" close main ", "", ["other"]),
        (" close --a", "--a", ["--all"]),
    ],
)
def test_actions_and_names(typed: str, fragment: str, found: list[str]):
    assert complete_line(ACTIONS, VALUES, typed) == (fragment, found)


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("-n main", "main"),
        ("--name main --wrong", "main"),
        ("--bg --name=main", "main"),
        ("-n", None),
        ("--bg", None),
    ],
)
def test_the_value_of_an_option_in_a_line(line: str, name: str | None):
    assert option_value(PARSER, line.split(), "name") == name


def test_names_that_a_cell_sets():
    body = "import a.b, c as d\nx, (y, z) = 1, (2, 3)\nfor i in y: w += 1\n"
    body += "def f(): no = 1\n[no for no in x]"
    assert assigned_names(body) == ["a", "d", "x", "y", "z", "i", "w", "f"]
    assert assigned_names("%matplotlib inline\nx = 1\ny == 2\n!ls") == ["x"]
