"""What is known of modules is true, and what is not known is found out."""

from __future__ import annotations

import os
import sys
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest
import trio

from subint_magic.errors import ImportRefused
from subint_magic.runtime.imports import Import, check, check_imports, find_obstacle, imports_for
from subint_magic.runtime.imports.known import GOOD, HALF, REFUSED
from subint_magic.runtime.imports.probe import Verdict, probe, refusal
from subint_magic.spawn import default_start_method

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(
    default_start_method() != "subint", reason="sub-interpreters cannot run here"
)

INSTALLED = [
    "PIL.Image",
    "curses",
    "faulthandler",
    "matplotlib",
    "msgspec",
    "numpy",
    "pandas",
    "polars",
    "psutil",
    "pyarrow",
    "readline",
    "tracemalloc",
    "zmq",
]
NUMPY = REFUSED["numpy"]
PATIENCE = 60.0


@pytest.fixture
def modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory whose modules can be imported."""
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


async def test_the_table_is_true():
    verdicts = await probe([Import(name) for name in INSTALLED], "isolated", PATIENCE)
    for name, verdict in zip(INSTALLED, verdicts, strict=True):
        assert verdict == Verdict(
            refusal(name, REFUSED[name], half=name in HALF), loaded=verdict.loaded
        )


async def test_modules_that_are_good_load():
    names = ["attr", "cloudpickle", "jinja2", "msgpack", "rich", "tornado.web", "tqdm.auto"]
    for verdict in await probe([Import(name) for name in names], "isolated", PATIENCE):
        assert verdict is not None
        assert verdict.problem == ""
    assert {name.partition(".")[0] for name in names} <= GOOD


async def test_the_reason_is_the_innermost(modules: Path):
    sources = {
        "stands_on_numpy": "import numpy",
        "can_do_without": "try:\n    import numpy\nexcept ImportError:\n    numpy = None",
        "takes_signals": "import signal\nsignal.signal(signal.SIGUSR1, signal.SIG_IGN)",
        "half": "try:\n    import zmq\nexcept ImportError:\n    import warnings\n"
        "    warnings.warn('slow')",
        "broken": "1 / 0",
        "prints": "import sys\nprint('x')\nsys.stdin.read()\nsys.exit('y')",
    }
    for name, source in sources.items():
        (modules / f"{name}.py").write_text(source)
    imports = [Import(name) for name in [*sources, "no_such_module"]]
    verdicts = await probe(imports, "isolated", PATIENCE)
    assert [verdict and verdict.problem for verdict in verdicts] == [
        f"{NUMPY}, an extension module that it needs, refuses to",
        "",
        "its import raises ValueError: signal only works in main thread of the main interpreter",
        f"it would import, but without its extension module {REFUSED['zmq']}, and fail on use",
        "",  # as anywhere else
        "",
        "",
    ]


async def test_a_crash_is_certain_and_hurts_nobody(modules: Path):
    (modules / "crash.py").write_text("import os\nos.kill(os.getpid(), 11)")
    first, crash, last = await probe([Import("this"), Import("crash"), Import("zmq")], "isolated")
    assert first == Verdict()
    assert crash is not None
    assert (crash.problem, crash.certain) == (
        "its import crashed the process that tried it (killed by SIGSEGV)",
        True,
    )
    assert last is None  # not tried


async def test_a_hang_is_not(modules: Path):
    (modules / "hang.py").write_text("while True: pass")
    (verdict,) = await probe([Import("hang")], "isolated", patience=0.2)
    assert verdict is not None
    assert (verdict.problem, verdict.certain) == ("its import took longer than 0.2 s", False)


async def test_a_cancelled_probe_leaves_nothing(modules: Path, tmp_path: Path):
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    (modules / "hang.py").write_text(f"open({str(fifo)!r}, 'w').write('on')\nwhile True: pass")
    with trio.fail_after(PATIENCE):
        async with trio.open_nursery() as tasks:
            tasks.start_soon(probe, [Import("hang")], "isolated")
            assert await trio.to_thread.run_sync(fifo.read_text) == "on"
            tasks.cancel_scope.cancel()


async def test_what_was_found_holds_until_the_users_files_change(modules: Path):
    module = modules / "mine.py"
    module.write_text("import numpy")
    os.utime(module, (1, 1))
    imports = [Import("mine")]
    obstacle = await find_obstacle(imports, "subint", say=print)
    assert str(obstacle) == "mine cannot load in an isolated sub-interpreter"
    module.write_text("import json")
    os.utime(module, (2, 2))
    assert await find_obstacle(imports, "subint", say=print) is None
    sys.path.insert(0, f"{modules}/elsewhere")  # there it might be another one
    (modules / "elsewhere").mkdir()
    (modules / "elsewhere" / "mine.py").write_text("import zmq")
    with pytest.raises(ImportRefused):
        await check_imports(imports, "subint", say=print)


async def test_a_try_that_takes_long_is_told_of(
    modules: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    fd = os.open(fifo, os.O_RDWR)
    (modules / "slow.py").write_text(f"open({str(fifo)!r}, 'rb', 0).read(1)")
    monkeypatch.setattr(check, "QUIET", 0.0)
    said: list[str] = []

    def say(line: str) -> None:
        said.append(line)
        os.write(fd, b".")

    assert await find_obstacle([Import("slow")], "subint", say=say) is None
    assert said == ["trying whether slow loads in a sub-interpreter …"]
    os.close(fd)


async def test_everything_loads_in_a_process():
    imports = [Import("numpy"), Import("polars")]
    assert await find_obstacle(imports, "trio", say=print) is None


def test_what_values_need_where_they_are_loaded():
    import decimal

    import numpy

    assert imports_for([1, "x", decimal.Decimal(1), {"a": [1]}]) == ()
    assert imports_for([{"a": numpy.ones(1)}, numpy.ones(2)]) == (Import("numpy"),)


def test_what_functions_need_where_they_are_loaded():
    source = """
import decimal
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import psutil
import zmq

table = pd.DataFrame()

def uses(x):
    return [np.ones(each) for each in x], lambda: table, decimal.Decimal

def does_not():
    return x.np

def closes_over(module):
    def inner():
        return module
    return inner

def recurses():
    def inner():
        return inner
    return inner

inner = closes_over(plt)
"""
    here: dict[str, Any] = {"__name__": "__main__"}
    exec(source, here)
    assert imports_for([here["uses"]]) == (Import("numpy"), Import("pandas"))
    assert imports_for([{"f": here["inner"]}]) == (Import("matplotlib.pyplot"),)
    assert imports_for([cache(here["uses"])]) == (Import("numpy"), Import("pandas"))
    assert imports_for([here["zmq"], here["psutil"].Process]) == (Import("zmq"), Import("psutil"))
    assert imports_for([here["does_not"], here["recurses"]()]) == ()
    assert imports_for([len, print, int, test_what_values_need_where_they_are_loaded]) == (
        Import(__name__.partition(".")[0]),
    )
