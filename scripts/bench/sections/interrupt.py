"""From the request to interrupt a loop without end to the end of its run."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING

import trio
from sides.floors import make_interpreter
from tables import Figure, Row, Table
from turns import take_turns

from subint_magic import RunCancelled, open_nursery

if TYPE_CHECKING:
    from turns import Plan, Side

    from subint_magic import Actor

BUSY = 0.05
"""Seconds for which the loop runs before."""

# A second thread waits for a byte, as the control thread of an actor does.
INTERPRETER = """
import ctypes, os, threading

def raise_in(thread):
    os.read({asked}, 1)
    exception = ctypes.py_object(KeyboardInterrupt)
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), exception)

waiting = threading.Thread(target=raise_in, args=(threading.get_ident(),))
waiting.start()
try:
    os.write({told}, b"x")
    while True: pass
except KeyboardInterrupt:
    os.write({told}, b"x")
waiting.join()
"""

PROCESS = """
import os
try:
    os.write(1, b"x")
    while True: pass
except KeyboardInterrupt:
    os.write(1, b"x")
"""


async def measure(plan: Plan) -> list[Table]:
    floors = {
        "subint": ("SetAsyncExc in a bare one", lambda: interrupt_interpreter(legacy=False)),
        "subint_legacy": ("SetAsyncExc in a bare one", lambda: interrupt_interpreter(legacy=True)),
    }
    process = ("SIGINT to python -c", interrupt_process)
    async with open_nursery() as nursery:

        def floor(key: str) -> Side:
            async def side() -> float:
                return floors.get(key, process)[1]()

            return side

        sides: dict[str, Side] = {}
        for key in plan.keys:
            actor = await nursery.start_actor(spawn_method=key)
            sides |= {key: interrupt_actor(actor), f"floor of {key}": floor(key)}
        taken = await take_turns(sides, plan.pick(30, 3))
    rows = [
        Row(key, taken[key], taken[f"floor of {key}"], floors.get(key, process)[0])
        for key in plan.keys
    ]
    title = "Interrupt of `while True: pass`, until its run has ended"
    return [Table(title, "ms", Figure.RATIO, rows + plan.refusals())]


def interrupt_actor(actor: Actor) -> Side:
    async def side() -> float:
        runs = trio.Event()

        async def loop() -> None:
            with contextlib.suppress(RunCancelled):
                source = "print('x', flush=True)\nwhile True: pass"
                await actor.run_cell(source, sink=lambda _: runs.set())

        async with trio.open_nursery() as tasks:
            tasks.start_soon(loop)
            await runs.wait()
            await trio.sleep(BUSY)
            started = time.perf_counter()
            actor.interrupt()
        return time.perf_counter() - started

    return side


def interrupt_interpreter(*, legacy: bool) -> float:
    asked, ask = os.pipe()
    told, tell = os.pipe()
    interpreter = make_interpreter(legacy=legacy)
    source = INTERPRETER.format(asked=asked, told=tell)
    thread = threading.Thread(target=interpreter.exec, args=(source,))
    thread.start()
    os.read(told, 1)
    time.sleep(BUSY)
    started = time.perf_counter()
    os.write(ask, b"x")
    os.read(told, 1)
    seconds = time.perf_counter() - started
    thread.join()
    interpreter.close()
    for fd in (asked, ask, told, tell):
        os.close(fd)
    return seconds


def interrupt_process() -> float:
    with subprocess.Popen([sys.executable, "-c", PROCESS], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.read(1)
        time.sleep(BUSY)
        started = time.perf_counter()
        process.send_signal(signal.SIGINT)
        process.stdout.read(1)
        return time.perf_counter() - started
