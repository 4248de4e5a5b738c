"""Which values a cell shows, and what is kept of them and of its text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from subint_magic.testing.contract._base import Contract, Reader
from subint_magic.testing.contract.cells.displays import LOADED
from subint_magic.wire.messages import PLAIN, Dropped, Frontend, Output, Result

if TYPE_CHECKING:
    from subint_magic.runtime.actor import Actor

SHOWN: list[tuple[str, str, list[str]]] = [
    ("all", "1\n2;", []),
    ("all", "async def f(): return 1\nawait f()\nawait f() + 1", ["1", "2"]),
    ("all", "from __future__ import annotations\n1", ["1"]),
    ("last", "1\nfor i in 'ab': i", ["'a'", "'b'"]),
    ("last", "1\nx = 2", []),
    ("last_expr", "1\nfor i in 'ab': i", []),
    ("last_expr", "1\n2", ["2"]),
    ("none", "1", []),
    ("last_expr_or_assign", "1\n2", ["2"]),
    ("last_expr_or_assign", "x = 1", ["1"]),
    ("last_expr_or_assign", "x = 1\nx += 1", ["2"]),
    ("last_expr_or_assign", "x: int = 3", ["3"]),
    ("last_expr_or_assign", "x = 1;", []),
    ("last_expr_or_assign", "x = y = 1", []),
    ("last_expr_or_assign", "x, y = 1, 2", []),
    ("last_expr_or_assign", "import sys", []),
    ("last_expr_or_assign", "", []),
]
"""`ast_node_interactivity`, a cell, and the values that it shows."""


async def _shown(actor: Actor, source: str, frontend: Frontend) -> list[str | None]:
    reader = Reader()
    await actor.run_cell(source, sink=reader, frontend=frontend)
    return [event.text for event in reader.events if isinstance(event, Result)]


class ShownContract(Contract):
    """Which values a cell shows, and what is kept of them and of its text."""

    async def test_the_histories_of_ipython(self, actor: Actor) -> None:
        await actor.run_cell("'a'", frontend=Frontend(3))
        await actor.run_cell("'b'")
        await actor.run_cell("'c'", frontend=Frontend(7))
        source = "_, __, ___, _3, _7, Out[2], In[7], In[4], _i, sorted(Out)"
        expected = repr(("c", "b", "a", "a", "c", "b", "'c'", "", "'c'", [2, 3, 7]))
        assert (await actor.run_cell(source, frontend=Frontend(9))).value == expected
        await actor.run_cell("_ = 'mine'")
        await actor.run_cell("1")
        assert (await actor.run_cell("_")).value == "'mine'"
        source = "s = get_ipython()\ns.user_ns['Out'] is Out is _oh, s.displayhook.prompt_count"
        assert (await actor.run_cell(source, frontend=Frontend(20))).value == "(True, 20)"
        assert (await actor.run_cell(source, frontend=Frontend(21))).value == "(True, 21)"

    async def test_the_histories_have_what_was_typed(self, actor: Actor) -> None:
        magic = "get_ipython().run_line_magic"
        await actor.run_cell(f"{magic}('pwd', '');", frontend=Frontend(3, raw="%pwd;\n"))
        source = "_i, _i3, In[3], get_ipython().history_manager.input_hist_raw[3]"
        expected = repr(("%pwd;", "%pwd;", f"{magic}('pwd', '');", "%pwd;"))
        told = await actor.run_cell(f"print(({source}))", frontend=Frontend(5))
        assert told.stdout == f"{expected}\n"
        told = await actor.run_cell(f"{magic}('history', '-n')", frontend=Frontend(7, raw="%hist"))
        assert told.stdout == f"   3: %pwd;\n   5: print(({source}))\n   7: %hist\n"
        told = await actor.run_cell(f"{magic}('rerun', '')", frontend=Frontend(8, raw="%rerun"))
        assert told.stdout.startswith("=== Executing: ===\n%hist\n=== Output: ===\n%pwd;\nprint(")
        told = await actor.run_cell(f"x = [1]\n{magic}('xdel', 'x')\n'x' in globals()")
        assert told.value == "False"

    async def test_more_than_the_last_value(self, actor: Actor) -> None:
        every = Frontend(interactivity="all")
        source = f"{LOADED}\nfor i in 'ab':\n    i\nprint('c')\nx = 1\nNone\n'd'"
        reader = Reader()
        await actor.run_cell(source, sink=reader, frontend=every)
        assert [
            (event.text, isinstance(event, Result) and event.last)
            for event in reader.joined
            if isinstance(event, Output | Result)
        ] == [("[]", False), ("'a'", False), ("'b'", False), ("c\n", False), ("'d'", True)]
        result = await actor.run_cell("_, __, ___, _1, list(Out.items())\nx = 2", frontend=every)
        assert [event.text for event in result.outputs if isinstance(event, Result)] == [
            "('d', 'b', 'a', 'd', [(1, 'd')])"
        ]
        assert (result.value, result.data) == (None, {})

    async def test_which_values_are_shown(self, actor: Actor) -> None:
        for interactivity, source, expected in SHOWN:
            shown = await _shown(actor, source, Frontend(interactivity=interactivity))
            assert shown == expected, (interactivity, source)

    async def test_an_actor_may_show_other_values_than_the_notebook(self, actor: Actor) -> None:
        every, config = Frontend(interactivity="all"), "get_ipython().ast_node_interactivity"
        assert await _shown(actor, f"1\n{config}", every) == ["1", "'all'"]
        assert await _shown(actor, f"1\n{config}", PLAIN) == ["'last_expr'"]
        assert await _shown(actor, f"1\n{config} = 'none'", every) == ["1"]
        assert await _shown(actor, f"1\n{config}", every) == []
        assert await _shown(actor, "1", PLAIN) == []

    async def test_what_code_of_a_cell_shows_itself(self, actor: Actor) -> None:
        source = "import sys\nsys.displayhook(1)\nget_ipython().run_cell('1 + 1').result + 1"
        assert (await actor.run_cell(source)).value == "3"
        assert await _shown(actor, source, PLAIN) == ["1", "2", "3"]

    async def test_a_value_without_a_text_does_not_stop_the_cell(self, actor: Actor) -> None:
        reader = Reader()
        source = "class R:\n    def __repr__(self): 1 / 0\nR()\n2"
        await actor.run_cell(source, sink=reader, frontend=Frontend(interactivity="all"))
        assert "ZeroDivisionError" in reader.text
        assert [event.text for event in reader.events if isinstance(event, Result)] == ["2"]

    async def test_more_values_count_against_the_limit(self, actor: Actor) -> None:
        reader = Reader()
        source = "for i in range(100): 'x' * 1000"
        every = Frontend(interactivity="all")
        await actor.run_cell(source, sink=reader, frontend=every, output_limit=10_000)
        assert 0 < sum(isinstance(event, Result) for event in reader.events) < 10
        assert any(isinstance(event, Dropped) for event in reader.events)
