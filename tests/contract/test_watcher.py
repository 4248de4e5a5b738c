"""The watcher ends what actors are left when their process is killed."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import psutil
import trio

from subint_magic.runtime.nursery import open_nursery
from subint_magic.spawn._watcher import Watcher

if TYPE_CHECKING:
    import pytest

PATIENCE = 30.0

PARENT = """
import os, signal, sys, trio
from subint_magic import open_nursery

async def main():
    async with open_nursery() as nursery, trio.open_nursery() as tasks:
        idle = await nursery.start_actor(spawn_method="trio")
        await idle.run_cell("import subprocess; subprocess.Popen(['sleep', 'infinity'])")
        stuck = await nursery.start_actor(spawn_method="trio")
        if os.fork() == 0:  # it holds the parent's end of all that was open
            signal.pause()
        source = "import re; print('on', flush=True); re.match('(a+)+$', 'a' * 50 + 'b')"
        await stuck.run_cell(source, sink=lambda event: print(event.text, flush=True))

trio.run(main)
"""


def shells() -> list[psutil.Process]:
    children = psutil.Process().children()
    return [child for child in children if child.cmdline()[:2] == ["/bin/sh", "-c"]]


async def test_one_for_all_actors_and_none_without():
    assert not shells()
    async with open_nursery() as nursery:
        for method in ("trio", "mp_spawn", "mp_forkserver"):
            await nursery.start_actor(method, spawn_method=method)
            (shell,) = shells()
            assert os.getsid(shell.pid) == shell.pid
        await nursery.actors["trio"].close()
        assert shells() == [shell]
    assert not shells()


async def test_one_that_was_killed_is_replaced():
    async with open_nursery() as nursery:
        await nursery.start_actor(spawn_method="trio")
        (shell,) = shells()
        shell.kill()
        shell.wait()
        second = await nursery.start_actor(spawn_method="trio")
        (other,) = shells()
        assert other != shell
        other.kill()
        other.wait()
        await second.close()
        await nursery.start_actor(spawn_method="trio")
        assert len(shells()) == 1


def test_no_shell_is_no_error(monkeypatch: pytest.MonkeyPatch):
    def no_shell(*_: object, **__: object) -> None:
        raise FileNotFoundError

    monkeypatch.setattr(subprocess, "Popen", no_shell)
    watcher = Watcher()
    watcher.add(1)
    watcher.add(2)
    watcher.discard(1)
    watcher.discard(2)


def test_from_many_threads():
    async def add_and_discard(watcher: Watcher, pid: int) -> None:
        await trio.to_thread.run_sync(watcher.add, pid)
        await trio.to_thread.run_sync(watcher.discard, pid)

    async def main() -> None:
        watcher = Watcher()
        async with trio.open_nursery() as tasks:
            for i in range(50):
                # no process has such a number
                tasks.start_soon(add_and_discard, watcher, 2**30 + i)

    trio.run(main)
    assert not shells()


def test_what_a_killed_parent_leaves_ends_even_if_a_fork_of_it_lives():
    with subprocess.Popen([sys.executable, "-W", "ignore", "-c", PARENT], stdout=-1) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == b"on\n"
        left = psutil.Process(parent.pid).children(recursive=True)
        (fork,) = [child for child in left if PARENT in child.cmdline()]
        left.remove(fork)
        assert len(left) == 4  # two actors, what one has started, the watcher
        parent.kill()
        parent.wait()
        try:
            _, alive = psutil.wait_procs(left, timeout=PATIENCE)
            assert not alive
            assert fork.is_running()
        finally:
            fork.kill()
