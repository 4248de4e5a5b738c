"""What a cell shows: its last expression, and what it displays."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import trio

from subint_magic._child.frames import OUTPUT_LIMIT
from subint_magic.errors import CellError
from subint_magic.testing.contract._base import Contract, Reader, expect_cancelled
from subint_magic.wire.messages import ClearOutput, Display, Dropped, Output, Result

if TYPE_CHECKING:
    from subint_magic.runtime.actor import Actor

LOADED = "import sys\n[name for name in ('IPython', 'traitlets') if name in sys.modules]"

RICH = """\
class Rich:
    def _repr_html_(self): return "<b>ü</b>"
    def _repr_png_(self): return b"\\x89PNG", {"width": 3}
    def _repr_json_(self): return {"set": {1}, "big": 2**70, 1: (None,)}
    def __repr__(self): return "Rich()"
class Own:
    def _ipython_display_(self): display("it")
class Half:
    def _repr_html_(self): 1/0
    def __repr__(self): return "half"
class Odd:
    def _repr_json_(self): return {"a": object}
    def __repr__(self): return "odd"
"""

DISPLAYS = """\
import sys
from IPython.display import clear_output
print('a')
display('b')
print('c', file=sys.stderr)
print('d')
handle = display('e', display_id='x')
handle.update('f')
clear_output(wait=True)
'g'
"""

EVENTS = """\
events = get_ipython().events
events.register('pre_run_cell', lambda info: print('pre', info.raw_cell))
events.register('post_execute', lambda: print('post'))
"""

SLOW_IMPORT = """\
import sys
from importlib.machinery import PathFinder
class Slow:
    def find_spec(self, name, path, target=None):
        if name == "IPython.core.page":
            sys.meta_path.remove(self)
            spec = PathFinder.find_spec(name, path)
            execute = spec.loader.exec_module
            def exec_module(module):
                print("importing")
                while spins: pass
                execute(module)
            spec.loader.exec_module = exec_module
            return spec
sys.meta_path.insert(0, Slow())
"""


class DisplayContract(Contract):
    """What a cell shows: its last expression, and what it displays."""

    async def test_a_plain_cell_does_not_load_ipython(self, actor: Actor) -> None:
        assert (await actor.run_cell(f"print(1)\n{LOADED}")).value == "[]"
        assert (await actor.run_cell("{'a': [1, (2.5, None)]}")).value == "{'a': [1, (2.5, None)]}"
        assert (await actor.run_cell(LOADED)).value == "[]"

    async def test_all_forms_of_a_value_arrive(self, actor: Actor) -> None:
        result = await actor.run_cell(f"{RICH}Rich()")
        assert result.value == "Rich()"
        assert result.data == {
            "text/plain": "Rich()",
            "text/html": "<b>ü</b>",
            "image/png": b"\x89PNG",
            "application/json": {"set": [1], "big": 2.0**70, 1: [None]},
        }
        assert result.metadata == {"image/png": {"width": 3}}

        result = await actor.run_cell("Own()")
        assert [event.data for event in result.outputs if isinstance(event, Display)] == [
            {"text/plain": "'it'"}
        ]
        assert (result.value, result.data) == (None, {})

        reader = Reader()
        with pytest.raises(CellError, match="ZeroDivisionError"):
            await actor.run_cell("Half()", sink=reader)
        assert reader.events == [Result(3, {"text/plain": "half"}, {})]

        for source in ("Odd()", "display(Odd())"):
            with pytest.raises(CellError, match="<class 'object'> of type type cannot be shown"):
                await actor.run_cell(source)
        with pytest.raises(CellError) as caught:
            await actor.run_cell("display({'text/plain': 'x' * (64 << 20)}, raw=True)")
        assert caught.value.message == (
            "what this cell shows has 67,108,935 bytes; an actor can show 67,108,864 at once."
            " Show less of it, or write it to a file."
        )

    async def test_displays_keep_their_order_with_text(self, actor: Actor) -> None:
        reader = Reader()
        await actor.run_cell(DISPLAYS, sink=reader)
        await actor.run_cell("handle.update('h')", sink=reader)
        assert [
            event.text
            if isinstance(event, Output | Result)
            else (event.data["text/plain"], event.display_id, event.update)
            if isinstance(event, Display)
            else event
            for event in reader.joined
        ] == [
            "a\n",
            ("'b'", None, False),
            "c\n",
            "d\n",
            ("'e'", "x", False),
            ("'f'", "x", True),
            ClearOutput(1, wait=True),
            "'g'",
            ("'h'", "x", True),
        ]

    async def test_a_semicolon_silences(self, actor: Actor) -> None:
        for source in ("1;", "1 ; # x", "'ü' ;\n\n# x", "(1\n);", "x = 2; 1;"):
            assert (await actor.run_cell(source)).value is None, source
        for source in ("1 # ;", "x = 2; 1", "1;1", "(1)\n# ;"):
            assert (await actor.run_cell(source)).value == "1", source

    async def test_our_extension_is_nothing_in_an_actor(self, actor: Actor) -> None:
        for magic in ("load_ext", "reload_ext", "unload_ext"):
            source = f"get_ipython().run_line_magic({magic!r}, 'subint_magic')"
            result = await actor.run_cell(source)
            assert (result.value, result.stdout, result.stderr) == (None, "", "")
        with pytest.raises(CellError, match="%subints is for the notebook's kernel"):
            await actor.run_cell("get_ipython().run_line_magic('subints', '')")

    async def test_displays_count_against_the_limit(self, actor: Actor) -> None:
        reader = Reader()
        async with trio.open_nursery() as tasks:
            source = "x = {'text/plain': 'x' * 10**6}\nwhile True: display(x, raw=True)"
            tasks.start_soon(expect_cancelled, actor, source, reader)
            await reader.read_any(Dropped)
            actor.interrupt()
        displays = [event for event in reader.events if isinstance(event, Display)]
        assert len(displays) == OUTPUT_LIMIT // 10**6
        assert (await actor.run_cell("'alive'")).value == "'alive'"

    async def test_a_shell_of_ipython(self, actor: Actor) -> None:
        result = await actor.run_cell(
            "get_ipython().system('echo hi; echo err >&2; test -t 1; exit 3')\n"
            "x = get_ipython().getoutput('echo a; echo b')\n_exit_code, x"
        )
        assert result.stdout == "hi\r\nerr\r\n"
        assert result.value == "(3, ['a', 'b'])"

        for call, message in (
            (
                "run_cell_magic('subint', '', '1')",
                "%%subint is for the notebook's kernel: this cell runs in an actor",
            ),
            ("run_line_magic('nosuch', '')", "Line magic function `%nosuch` not found."),
            (
                "set_next_input('x')",
                "an actor cannot fill a cell of the notebook: do this without %%subint",
            ),
            *(
                (
                    f"run_line_magic('{name}', 'x')",
                    f"%{name} is set in the notebook: this cell runs in an actor",
                )
                for name in ("autoawait", "colors", "xmode")
            ),
            (
                "run_line_magic('edit', '')",
                "%edit needs an editor, and an actor has none: do this without %%subint",
            ),
            ("enable_gui('qt')", "an actor has no windows for 'qt': use %matplotlib inline"),
        ):
            with pytest.raises(CellError) as caught:
                await actor.run_cell(f"get_ipython().{call}")
            assert caught.value.traceback == f"UsageError: {message}\n"

        bash = "get_ipython().run_cell_magic('bash', '', 'echo out; echo err >&2')"
        result = await actor.run_cell(bash)
        assert (result.stdout, result.stderr) == ("out\n", "err\n")

        await actor.run_cell(EVENTS)
        assert (await actor.run_cell("print('x')")).stdout == "pre print('x')\nx\npost\n"
        reader = Reader()
        with pytest.raises(CellError):
            await actor.run_cell("1/0", sink=reader)
        assert reader.text == "pre 1/0\npost\n"

    async def test_a_command_can_be_stopped(self, actor: Actor) -> None:
        reader = Reader()
        source = "get_ipython().system('echo on; sleep 1000')"
        async with trio.open_nursery() as tasks:
            tasks.start_soon(expect_cancelled, actor, source, reader)
            await reader.read_until("on")
            actor.interrupt()
        assert (await actor.run_cell("'alive'")).value == "'alive'"

    async def test_a_cell_stopped_while_ipython_is_imported(self, actor: Actor) -> None:
        for source in (
            f"{SLOW_IMPORT}spins = True\nimport IPython",
            f"{SLOW_IMPORT}spins = False\ndisplay(1)\nwhile True: pass",
        ):
            reader = Reader()
            async with trio.open_nursery() as tasks:
                tasks.start_soon(expect_cancelled, actor, source, reader)
                await reader.read_until("importing")
                actor.interrupt()
        assert (await actor.run_cell("{1, 2}")).value == "{1, 2}"
