"""Calls of functions that cannot work are refused before anything runs."""

from __future__ import annotations

import importlib
import linecache
import sys
from typing import TYPE_CHECKING, Any

import pytest

from subint_magic import ImportRefused, map as subint_map, subint
from subint_magic.runtime.functions import default
from subint_magic.runtime.imports import Import, choice, imports_for
from subint_magic.runtime.imports.bodies import imports_in_body
from subint_magic.runtime.imports.known import REFUSED
from subint_magic.spawn import default_start_method

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

pytestmark = pytest.mark.skipif(
    default_start_method() != "subint", reason="sub-interpreters cannot run here"
)

ISOLATED = "an isolated sub-interpreter"
WHY = f"its extension module {REFUSED['numpy']} refuses to."
AUTO = f"auto: mp_forkserver, as numpy cannot load in {ISOLATED}\n"


@pytest.fixture(autouse=True)
def own_host(no_leaks: None) -> Iterator[None]:
    """End what the first call has started."""
    yield
    default.stop()


@pytest.fixture
def notebook(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], dict[str, Any]]:
    """Runs cells, whose source can be looked at."""
    number = 0

    def run(source: str) -> dict[str, Any]:
        nonlocal number
        number += 1
        name = f"<cell {number} of a test>"
        lines = source.splitlines(keepends=True)
        monkeypatch.setitem(linecache.cache, name, (len(source), None, lines, name))
        main: dict[str, Any] = {"__name__": "__main__", "subint": subint}
        exec(compile(source, name, "exec", dont_inherit=True), main)
        return main

    return run


def refused(call: Callable[..., object], *args: object) -> str:
    with pytest.raises(ImportRefused) as caught:
        call(*args)
    return str(caught.value)


NUMPY = """
@subint(spawn_method="subint")
def f(x=3):
    print("ran")
    import numpy as np
    return int(np.ones(x).sum())
"""


def test_a_call_is_refused_before_anything_ran(
    notebook: Callable[[str], dict[str, Any]], capsys: pytest.CaptureFixture[str]
):
    f = notebook(NUMPY)["f"]
    message = (
        f"numpy cannot load in {ISOLATED}: {WHY}"
        " Use a process: @subint(spawn_method='mp_forkserver') (check=False: run it anyway)."
    )
    assert refused(f) == message
    assert refused(f.map, [1]) == message
    assert refused(subint_map, f, [1]) == message.replace("@subint(", "map(…, ")
    assert capsys.readouterr() == ("", "")


def test_so_is_one_whose_arguments_need_what_cannot_load():
    import numpy

    start = f"numpy cannot load in {ISOLATED}"
    for call in (
        lambda: subint(spawn_method="subint")(len)(numpy.ones(1)),
        lambda: subint(spawn_method="subint")(print)(end=[numpy.ones(1)]),
        lambda: subint(spawn_method="subint")(len).map([numpy.ones(1)]),
        lambda: subint_map(numpy.sin, [1], spawn_method="subint"),
    ):
        assert refused(call).startswith(start)


def test_for_an_actor_that_lives_the_line_says_how_to_get_another(
    notebook: Callable[[str], dict[str, Any]],
):
    named = NUMPY.replace("@subint(", "@subint(name='w', ")
    notebook(named.replace("import numpy as np", "return"))["f"]()
    assert refused(notebook(named)["f"]) == (
        f"numpy cannot load in actor 'w', {ISOLATED}: {WHY} Close it first (%subints close w) and"
        " start it with spawn_method='mp_forkserver', or choose another name"
        " (check=False: run it anyway)."
    )


def test_the_check_can_be_left_out_and_the_error_says_where_it_loads(
    notebook: Callable[[str], dict[str, Any]], capsys: pytest.CaptureFixture[str]
):
    source = NUMPY.replace("@subint(", "@subint(check=False, ").replace("numpy as np", "readline")
    with pytest.raises(ImportError) as caught:
        notebook(source)["f"]()
    assert caught.value.__notes__[-1] == (
        f"\nreadline cannot load in {ISOLATED}: its extension module readline refuses to."
        " Use a process: @subint(spawn_method='mp_forkserver')."
    )
    assert capsys.readouterr() == ("ran\n", "")


def test_what_it_may_never_come_to_is_said(
    notebook: Callable[[str], dict[str, Any]], capsys: pytest.CaptureFixture[str]
):
    f = notebook(NUMPY.replace("import", "if x: return\n    import"))["f"]
    said = f"numpy may not load in {ISOLATED}: {WHY} The function runs all the same.\n"
    assert f() is None
    assert capsys.readouterr() == ("ran\n", said)
    assert f.map([1], actors=1) == [None]
    assert capsys.readouterr() == ("ran\n", said)


def test_auto_takes_the_cheapest_that_can(
    notebook: Callable[[str], dict[str, Any]],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
):
    import numpy

    monkeypatch.setattr(choice, "_chosen", set())
    f = notebook(NUMPY.replace('"subint"', '"auto"'))["f"]
    for call in (
        f,
        lambda: f.map([1], actors=1),
        lambda: subint(spawn_method="auto")(len)(numpy.ones(1)),
    ):
        call()
        assert capsys.readouterr().err == AUTO
    assert subint_map(float, numpy.ones(1), actors=1, spawn_method="auto") == [1.0]
    assert capsys.readouterr().err == AUTO.replace("cannot", "may not")  # its items may be anything
    assert repr(f) == "<subint function f on 'auto'>"
    assert subint_map(len, ["a"], actors=1, spawn_method="auto") == [1]
    assert capsys.readouterr().err == "auto: subint, the cheapest here\n"


def test_auto_takes_an_actor_that_is_there(capsys: pytest.CaptureFixture[str]):
    import numpy

    subint(name="w", spawn_method="trio")(len)("")
    assert subint(name="w", spawn_method="auto")(len)(numpy.ones(3)) == 3
    assert capsys.readouterr().err == ""


# what is looked at


def needs(names: dict[str, Any], *values: str, called: str = "") -> list[tuple[str, bool]]:
    found = imports_for([names[value] for value in values], names.get(called))
    return [(each.module, each.sure) for each in found]


def test_what_bodies_import(notebook: Callable[[str], dict[str, Any]]):
    names = notebook(
        """
import functools
def f():
    import numpy, json
    def inner():
        import pandas
    if inner: import zmq
    try: import psutil
    except ImportError: pass
async def g():
    '''
not indented'''
    from matplotlib import pyplot
def uses(): return g, decorated
@subint
def decorated():
    import PIL.Image
class C:
    def m(self):
        '''
not indented'''
        import numpy
c = C()
m, p = c.m, functools.partial(f, 1)
def early(x):
    with x:
        import numpy
        return 1
    import pandas
lambda_ = lambda: f
"""
    )
    of_f = [("numpy", True), ("pandas", False), ("zmq", False)]
    unsure = [(name, False) for name, _ in of_f]
    assert needs(names, "f", called="f") == of_f
    assert needs(names, "f") == unsure
    assert needs(names, "g", called="g") == [("matplotlib", True)]
    assert needs(names, "uses", called="uses") == [("matplotlib", False), ("PIL.Image", False)]
    assert needs(names, "decorated", called="decorated") == [("PIL.Image", True)]
    assert needs(names, "m", called="m") == [("numpy", True)]
    assert needs(names, "c") == needs(names, "C") == [("numpy", False)]
    assert needs(names, "p", called="p") == of_f
    assert needs(names, "early", called="early") == [("numpy", True), ("pandas", False)]
    assert needs(names, "lambda_", called="lambda_") == unsure


def test_what_functions_classes_and_objects_use(notebook: Callable[[str], dict[str, Any]]):
    names = notebook(
        """
import numpy as np, pandas as pd, functools, zmq, json
def f(): return g
def g(): return np
def default(x=pd.DataFrame): pass
def annotated(x: np.ndarray): pass
def noted(): pass
noted.note = [pd.NA]
class C:
    @property
    def p(self): return zmq
    @staticmethod
    def s(): return pd
class D(C): pass
class Frame(pd.DataFrame): pass
class Box:
    def __init__(self, x): self.x = x
class Empty(Box):
    def __getstate__(self): return None
d, box, empty, frame = D(), Box(np.ones(1)), Empty(np.ones(1)), Frame()
p = functools.partial(len, np.ones(1))
data = [1, "x", None, json, {"nested": np}]
many = [np.ones(1)] * 3 + [d, len]
"""
    )
    for name, modules in {
        "f": ["numpy"],
        "default": ["pandas"],
        "annotated": ["numpy"],
        "noted": ["pandas"],
        "d": ["zmq", "pandas"],
        "Frame": ["pandas"],
        "frame": ["pandas"],
        "box": ["numpy"],
        "empty": [],
        "p": ["numpy"],
        "data": [],
        "many": ["numpy", "zmq", "pandas"],
    }.items():
        assert needs(names, name) == [(module, True) for module in modules], name


@pytest.mark.skipif(sys.version_info < (3, 14), reason="annotations are evaluated at once")
def test_annotations_that_cannot_be_evaluated_need_nothing(
    notebook: Callable[[str], dict[str, Any]],
):
    assert needs(notebook("def f(x: nowhere): pass"), "f") == []


def test_a_function_that_a_decorator_has_replaced_goes_by_value(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "works.py").write_text(
        "import subint_magic, psutil\n@subint_magic.subint\ndef f(): return psutil\n"
        "def g():\n    import zmq\n"
    )
    works = importlib.import_module("works")
    assert imports_for([works.f]) == (Import("psutil"),)
    assert imports_for([works.g], called=works.g) == (Import("works"), Import("zmq"))


@pytest.mark.parametrize("now", ["def g():\n    import zmq", '"""\n\n', "x = (\n"])
def test_a_function_whose_file_has_changed_since(
    now: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    file = tmp_path / "changing.py"
    file.write_text("def f():\n    import psutil")
    monkeypatch.syspath_prepend(tmp_path)
    module = importlib.import_module("changing")
    del sys.modules["changing"]
    assert imports_in_body(module.f) == (Import("psutil"),)
    file.write_text(now)
    assert imports_in_body(module.f) == ()
