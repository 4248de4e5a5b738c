"""Spare actors, as the user of a notebook meets them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from subint_magic.spawn import default_start_method

from .harness import wait_gone

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from .harness import Kernel


@pytest.fixture(autouse=True)
def _one_spare(kernel: Kernel) -> Iterator[None]:
    kernel.ok("%config SubintMagics.spares = 1")
    yield
    kernel.ok("%config SubintMagics.preload = []")


def wait_for_spare(kernel: Kernel) -> None:
    """Wait until at least one is ready."""
    kernel.repeat("%spawn_backend", lambda cell: " spare actor" in cell.stdout)


@pytest.fixture
def with_a_spare(kernel: Kernel, start_method: str) -> Kernel:
    """A kernel in which a cell has run in a new actor, so that there is a spare one."""
    kernel.ok(f"%spawn_backend {start_method}")
    kernel.ok("%%subint\nsoiled = 1")
    wait_for_spare(kernel)
    return kernel


def test_a_cell_takes_one_that_nobody_has_seen(with_a_spare: Kernel, tmp_path: Path):
    kernel = with_a_spare
    # The one that the first cell had may still be closing.
    kernel.repeat("%subints", lambda cell: cell.actors == [])
    assert kernel.ok("%subints close --all").stdout == "There is no actor.\n"
    pids = {process.pid for process in kernel.descendants()}
    interpreters = kernel.ok("import _interpreters\n[i for i, *_ in _interpreters.list_all()]")
    kernel.ok(
        "import os, sys\nbefore = os.getcwd()\n"
        f"os.chdir({str(tmp_path)!r})\nos.environ['SPARE'] = 'new'\nsys.path.append('/new')"
    )
    cell = kernel.ok(
        "%%subint\nimport os, sys\n"
        "print(os.getcwd(), os.environ.get('SPARE'), sys.path[-1], 'soiled' in globals())\n"
        "import _interpreters\nos.getpid(), _interpreters.get_current()[0]"
    )
    pid, interpreter = eval(cell.results[0])
    assert pid in pids or interpreter in eval(interpreters.results[0]), "it was there before"
    kernel.ok("os.chdir(before); del os.environ['SPARE']; sys.path.remove('/new')")
    assert cell.stdout == f"{tmp_path} new /new False\n"


def test_a_named_actor_takes_one_as_well(with_a_spare: Kernel):
    kernel = with_a_spare
    kernel.ok("%config SubintMagics.spares = 0")  # ends it
    assert "spare" not in kernel.ok("%spawn_backend").stdout
    kernel.ok("%%subint -n a\n1")
    kernel.ok("%config SubintMagics.spares = 2")
    kernel.ok("%%subint -n b\n1")
    wait_for_spare(kernel)
    kernel.ok("%%subint -n c\n1")
    assert [row["name"] for row in kernel.ok("%subints").actors] == ["a", "b", "c"]


def test_modules_are_imported_ahead(kernel: Kernel, start_method: str):
    kernel.ok("%config SubintMagics.preload = ['colorsys', 'no_such_module']")
    kernel.ok(f"%spawn_backend {start_method}\nget_ipython().run_cell_magic('subint', '', '1')")
    wait_for_spare(kernel)
    assert kernel.ok("%%subint\nimport sys; 'colorsys' in sys.modules").results == ["True"]


def test_what_is_no_list_of_names_is_refused(kernel: Kernel):
    for line in ("preload = [1]", "spares = -1", "spares = 'many'"):
        cell = kernel.ok(f"%config SubintMagics.{line}")
        assert cell.stderr.startswith("ERROR:root:The ")
        assert cell.stderr.count("\n") == 1


def test_they_end_with_the_extension_and_with_the_kernel(new_kernel: Kernel):
    new_kernel.ok("%load_ext subint_magic\n%spawn_backend trio")
    new_kernel.ok("%%subint\n1")
    wait_for_spare(new_kernel)
    spares = new_kernel.descendants()
    assert spares
    new_kernel.ok("%unload_ext subint_magic")
    wait_gone(spares)
    new_kernel.ok("%load_ext subint_magic\n%spawn_backend trio")
    new_kernel.ok("%%subint\n1")
    wait_for_spare(new_kernel)
    spares = new_kernel.descendants()
    new_kernel.request_shutdown()
    assert new_kernel.exit_code == 0
    wait_gone(spares)


@pytest.mark.parametrize("waits", [True, False])
def test_the_kernel_can_fork_all_the_same(kernel: Kernel, *, waits: bool):
    kernel.ok("%%subint\n1")
    if waits:
        wait_for_spare(kernel)
    cell = kernel.ok(
        "import os\npid = os.fork()\nif pid == 0: os._exit(7)\nos.waitpid(pid, 0)[1] >> 8"
    )
    assert cell.results == ["7"]


def test_what_cannot_be_imported_ahead_is_said(kernel: Kernel):
    kernel.ok("%config SubintMagics.preload = ['colorsys', 'msgspec']")
    kernel.ok("%%subint\n1")
    wait_for_spare(kernel)
    said = "Not imported ahead, as it cannot load there: msgspec.\n"
    shown = kernel.ok("%spawn_backend").stdout
    assert shown.endswith(said) is (default_start_method() == "subint"), shown
