"""What a cell imports, and which of it is known; nothing is tried here."""

from __future__ import annotations

import sys
from importlib.util import find_spec

import pytest

from subint_magic.runtime.imports import Import, imports_of
from subint_magic.runtime.imports.known import GOOD, REFUSED


def statements(source: str) -> list[str]:
    return [each.statement for each in imports_of(source)]


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("import numpy as np, os, pandas", ["import numpy", "import pandas"]),
        ("import matplotlib.pyplot as plt", ["import matplotlib.pyplot"]),
        ("from PIL import Image, ImageDraw", ["from PIL import Image, ImageDraw"]),
        ("x = 1; from numpy import *", ["from numpy import *"]),
        ("from pandas import (\n    DataFrame,\n)", ["from pandas import DataFrame"]),
        ("from numpy \\\n  import random", ["from numpy import random"]),
        ("import os, \\\n  numpy", ["import numpy"]),
        ("import curses.ascii", ["import curses.ascii"]),
        ("def f():\n    import numpy", ["import numpy"]),
        ("async def f():\n    async with a:\n        import numpy", ["import numpy"]),
        ("if x:\n    pass\nelse:\n    import numpy", ["import numpy"]),
        ("match x:\n    case 1:\n        import numpy", ["import numpy"]),
        ("try:\n    import numpy\nexcept ValueError:\n    pass", ["import numpy"]),
        ("try:\n    pass\nfinally:\n    import numpy", ["import numpy"]),
        ("import numpy\nimport numpy\nawait x", ["import numpy"]),
        ("with suppress(KeyError):\n    import numpy", ["import numpy"]),
    ],
)
def test_what_may_be_imported_counts(source: str, found: list[str]):
    assert statements(source) == found


@pytest.mark.parametrize(
    ("source", "sure"),
    [
        ("for x in y:\n    import numpy", True),
        ("class A:\n    with b:\n        import numpy", True),
        ("def f():\n    import numpy", False),
        ("class A:\n    async def f():\n        with b:\n            import numpy", False),
        ("if x:\n    for y in z:\n        import numpy", False),
        ("if x:\n    pass\nelse:\n    import numpy", False),
        ("if TYPE_CHECKING:\n    pass\nelse:\n    import numpy", True),
        ("match x:\n    case 1:\n        import numpy", False),
        ("try:\n    import numpy\nexcept ValueError:\n    pass", True),
        ("try:\n    pass\nexcept ValueError:\n    import numpy", False),
        ("def f():\n    import numpy\nimport numpy", True),
        ("import numpy\ndef f():\n    import numpy", True),
    ],
)
def test_what_the_cell_may_never_come_to_is_not_sure(source: str, sure: bool):
    assert [each.sure for each in imports_of(source)] == [sure]


@pytest.mark.parametrize(
    "source",
    [
        "import os, sys, json.decoder\nfrom pathlib import Path\nimport trio, tqdm.auto",
        "text = '''\nimport numpy\n'''",
        "x = 1  # import numpy",
        "import no_such_module_anywhere",
        "from . import numpy",
        "import __main__",
        "try:\n    import numpy\nexcept ImportError:\n    import pandas",
        "try:\n    import numpy\nexcept (ValueError, ModuleNotFoundError):\n    numpy = None",
        "try:\n    import numpy\nexcept:\n    pass\nelse:\n    import pandas",
        "with contextlib.suppress(ImportError):\n    import numpy",
        "if TYPE_CHECKING:\n    import numpy",
        "if typing.TYPE_CHECKING:\n    import numpy\nelse:\n    import os",
    ],
)
def test_what_is_no_matter_does_not_count(source: str):
    assert statements(source) == []


def test_what_is_not_python_is_said():
    with pytest.raises(SyntaxError):
        imports_of("import numpy\nf(")


def test_most_cells_are_not_even_parsed():
    assert statements("import os\nf(") == []


def test_the_modules_that_an_import_may_load():
    assert Import("a.b", ("c", "d")).modules == ["a", "a.b", "a.b.c", "a.b.d"]


def test_the_table_names_no_module_twice():
    assert not {module for module in REFUSED if module in GOOD} - set(sys.stdlib_module_names)
    for module in sys.stdlib_module_names & set(REFUSED):
        assert find_spec(module)
