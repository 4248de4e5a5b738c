"""Loading the extension, and taking it out again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psutil

from .harness import wait_gone

if TYPE_CHECKING:
    from pathlib import Path

    from .harness import Kernel

HOOKS = """\
shell = get_ipython()
(
    len(shell.input_transformers_post),
    *(len(shell.events.callbacks[event]) for event in ("pre_execute", "post_execute")),
    sorted(name for kind in ("line", "cell") for name in shell.magics_manager.magics[kind]),
    shell.kernel.do_shutdown.__qualname__,
    type(shell.debugger).__name__,
    len(shell.Completer.custom_matchers),
    [type(each).__name__ for each in shell.configurables].count("SubintMagics"),
)
"""
WORKS = "%%subint\n6 * 7"


def bye(path: Path) -> str:
    """Return a statement that makes an actor leave *path* behind when it ends."""
    return f"import atexit; atexit.register(lambda: open({str(path)!r}, 'w').close())"


def test_loading_starts_nothing(new_kernel: Kernel):
    threads = "import threading; sorted(thread.name for thread in threading.enumerate())"
    before = new_kernel.ok(threads).results
    assert new_kernel.ok("%load_ext subint_magic").outputs == []
    assert new_kernel.ok(threads).results == before
    assert new_kernel.descendants() == []
    assert new_kernel.ok(WORKS).results == ["42"]


def test_loading_twice_is_as_once(new_kernel: Kernel):
    new_kernel.ok("%load_ext subint_magic")
    hooks = new_kernel.ok(HOOKS).results
    assert "already loaded" in new_kernel.ok("%load_ext subint_magic").stdout
    assert new_kernel.ok(HOOKS).results == hooks
    assert new_kernel.ok(WORKS).results == ["42"]


def test_reloading_ends_the_actors_and_works(new_kernel: Kernel, tmp_path: Path):
    new_kernel.ok("%load_ext subint_magic")
    hooks = new_kernel.ok(HOOKS).results
    new_kernel.ok(f"%%subint -n a\n{bye(tmp_path / 'bye')}\npass")
    new_kernel.ok("%reload_ext subint_magic")
    assert (tmp_path / "bye").exists()
    assert new_kernel.ok(HOOKS).results == hooks
    assert new_kernel.ok("%subints").panel.startswith("There is no actor.")
    assert new_kernel.ok(WORKS).results == ["42"]


def test_unloading_leaves_no_trace_and_loading_again_works(new_kernel: Kernel):
    before = new_kernel.ok(HOOKS).results
    for _ in range(2):
        new_kernel.ok("%load_ext subint_magic")
        assert new_kernel.ok(HOOKS).results != before
        assert new_kernel.ok(WORKS).results == ["42"]
        assert new_kernel.ok("%unload_ext subint_magic").outputs == []
        assert new_kernel.ok(HOOKS).results == before
        assert "%%subint` not found" in new_kernel.run(WORKS).stderr
        assert new_kernel.ok("6 * 7").results == ["42"]
        assert new_kernel.ok("import asyncio\nawait asyncio.sleep(0, 42)").results == ["42"]


def test_unloading_ends_the_actors(new_kernel: Kernel, start_method: str, tmp_path: Path):
    new_kernel.ok("%load_ext subint_magic")
    (pid,) = new_kernel.ok(
        f"%%subint -n idle -b {start_method}\n{bye(tmp_path / 'idle')}\nimport os; os.getpid()"
    ).results
    child = psutil.Process(int(pid))
    cell = new_kernel.start(
        f"%%subint -n busy -b {start_method}\n"
        f"{bye(tmp_path / 'busy')}\n"
        "try:\n"
        "    print('ready')\n"
        "    while True: pass\n"
        "finally:\n"
        f"    open({str(tmp_path / 'finally')!r}, 'w').close()\n"
    )
    cell.wait_output("ready")
    with new_kernel.subshell() as subshell:
        assert new_kernel.start("%unload_ext subint_magic", subshell).wait().status == "ok"
    for mark in ("idle", "busy", "finally"):
        assert (tmp_path / mark).exists()
    assert cell.wait().error[0] == "RunCancelled"
    if child.pid != new_kernel.pid:
        wait_gone([child])
    assert new_kernel.ok("6 * 7").results == ["42"]


def test_loading_in_the_cell_that_uses_it(new_kernel: Kernel):
    cell = new_kernel.ok(
        "%load_ext subint_magic\nget_ipython().run_cell_magic('subint', '', 'print(6 * 7)')"
    )
    assert cell.stdout == "42\n"
    assert new_kernel.ok(WORKS).results == ["42"]
