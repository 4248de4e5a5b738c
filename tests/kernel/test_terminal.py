"""A real IPython in a real terminal, where there is no kernel and no Control thread."""

from __future__ import annotations

import os
import re
import sys
from typing import TYPE_CHECKING

import pexpect
import psutil
import pytest

from subint_magic.spawn import default_start_method

from .harness import PATIENCE, Shared, actor_rows, wait_gone

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PROMPT = r"In \[\d+\]: "


def ipython(directory: Path, *options: str, terminal: str) -> pexpect.spawn[str]:
    """Start IPython behind a pseudo-terminal."""
    return pexpect.spawn(
        sys.executable,
        ["-m", "IPython", "--no-banner", "--no-confirm-exit", "--colors=nocolor", *options],
        cwd=directory,
        env={**os.environ, "TERM": terminal, "PROMPT_TOOLKIT_NO_CPR": "1"},
        encoding="utf-8",
        echo=False,
        timeout=PATIENCE,
        dimensions=(50, 200),
    )


def wait_end(process: pexpect.spawn[str]) -> int | None:
    """Wait until IPython has ended; return its exit code."""
    process.expect(pexpect.EOF)
    process.wait()
    process.close()
    return process.exitstatus


class Terminal:
    """IPython with a prompt that can be read, and the extension loaded."""

    def __init__(self, directory: Path) -> None:
        self.process = ipython(directory, "--simple-prompt", terminal="dumb")
        self.pid = self.process.pid
        self.process.expect(PROMPT)
        self.run("%load_ext subint_magic")

    def send(self, cell: str) -> None:
        """Type a cell in; empty lines end one of several lines."""
        self.process.send(cell + ("\n\n\n" if "\n" in cell else "\n"))

    def read(self) -> str:
        """Return what was shown up to the next prompt."""
        self.process.expect(PROMPT)
        text = re.sub(r"^( *\.\.\.: )+", "", self.process.before)
        return text.replace("\r\n", "\n").strip()

    def run(self, cell: str) -> str:
        self.send(cell)
        return self.read()

    def interrupt(self) -> None:
        """Ctrl-C."""
        self.process.sendintr()

    def children(self) -> list[psutil.Process]:
        return psutil.Process(self.pid).children(recursive=True)

    def exit(self) -> int | None:
        """Leave IPython as people do; return its exit code."""
        self.process.sendline("exit")
        return wait_end(self.process)

    def reset(self) -> None:
        """End what a test has left running."""
        self.run(f"%spawn_backend {default_start_method()}")
        # What starts by itself would be in the way of what is looked for.
        self.run("%config SubintMagics.spares = 0")
        closed = self.run("%subints close --all")
        assert closed.startswith(("closed: ", "There is no actor.")), closed

    def close(self) -> None:
        self.process.close(force=True)


@pytest.fixture(scope="module")
def shared_terminal(
    scratch: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Shared[Terminal]]:
    def start() -> Terminal:
        terminal = Terminal(tmp_path_factory.mktemp("terminal"))
        terminal.run("%%subint -b mp_forkserver\npass")  # starts what multiprocessing keeps
        return terminal

    shared = Shared(start)
    yield shared
    assert shared.it.exit() == 0


@pytest.fixture
def terminal(shared_terminal: Shared[Terminal]) -> Iterator[Terminal]:
    """A terminal without actors."""
    yield shared_terminal.it
    shared_terminal.reset()


@pytest.fixture
def new_terminal(scratch: Path, tmp_path: Path) -> Iterator[Terminal]:
    """A terminal for this test alone."""
    terminal = Terminal(tmp_path)
    yield terminal
    terminal.close()


def test_a_cell_runs_where_its_backend_says(terminal: Terminal, start_method: str):
    assert terminal.run(f"%spawn_backend {start_method}").startswith(f"{start_method}: ")
    shown = terminal.run(
        "%%subint\n"
        "import os, _interpreters\n"
        "print('printed')\n"
        "os.getpid(), _interpreters.get_current()[0]"
    )
    found = re.fullmatch(r"printed\nOut\[\d+\]: \((\d+), (\d+)\)", shown)
    assert found, shown
    pid, interpreter = found.groups()
    shares_process = start_method.startswith("subint")
    assert (int(pid) == terminal.pid) is shares_process
    assert (int(interpreter) != 0) is shares_process


def test_a_named_actor_keeps_its_namespace(terminal: Terminal):
    terminal.run("%%subint -n a\nx = 1")
    assert terminal.run("%%subint -n a\nx").endswith(": 1")
    assert "NameError: name 'x' is not defined" in terminal.run("x")


def test_the_traceback_is_the_actors(terminal: Terminal):
    shown = terminal.run("%%subint -n a\ndef f():\n    return 1 / 0\nf()")
    assert "Traceback (most recent call last)\nCell In[" in shown
    assert "----> 2     return 1 / 0" in shown
    assert shown.endswith("ZeroDivisionError: division by zero")
    assert "subint_magic" not in shown


@pytest.mark.parametrize("loop", ["trio", "asyncio"])
def test_top_level_await(terminal: Terminal, loop: str):
    source = f"import {loop}\nawait {loop}.sleep(0) or 'awaited'"
    assert terminal.run(f"%%subint --loop {loop}\n{source}").endswith("'awaited'")


def test_a_wrong_flag_is_one_line(terminal: Terminal):
    assert terminal.run("%spawn_backend trioo").startswith("UsageError: unknown spawn method")


def test_subints_lists_and_closes(terminal: Terminal):
    terminal.run("%%subint -n a -b trio\nx = 1")
    (row,) = actor_rows(terminal.run("%subints"))
    assert (row["name"], row["backend"]) == ("a", "trio")
    assert terminal.run("%subints close a") == "closed: a"
    assert terminal.run("%subints").startswith("There is no actor.")


def test_output_arrives_live_and_ctrl_c_keeps_the_actor(terminal: Terminal, start_method: str):
    terminal.run(f"%%subint -n a -b {start_method}\nx = 1")
    for _ in range(2):
        terminal.send("%%subint -n a\nprint('ready')\nwhile True: pass")
        terminal.process.expect("ready\r\n")
        terminal.interrupt()
        shown = terminal.read()
        assert "RunCancelled: run in actor 'a' stopped by an interrupt" in shown
        assert "    while True: pass" in shown
        assert "subint_magic" not in shown
    assert terminal.run("%%subint -n a\nx").endswith(": 1")


def test_ctrl_c_at_the_prompt_and_in_a_plain_cell_reaches_no_actor(
    terminal: Terminal, start_method: str
):
    terminal.run(f"%%subint -n a -b {start_method}\nx = 1")
    terminal.interrupt()
    terminal.send("")  # Python's input() may have missed a signal that came just before it waits
    # No exec(): after a KeyboardInterrupt out of that, Python 3.13 ends by SIGINT at its exit.
    terminal.send("from itertools import repeat; print('ready'); any(0 for _ in repeat(0))")
    terminal.process.expect("ready\r\n")
    terminal.interrupt()
    assert "KeyboardInterrupt" in terminal.read()
    assert terminal.run("%%subint -n a\nx").endswith(": 1")


def test_a_cell_asks_in_the_terminal(terminal: Terminal):
    terminal.send("%%subint\nfrom getpass import getpass\n(input('name? '), getpass('key: '))")
    terminal.process.expect_exact("name? ")
    terminal.process.sendline("abc")
    terminal.process.expect_exact("key: ")
    terminal.process.sendline("secret")
    assert terminal.read().endswith("('abc', 'secret')")
    terminal.send("%%subint\ninput('again? ')")
    terminal.process.expect_exact("again? ")
    terminal.interrupt()
    assert "RunCancelled: run in actor" in terminal.read()
    terminal.send("%%subint\ninput('the end? ')")
    terminal.process.expect_exact("the end? ")
    terminal.process.sendeof()
    assert terminal.read().endswith("EOFError: the input has ended")


def test_a_background_run_in_the_terminal(terminal: Terminal):
    shown = terminal.run("%%subint -n a --bg --as job\nprint('printed')\n6 * 7")
    assert re.search(r"a \(\w+\): (\w+ since|running \d+ s)", shown)
    assert terminal.run("job.result()").endswith(": 42")
    assert re.search(r"a \(\w+\): done after \d\.\d s \| printed", terminal.run("%subints last"))
    terminal.send("%%subint -n a --bg\n1 / 0")
    terminal.process.expect("ZeroDivisionError: division by zero")
    terminal.send("")
    terminal.read()


def bye(mark: Path) -> str:
    """Return code that makes an actor leave *mark* behind when it ends."""
    return f"import atexit; atexit.register(lambda: open({str(mark)!r}, 'w').close())"


def test_exit_ends_the_actors(new_terminal: Terminal, start_method: str, tmp_path: Path):
    idle, busy, final = (tmp_path / name for name in ("idle", "busy", "finally"))
    new_terminal.run(f"%%subint -n idle -b {start_method}\n{bye(idle)}")
    source = (
        f"{bye(busy)}\n"
        "try:\n    print('ready')\n    while True: pass\n"
        f"finally: open({str(final)!r}, 'w').close()"
    )
    arguments = ("subint", f"-n busy -b {start_method}", source)
    new_terminal.run("from threading import Thread; run = get_ipython().run_cell_magic")
    new_terminal.send(f"Thread(target=run, args={arguments}, daemon=True).start()")
    new_terminal.process.expect("ready\r\n")
    children = new_terminal.children()
    assert new_terminal.exit() == 0
    assert idle.exists()
    assert busy.exists()
    assert final.exists()
    wait_gone(children)


def test_exit_with_a_stuck_sub_interpreter(new_terminal: Terminal, tmp_path: Path):
    before = tmp_path / "before"
    new_terminal.run(bye(before))
    new_terminal.run("%unload_ext subint_magic\n%load_ext subint_magic")  # after that hook
    new_terminal.send(
        "%%subint --grace 0\nimport threading\nlock = threading.Lock()\nlock.acquire()\n"
        "print('ready')\nlock.acquire()"
    )
    new_terminal.process.expect("ready\r\n")
    new_terminal.interrupt()
    assert ("abandoned" in new_terminal.read()) is (default_start_method() == "subint")
    assert new_terminal.exit() == 0
    assert before.exists()


def test_unloading_ends_the_actors_and_the_hosts_thread(new_terminal: Terminal, tmp_path: Path):
    threads = "import threading; print([thread.name for thread in threading.enumerate()])"
    mark = tmp_path / "bye"
    for _ in range(2):
        new_terminal.run(f"%%subint -n a\n{bye(mark)}")
        assert "subint_magic" in new_terminal.run(threads)
        assert new_terminal.run("%unload_ext subint_magic") == ""
        assert mark.exists()
        mark.unlink()
        assert "subint" not in new_terminal.run(threads)
        assert "not found" in new_terminal.run("%subints")
        new_terminal.run("%load_ext subint_magic")
    assert new_terminal.exit() == 0


def test_a_cell_pasted_into_the_real_prompt(scratch: Path, tmp_path: Path):
    terminal = ipython(tmp_path, terminal="xterm")
    try:
        terminal.expect(r"In \[1\]:")
        terminal.send("%load_ext subint_magic\r")
        terminal.expect(r"In \[2\]:")
        paste = "%%subint\nfor i in range(2):\n    print('line', i)\n"
        terminal.send(f"\x1b[200~{paste}\x1b[201~\r\r")
        terminal.expect("line 0\r\nline 1\r\n")
        terminal.expect(r"In \[3\]:")
        terminal.send("exit\r")
        assert wait_end(terminal) == 0
    finally:
        terminal.close(force=True)


def test_the_real_prompt_completes_flags(scratch: Path, tmp_path: Path):
    terminal = ipython(tmp_path, terminal="xterm")
    try:
        terminal.expect(r"In \[1\]:")
        terminal.send("%load_ext subint_magic\r")
        terminal.expect(r"In \[2\]:")
        terminal.send("%subints int\t")
        terminal.expect("errupt")
        terminal.send(" --a\t")
        terminal.expect("ll")
        terminal.send("\r")
        terminal.expect("There is no actor.")
        terminal.send("exit\r")
        assert wait_end(terminal) == 0
    finally:
        terminal.close(force=True)
