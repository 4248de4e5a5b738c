"""The registry, its gate and third parties, without starting anything."""

import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest

from subint_magic.errors import SpawnMethodUnavailable, UnknownSpawnMethod
from subint_magic.spawn import (
    SpawnMethodKey,
    default_start_method,
    get_start_method,
    spawn_method,
    spawn_methods,
    try_set_start_method,
    using_start_method,
)

KEYS = ["subint", "subint_legacy", "trio", "mp_spawn", "mp_forkserver"]

needs_subinterpreters = pytest.mark.skipif(
    sys.version_info < (3, 14), reason="sub-interpreters need Python 3.14"
)

BELOW_3_14 = "import sys; sys.modules['concurrent.interpreters'] = None\n"
"""Makes the feature undetectable, as it is on Python 3.13."""


def python(code: str) -> str:
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    return run.stdout


@pytest.fixture
def plugins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An installed package with a spawn method that works and several that do not."""
    (tmp_path / "other.py").write_text(
        "from subint_magic.spawn import SpawnMethod\n"
        "GOOD = SpawnMethod('good', 'from elsewhere', lambda key, name: None)\n"
        "PICKY = SpawnMethod('picky', 'p', GOOD.proc, lambda: 'the moon is full')\n"
        "def angry(): raise LookupError('gate')\n"
        "ANGRY = SpawnMethod('angry', 'a', GOOD.proc, angry)\n"
        "WRONG = 42\n"
    )
    (tmp_path / "broken.py").write_text("1 / 0\n")
    info = tmp_path / "other-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: other\nVersion: 1\n")
    (info / "entry_points.txt").write_text(
        "[subint_magic.spawn_methods]\n"
        "good = other:GOOD\npicky = other:PICKY\nangry = other:ANGRY\nwrong = other:WRONG\n"
        "misnamed = other:GOOD\nbroken = broken:X\nabsent = nowhere:X\ntrio = other:GOOD\n"
    )
    monkeypatch.syspath_prepend(tmp_path)


def test_keys():
    assert list(get_args(SpawnMethodKey)) == KEYS
    assert [status.key for status in spawn_methods()][:5] == KEYS
    assert all(status.summary for status in spawn_methods() if status.available)


@needs_subinterpreters
def test_all_run_here():
    assert [status.reason for status in spawn_methods()][:5] == [None] * 5
    assert default_start_method() == "subint"


def test_one_is_selected():
    with using_start_method("mp_spawn"):
        assert get_start_method() == "mp_spawn"
        assert spawn_method().key == "mp_spawn"
        assert [status.key for status in spawn_methods() if status.selected] == ["mp_spawn"]
        assert try_set_start_method("trio").key == "trio"
        assert get_start_method() == "trio"
    assert get_start_method() == default_start_method()


@pytest.mark.parametrize(
    ("wrong", "hint"),
    [
        ("trioo", "Did you mean 'trio'"),
        ("mp_spwan", "Did you mean 'mp_spawn'"),
        ("zzz", "'zzz'. V"),
    ],
)
def test_an_unknown_key_names_the_valid_ones_and_the_nearest(wrong: str, hint: str):
    with using_start_method("trio"):
        with pytest.raises(UnknownSpawnMethod) as caught:
            try_set_start_method(wrong)
        assert get_start_method() == "trio"
    message = str(caught.value)
    assert wrong in message
    assert hint in message
    assert f"Valid keys: {', '.join([*KEYS, 'dask'])}." in message
    assert isinstance(caught.value, ValueError)


@pytest.mark.parametrize("key", ["subint", "subint_legacy"])
def test_below_3_14_the_gate_says_why_and_what_works(key: str):
    code = (
        f"{BELOW_3_14}"
        "import trio\n"
        "from subint_magic.spawn import try_set_start_method, spawn_methods\n"
        "from subint_magic.spawn._subint import subint_proc\n"
        "async def start():\n"
        f"    async with subint_proc({key!r}, 'x'): pass\n"
        f"for call in lambda: try_set_start_method({key!r}), lambda: trio.run(start):\n"
        "    try: call()\n"
        "    except RuntimeError as error: print(type(error).__name__, error)\n"
        "here = [s.key for s in spawn_methods() if s.available and not s.remote]\n"
        "print(here, len(spawn_methods()))\n"
    )
    found = ".".join(map(str, sys.version_info[:3]))
    works = ["trio", "mp_spawn", "mp_forkserver"]
    expected = (
        f"SpawnMethodUnavailable spawn method {key!r} cannot run here:"
        f" it needs Python 3.14 or later (concurrent.interpreters), this is Python {found}."
        f" These work here: {', '.join(works)}."
    )
    *errors, listed = python(code).splitlines()
    assert errors[0] == expected
    assert errors[1] == expected
    assert listed == f"{works} 6"


def test_below_3_14_the_default_is_trio():
    code = f"{BELOW_3_14}import subint_magic.spawn as s; print(s.get_start_method())"
    assert python(code) == "trio\n"


def test_importing_the_registry_loads_no_backend():
    code = "import sys, subint_magic.spawn; print(*(m for m in sys.modules if 'spawn._' in m))"
    assert python(code).split() == [
        "subint_magic.spawn._contract",
        "subint_magic.spawn._preload",
        "subint_magic.spawn._spawn",
    ]


@pytest.mark.usefixtures("plugins")
class TestPlugins:
    def test_they_are_listed_and_broken_ones_break_nothing_else(self):
        reasons = {status.key: status.reason for status in spawn_methods()}
        assert list(reasons)[:5] == KEYS
        assert reasons["good"] is None
        assert reasons["trio"] is None, "a plugin cannot take the place of a built-in one"
        assert reasons["picky"] == "the moon is full"
        assert reasons["angry"] == "loading other:ANGRY failed with LookupError: gate"
        assert reasons["wrong"] == (
            "loading other:WRONG failed with TypeError: other:WRONG is a int, not a SpawnMethod"
        )
        assert "other:GOOD has the key 'good'" in (reasons["misnamed"] or "")
        assert "broken:X failed with ZeroDivisionError" in (reasons["broken"] or "")
        assert "nowhere:X failed with ModuleNotFoundError" in (reasons["absent"] or "")

    def test_one_can_be_selected(self):
        with using_start_method("good") as method:
            assert method.summary == "from elsewhere"

    def test_one_that_cannot_run_says_why(self):
        with pytest.raises(SpawnMethodUnavailable, match=r"'picky' cannot run here: the moon"):
            spawn_method("picky")
        with pytest.raises(SpawnMethodUnavailable, match=r"'broken' cannot run here: loading"):
            spawn_method("broken")
