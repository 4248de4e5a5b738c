"""Rich output: what a cell in an actor shows is what a plain cell shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .comparing import shown

if TYPE_CHECKING:
    from .harness import Kernel

CLASSES = """\
from IPython.display import HTML, Image, Markdown, clear_output, display, update_display
class Rich:
    def _repr_html_(self): return "<b>ü</b>"
    def _repr_png_(self): return b"\\x89PNG", {"width": 3}
    def __repr__(self): return "Rich()"
class Bundle:
    def _repr_mimebundle_(self, **options): return {"text/x": "x", "a/json": {"a": [1]}}, {"m": 1}
class Own:
    def _ipython_display_(self): display("it", display_id="own")
class Pretty:
    def _repr_pretty_(self, printer, cycle): printer.text("pretty")
def function(a, b=1): pass
"""

CELLS = [
    "Rich()",
    "Bundle()",
    "Own()",
    "Pretty(), [Pretty()]",
    "HTML('<i>x</i>')",
    "Markdown('# x')",
    "Image(data=b'\\x89PNG\\r\\n\\x1a\\n' + b'0' * 50, format='png')",
    "{3, 1, 2}, frozenset({1})",
    "{i: 'x' * i for i in range(20)}",
    "list(range(60))",
    "[['x' * 30] * 3]",
    "'x' * 200, b'bytes', 1.5, None, True, 2j",
    "int, [Rich, str], function, len, function.__name__, ...",
    "import datetime, collections; datetime.date(2020, 1, 2), collections.Counter('aab')",
    "ValueError('x'), range(3), slice(1)",
    "print('a')\ndisplay(Rich(), 1)\nprint('b')\nRich();",
    "h = display('one', display_id='x')\nh.update('two')\nupdate_display('three', display_id='x')",
    "display('gone')\nclear_output(wait=True)\nprint('here')",
    "!echo hi; exit 3",
    "x = !echo a; echo b\nx",
    "%time 1 + 1",
    "%%time\nx = 5\nx",
    "%%timeit -n1 -r1 -q\n1",
    "%env HOME",
    "%precision 3",
    "1.23456, %precision",
    "%precision",
    "%%capture caught\nprint('x'); display(Rich()); 5",
    "caught.stdout, len(caught.outputs), caught.outputs[0].data['text/html']",
    "%%bash\necho out\necho err >&2",
    "imaginary = 2j\n%who_ls complex",
    "%nosuch",
    "  indented = 1\n  indented",
    "x = = 1",
    "print('a')\n%time\nx = !ls\ny = (1 +* 2)",
    "class R:\n    def __repr__(self): return 1/0\nR()",
    "import rich; rich.print('[b]x[/b]', [1])",
    "import sys\nfor i in range(3): sys.stderr.write(f'\\r{i}')",
]


def test_plain_cells_and_cells_of_an_actor_show_the_same(kernel: Kernel):
    for source in (CLASSES, *CELLS):
        expected = kernel.run(source)
        ours = kernel.run(f"%%subint -n a\n{source}")
        assert shown(ours) == shown(expected), source
        assert ours.status == expected.status


def test_displays_can_be_updated_from_other_cells(kernel: Kernel):
    first = kernel.ok("%%subint -n a\nh = display('one', display_id='x')")
    later = kernel.ok("%%subint -n a\nh.update('two')")
    assert shown(first) == [["display_data", {"text/plain": "'one'"}, {}, "display 0"]]
    assert shown(later) == [["update_display_data", {"text/plain": "'two'"}, {}, "display 0"]]
    assert later.messages[0][1]["transient"] == {"display_id": "x"}


def test_displays_can_be_captured(kernel: Kernel):
    kernel.ok("%%capture caught\n%%subint\ndisplay('d', display_id='x')\nprint('p')\n'v'")
    told = "[(o.data, o.transient if hasattr(o, 'transient') else None) for o in caught.outputs]"
    assert "{'text/plain': \"'d'\"}" in kernel.ok(told).results[0]
    assert kernel.ok("caught.stdout").results == ["'p\\n'"]


def test_the_value_in_out_has_all_forms(kernel: Kernel):
    kernel.ok("%%subint\nclass C:\n    def _repr_html_(self): return '<b>x</b>'\nC()")
    cell = kernel.ok("_")
    assert cell.messages[0][1]["data"]["text/html"] == "<b>x</b>"


def test_what_is_displayed_after_the_value_comes_after_it(kernel: Kernel):
    kernel.ok(
        "%%subint -n a\nget_ipython().events.register('post_execute', lambda: display('figure'))"
    )
    for prefix in ("", "%%time\n"):
        cell = kernel.ok(f"{prefix}%%subint -n a\n'value'")
        assert [piece[0] for piece in shown(cell) if piece[0] != "stdout"] == [
            "execute_result",
            "display_data",
        ]
    assert [piece[0] for piece in shown(kernel.ok("%%subint -n a\nx = 1"))] == ["display_data"]


def test_a_failure_after_the_value_leaves_it_and_what_follows(kernel: Kernel):
    kernel.ok(
        "%%subint -n a\nget_ipython().events.register('post_execute', lambda: display('figure'))"
    )
    for prefix in ("", "%%time\n"):
        cell = kernel.run(f"{prefix}%%subint -n a -o never\n'value'")
        pieces = [piece for piece in shown(cell) if piece[0] == "display_data"]
        assert [piece[1]["text/plain"] for piece in pieces] == ["'value'", "'figure'"]
        assert (cell.status, cell.stderr) == (
            "error",
            "UsageError: output 'never' was never set in the actor.\n",
        )


def test_the_histories_have_the_numbers_that_the_user_sees(kernel: Kernel):
    cell = kernel.ok("%%subint -n a\n'first'")
    (content,) = [content for kind, content in cell.messages if kind == "execute_result"]
    number = content["execution_count"]
    kernel.ok("'not of the actor'")
    told = kernel.ok(f"%%subint -n a\nOut[{number}], In[{number}], _{number}, _, len(Out)")
    assert told.results == ["('first', \"'first'\", 'first', 'first', 1)"]


@pytest.mark.parametrize(
    "source",
    [
        "from rich.progress import track\nfor i in track(range(3)): pass",
        "from tqdm import tqdm\nfor i in tqdm(range(3)): pass",
        "import IPython\nfrom tqdm.auto import tqdm\nfor i in tqdm(range(3)): pass",
        "from tqdm.notebook import tqdm\nfor i in tqdm(range(3)): pass",
    ],
    ids=["rich", "tqdm", "tqdm.auto", "tqdm.notebook"],
)
def test_progress_is_shown_without_widgets(kernel: Kernel, source: str):
    cell = kernel.ok(f"%%subint\n{source}")
    pieces = shown(cell)
    text = "".join(piece[1] for piece in pieces if piece[0] == "stderr") + "".join(
        piece[1]["text/plain"] for piece in pieces if piece[0] == "update_display_data"
    )
    assert "100%" in text
    assert "Warning" not in text
    assert "vnd.jupyter.widget" not in str(pieces)


def test_a_widget_is_shown_as_text(kernel: Kernel):
    cell = kernel.ok(
        "%%subint\nimport ipywidgets\nout = ipywidgets.Output()\ndisplay(out)\n"
        "with out:\n    display('inside')\nipywidgets.IntSlider(value=3)"
    )
    assert shown(cell) == [
        ["display_data", {"text/plain": ""}, {}, "display 0"],
        ["update_display_data", {"text/plain": "'inside'"}, {}, "display 0"],
        ["execute_result", {"text/plain": "IntSlider(value=3)"}, {}],
    ]
