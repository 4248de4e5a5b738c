"""The end of a program while a sub-interpreter is stuck in a call."""

from __future__ import annotations

import subprocess
import sys

import pytest

from subint_magic.errors import SpawnError
from subint_magic.spawn import spawn_method

PROGRAM = """\
import atexit
import sys

atexit.register(print, "oldest")
atexit.register(print, "old")
import trio
import subint_magic

STUCK = "import threading\\nlock = threading.Lock()\\nlock.acquire()\\nprint('on')\\nlock.acquire()"


async def main():
    async with subint_magic.open_nursery(grace=0) as nursery:
        actor = await nursery.start_actor(spawn_method=sys.argv[1])
        on = trio.Event()
        async with trio.open_nursery() as tasks:

            @tasks.start_soon
            async def run():
                try:
                    await actor.run_cell(STUCK, sink=lambda _: on.set())
                except subint_magic.RunCancelled:
                    pass

            await on.wait()
            await actor.cancel()
    print(actor.state)


trio.run(main)
atexit.register(print, "new")
atexit.register(print, "newest")
sys.stdout.write("end\\n")
if "fail" in sys.argv:
    raise LookupError
"""


@pytest.fixture(params=["subint", "subint_legacy"])
def key(request: pytest.FixtureRequest) -> str:
    try:
        spawn_method(request.param)
    except SpawnError as error:
        pytest.skip(str(error))
    return request.param


@pytest.mark.parametrize(("arguments", "code"), [((), 0), (("fail",), 1)])
def test_all_exit_functions_run_once_and_in_order(key: str, arguments: tuple[str, ...], code: int):
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, key, *arguments],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.stdout.split() == ["abandoned", "end", "newest", "new", "old", "oldest"]
    assert done.returncode == code
    assert ("LookupError" in done.stderr) is bool(code)
