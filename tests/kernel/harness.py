"""A real kernel, driven as a frontend drives it. Nothing here waits for a time to pass.

Kernel     starts, runs cells, interrupts, shuts down
Cell       one execute request: what has come of it so far
Gate       a point in a cell's code that the test lets it pass
Signal     the other way round: a point that the test waits for
Page       what the script in the browser does
Shared     one kernel for many tests
"""

from __future__ import annotations

import os
import re
import select
import signal
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol

import psutil
import zmq
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import KernelManager

from subint_magic.runtime.ladder import GRACE
from subint_magic.spawn import default_start_method
from subint_magic.wire.messages import OUTPUT_LIMIT

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Iterator
    from pathlib import Path

PATIENCE = 60.0
"""Seconds after which a test that waits has failed. No test that passes comes near it."""

_DEFECT = "Traceback (most recent call last):\n"

_OUTPUTS = ("stream", "execute_result", "display_data", "error")

_KERNEL_SPECS = f"{sys.prefix}/share/jupyter/kernels"


def uncoloured(text: str) -> str:
    """Return *text* without its colours."""
    return re.sub(r"\x1b\[[\d;]*m", "", text)


def actor_rows(panel: str) -> list[dict[str, str]]:
    """Return the rows of the live actors in the text of a panel, by column."""
    if panel.startswith("There is no actor."):
        return []
    header, *rows = panel.split("\n\n")[1].splitlines()
    begins = [found.start() for found in re.finditer(r"(?<!\S \S)(?:^|(?<=  ))\S", header)]
    ends = [*begins[1:], None]
    return [
        {
            header[begin:end].strip(): row[begin:end].strip()
            for begin, end in zip(begins, ends, strict=True)
        }
        for row in rows
    ]


class Gate:
    """A point that a cell does not pass before the test opens it.

    Attributes:
        code: a statement that waits there.
    """

    def __init__(self, path: Path) -> None:
        os.mkfifo(path)
        self._fd = os.open(path, os.O_RDWR)  # no open() of the FIFO waits for its other end
        self.code = f"with open({str(path)!r}, 'rb', 0) as gate: gate.read(1)"

    def open(self) -> None:
        """Let one pass."""
        os.write(self._fd, b".")

    def close(self) -> None:
        """Let all pass."""
        os.close(self._fd)


class Signal:
    """A point that the test waits for.

    Attributes:
        code: a statement that says that it was reached.
    """

    def __init__(self, path: Path) -> None:
        os.mkfifo(path)
        self._fd = os.open(path, os.O_RDWR)
        self.code = f"with open({str(path)!r}, 'wb', 0) as signal: signal.write(b'.')"

    def wait(self) -> None:
        """Wait until a cell has come there."""
        if not select.select([self._fd], [], [], PATIENCE)[0]:
            raise TimeoutError("no cell came to the signal")
        os.read(self._fd, 1)

    def close(self) -> None:
        os.close(self._fd)


class Cell:
    """One execute request. What arrives late, after the cell has ended, is added here too.

    Attributes:
        outputs: what it showed, in order: ``("stdout" | "stderr" | "result", text)``,
            ``("display", mimebundle)`` or ``("error", ename, evalue, traceback)``.
        messages: the messages of its outputs as they came: type and content.
        comms: messages of comms that were sent on its behalf.
        questions: what it has asked: the prompt, and whether it is for a password.
        updates: mimebundles that have replaced one that it, or another cell, displays.
        reply: the content of the shell reply, once it is there.
        begun: whether the kernel has begun to run it.
        idle: whether the kernel has said that it is done with it.
    """

    def __init__(self, kernel: Kernel, msg_id: str, subshell: str | None = None) -> None:
        self.msg_id = msg_id
        self.subshell = subshell
        self.outputs: list[tuple[Any, ...]] = []
        self.messages: list[tuple[str, dict[str, Any]]] = []
        self.comms: list[dict[str, Any]] = []
        self.questions: list[tuple[str, bool]] = []
        self.updates: list[dict[str, Any]] = []
        self.reply: dict[str, Any] | None = None
        self.begun = False
        self.idle = False
        self._clears = False
        self._kernel = kernel

    @property
    def done(self) -> bool:
        return self.idle and self.reply is not None

    @property
    def status(self) -> str:
        """``"ok"``, ``"error"`` or ``"aborted"``."""
        assert self.reply is not None
        return self.reply["status"]

    @property
    def stdout(self) -> str:
        return "".join(output[1] for output in self.outputs if output[0] == "stdout")

    @property
    def stderr(self) -> str:
        return "".join(output[1] for output in self.outputs if output[0] == "stderr")

    @property
    def joined(self) -> list[tuple[Any, ...]]:
        """The outputs in order, with text that was sent in pieces put together."""
        joined: list[tuple[Any, ...]] = []
        for output in self.outputs:
            kind = output[0]
            if kind in ("stdout", "stderr") and joined and joined[-1][0] == kind:
                joined[-1] = (kind, joined[-1][1] + output[1])
            else:
                joined.append(output)
        return joined

    @property
    def panel(self) -> str:
        """The text of the panel that it shows, as it was at first."""
        (bundle,) = [output[1] for output in self.outputs if output[0] == "display"]
        assert bundle["text/html"].startswith("<subint-view ")
        return bundle["text/plain"]

    @property
    def view(self) -> str:
        """The id of the view that it shows first."""
        bundle = next(output[1] for output in self.outputs if output[0] == "display")
        (view,) = re.findall(r'<subint-view hub="\w+" view="(\w+)">', bundle["text/html"])
        return view

    @property
    def actors(self) -> list[dict[str, str]]:
        """The rows of the panel's live actors, by column."""
        return actor_rows(self.panel)

    @property
    def streams(self) -> list[tuple[str, str]]:
        """stdout and stderr in order."""
        return [(kind, text) for kind, text, *_ in self.joined if kind in ("stdout", "stderr")]

    @property
    def results(self) -> list[str]:
        return [output[1] for output in self.outputs if output[0] == "result"]

    @property
    def errors(self) -> list[tuple[str, str]]:
        """Name and value of each error that was shown."""
        return [output[1:3] for output in self.outputs if output[0] == "error"]

    @property
    def error(self) -> tuple[str, str]:
        """The one error."""
        (error,) = self.errors
        return error

    @property
    def traceback(self) -> str:
        """The one traceback, without its colours."""
        return uncoloured(self.coloured_traceback)

    @property
    def coloured_traceback(self) -> str:
        """The one traceback."""
        (lines,) = [output[3] for output in self.outputs if output[0] == "error"]
        return "\n".join(lines)

    @property
    def page(self) -> str:
        """What the reply's payload shows in the pager, without its colours."""
        assert self.reply is not None
        (payload,) = self.reply["payload"]
        assert payload["source"] == "page"
        return uncoloured(payload["data"]["text/plain"])

    def clear(self, *, wait: bool) -> None:
        """Show nothing any more; if it is to *wait*, from the next output on."""
        self._clears = True
        if not wait:
            self.make_room()

    def make_room(self) -> None:
        """Take away what is to be cleared: something comes."""
        if self._clears:
            self._clears = False
            self.outputs.clear()

    def wait(self) -> Cell:
        """Wait until the cell has ended."""
        self._kernel.wait_until(lambda: self.done, f"the end of {self}")
        return self

    def wait_idle(self) -> None:
        """Wait until the kernel says that it is done with it, and would have replied."""
        self._kernel.wait_until(lambda: self.idle, f"the kernel to be done with {self}")
        self._kernel.ask()

    def wait_output(self, text: str) -> Cell:
        """Wait until *text* was printed; the cell may well go on."""
        self._kernel.wait_until(
            lambda: text in self.stdout or text in self.stderr, f"{text!r} from {self}"
        )
        return self

    def wait_question(self) -> tuple[str, bool]:
        """Wait until it asks, and return what."""
        self._kernel.wait_until(lambda: self.questions, f"a question from {self}")
        return self.questions.pop(0)

    def __repr__(self) -> str:
        return f"<Cell reply={self.reply} outputs={self.outputs}>"


class Page:
    """What the script in the browser does: it is told of views, and tells of clicks.

    Attributes:
        comm: the id of the line to it; ``None`` if there is none.
        views: the HTML that it was sent last, by view.
    """

    def __init__(self, kernel: Kernel) -> None:
        self.comm: str | None = None
        self.views: dict[str, str | None] = {}
        self._kernel = kernel
        self._count = 0

    def wait_open(self) -> None:
        """Wait until there is a line."""
        self._kernel.wait_until(lambda: self.comm, "the line to the page")

    def see(self, *cells: Cell) -> None:
        """Look at the views in *cells*."""
        self.wait_open()
        views = [cell.view for cell in cells]
        self._say(seen=views, fresh=views)

    def click(self, action: str, **target: str) -> None:
        """Click on a button; *target* says whose it is."""
        self._say(click={"action": action, **target})

    def hear(self, kind: str, content: dict[str, Any]) -> None:
        """Take in what the kernel says of a comm."""
        data = content["data"]
        if data.get("state", {}).get("hub"):  # it listens from then on
            self.comm = content["comm_id"]
        elif content["comm_id"] == self.comm:
            if kind == "comm_close":
                self.comm = None
            elif data["method"] == "custom":
                self.views |= data["content"]["views"]

    def _say(self, **content: Any) -> None:
        assert self.comm is not None
        self._count += 1
        content |= {"page": "test", "count": self._count}
        self._kernel.say(self.comm, {"method": "custom", "content": content})


class Kernel:
    """A kernel process with a client.

    Args:
        directory: where it runs, and where its connection file goes.
    """

    def __init__(self, directory: Path) -> None:
        self._manager = KernelManager(
            kernel_name="python3",
            kernel_spec_manager=KernelSpecManager(kernel_dirs=[_KERNEL_SPECS]),
            connection_file=str(directory / "k.json"),
            # Over TCP, two kernels that start at once may choose the same port.
            transport="ipc",
        )
        # Half of it until SIGTERM: on a busy machine a kernel needs long for its last words.
        self._manager.shutdown_wait_time = 40.0
        show_stacks = "import faulthandler, sys; faulthandler.enable(sys.__stderr__)"
        self._manager.start_kernel(
            cwd=str(directory), extra_arguments=[f"--IPKernelApp.exec_lines={show_stacks}"]
        )
        self._client = self._manager.client(context=self._manager.context)
        self._client.start_channels(hb=False)
        self._cells: dict[str, Cell] = {}
        self._welcome = 0
        self.page = Page(self)
        self._control_replies: dict[str, dict[str, Any]] = {}
        self._poller = zmq.Poller()
        self._sockets = {
            self._client.iopub_channel.socket: self._hear_iopub,
            self._client.shell_channel.socket: self._hear_shell,
            self._client.control_channel.socket: self._hear_control,
            self._client.stdin_channel.socket: self._hear_stdin,
        }
        for socket in self._sockets:
            self._poller.register(socket, zmq.POLLIN)
        self._begin()

    def _begin(self) -> None:
        assert self._manager.provisioner is not None
        self.process: subprocess.Popen[bytes] = self._manager.provisioner.process
        self.pid = self.process.pid
        self._end_fd = os.pidfd_open(self.pid)
        self._poller.register(self._end_fd, zmq.POLLIN)
        welcomes = self._welcome
        self.wait_until(lambda: self._welcome > welcomes, "a subscription to the kernel's output")
        self.ask()

    def ask(self) -> None:
        """Ask for something on the shell channel, where replies come in order."""
        self._cell(self._client.kernel_info()).wait()

    # cells

    def run(self, code: str) -> Cell:
        """Run a cell to its end."""
        return self.start(code).wait()

    def ok(self, code: str) -> Cell:
        """Run a cell that must succeed."""
        cell = self.run(code)
        assert cell.status == "ok", cell
        return cell

    def repeat(self, code: str, until: Callable[[Cell], object]) -> Cell:
        """Run the cell again and again, until what it shows is as wanted."""
        return self.repeat_in(None, code, until)

    def repeat_in(self, subshell: str | None, code: str, until: Callable[[Cell], object]) -> Cell:
        """Do the same in a subshell."""
        deadline = time.monotonic() + PATIENCE
        while not until(cell := self.start(code, subshell).wait()):
            if time.monotonic() > deadline:
                raise TimeoutError(f"{code!r} showed at last {cell.outputs}")
        return cell

    def start(self, code: str, subshell: str | None = None, *, stdin: bool = False) -> Cell:
        """Send a cell and do not wait for it; with *stdin* it may ask."""
        content = {
            "code": code,
            "silent": False,
            "store_history": True,
            "user_expressions": {},
            "allow_stdin": stdin,
            "stop_on_error": True,
        }
        msg_id = self._send(self._client.shell_channel, "execute_request", content, subshell)
        return self._cell(msg_id, subshell)

    def complete(self, code: str, subshell: str | None = None) -> list[str]:
        """What the frontend's Tab key offers at the end of *code*."""
        content = {"code": code, "cursor_pos": len(code)}
        channel = self._client.shell_channel
        cell = self._cell(self._send(channel, "complete_request", content, subshell)).wait()
        assert cell.reply is not None
        return cell.reply["matches"]

    def answer(self, text: str) -> None:
        """Type *text* into the input box."""
        self._client.input(text)

    def open_comm(self, target: str) -> Cell:
        """Open a comm, as a widget does when it is shown; what it sends back is in ``comms``."""
        content = {"comm_id": target, "target_name": target, "data": {}}
        cell = self._cell(self._send(self._client.shell_channel, "comm_open", content))
        cell.reply, cell.idle = {}, True  # there is no reply, and no status
        return cell

    def say(self, comm: str, data: dict[str, Any]) -> None:
        """Send what a widget says."""
        self._send(self._client.shell_channel, "comm_msg", {"comm_id": comm, "data": data})

    @contextmanager
    def subshell(self) -> Iterator[str]:
        """Give a second thread of execution, as JupyterLab's subshell consoles use it."""
        key = self._control("create_subshell_request", {})["subshell_id"]
        try:
            yield key
        finally:
            # asyncio complains on stderr of what the end of the subshell's loop cuts short, and
            # the kernel thinks that its last cell has said so.
            for cell in [cell for cell in self._cells.values() if cell.subshell == key]:
                if cell.done:
                    del self._cells[cell.msg_id]
            self._control("delete_subshell_request", {"subshell_id": key})

    def wait_until(self, condition: Callable[[], object], what: str) -> None:
        """Take in messages until *condition* holds."""
        deadline = time.monotonic() + PATIENCE
        while not condition():
            left = deadline - time.monotonic()
            if left < 0:
                raise TimeoutError(f"waited in vain for {what}")
            # In slices: on a busy machine one poll of libzmq in some hundreds does not wake for
            # what has come, and the next one finds it.
            ready = dict(self._poller.poll(min(left, 0.5) * 1000))
            if list(ready) == [self._end_fd]:
                raise ChildProcessError(
                    f"the kernel ended ({self.process.poll()}), waiting for {what}"
                )
            for socket in ready:
                if socket != self._end_fd:
                    self._sockets[socket](self._receive(socket))

    def _cell(self, msg_id: str, subshell: str | None = None) -> Cell:
        cell = self._cells[msg_id] = Cell(self, msg_id, subshell)
        return cell

    def _send(
        self, channel: Any, kind: str, content: dict[str, Any], subshell: str | None = None
    ) -> str:
        message = self._client.session.msg(kind, content)
        if subshell is not None:
            message["header"]["subshell_id"] = subshell
        channel.send(message)
        return message["header"]["msg_id"]

    def _control(self, kind: str, content: dict[str, Any]) -> dict[str, Any]:
        msg_id = self._send(self._client.control_channel, kind, content)
        self.wait_until(lambda: msg_id in self._control_replies, f"the reply to {kind}")
        return self._control_replies.pop(msg_id)

    def _receive(self, socket: zmq.Socket[bytes]) -> dict[str, Any]:
        _, parts = self._client.session.feed_identities(socket.recv_multipart())
        return self._client.session.deserialize(parts)

    def _hear_shell(self, message: dict[str, Any]) -> None:
        if cell := self._cells.get(message["parent_header"]["msg_id"]):
            cell.reply = message["content"]

    def _hear_control(self, message: dict[str, Any]) -> None:
        self._control_replies[message["parent_header"]["msg_id"]] = message["content"]

    def _hear_stdin(self, message: dict[str, Any]) -> None:
        if cell := self._cells.get(message["parent_header"]["msg_id"]):
            cell.questions.append((message["content"]["prompt"], message["content"]["password"]))

    def _hear_iopub(self, message: dict[str, Any]) -> None:
        kind, content = message["msg_type"], message["content"]
        if kind == "iopub_welcome":
            self._welcome += 1
        if kind.startswith("comm_"):
            self.page.hear(kind, content)
        if kind == "stream" and "subint_magic/" in content["text"] and _DEFECT in content["text"]:
            raise AssertionError(content["text"])  # something of ours has failed, and goes on
        cell = self._cells.get(message["parent_header"].get("msg_id", ""))
        if cell is None:
            return
        if kind not in ("status", "execute_input", "comm_msg"):
            cell.messages.append((kind, content))
        if kind in _OUTPUTS:
            cell.make_room()
        match kind:
            case "status":
                cell.idle = content["execution_state"] == "idle"
            case "execute_input":
                cell.begun = True
            case "stream":
                cell.outputs.append((content["name"], content["text"]))
            case "execute_result":
                cell.outputs.append(("result", content["data"]["text/plain"]))
            case "display_data":
                cell.outputs.append(("display", content["data"]))
            case "update_display_data":
                cell.updates.append(content["data"])
            case "clear_output":
                cell.clear(wait=content["wait"])
            case "error":
                cell.outputs.append(
                    ("error", content["ename"], content["evalue"], content["traceback"])
                )
            case "comm_msg":
                cell.comms.append(content["data"])

    # the process

    def interrupt(self) -> None:
        """What the frontend's stop button does."""
        self._manager.interrupt_kernel()

    def kill(self) -> None:
        """SIGKILL for the kernel alone."""
        self.process.kill()
        self.wait_end()

    def shut_down(self) -> None:
        """What a frontend does: an interrupt, then a request. This one has more patience."""
        self.interrupt()
        self.request_shutdown()

    def request_shutdown(self) -> None:
        """The request alone."""
        self._send(self._client.control_channel, "shutdown_request", {"restart": False})
        self.wait_end()

    def restart(self) -> None:
        """What a frontend's restart button does; raises if the old process failed."""
        before = self.process
        os.close(self._end_fd)
        self._poller.unregister(self._end_fd)
        self._manager.restart_kernel()
        assert before.returncode == 0
        self._begin()

    def wait_end(self) -> None:
        """Wait until the process has ended."""
        if not select.select([self._end_fd], [], [], PATIENCE)[0]:
            self.process.send_signal(signal.SIGABRT)  # its faulthandler shows what its threads do
            self.process.wait()
            raise TimeoutError("waited in vain for the end of the kernel")
        self.process.wait()

    @property
    def exit_code(self) -> int | None:
        return self.process.poll()

    def descendants(self) -> list[psutil.Process]:
        """All processes that it has started."""
        return psutil.Process(self.pid).children(recursive=True)

    def reset(self) -> None:
        """End what a test has left running; raises if the kernel does not come back to order."""
        if not all(cell.done for cell in self._cells.values()):
            self.interrupt()
            self.wait_until(lambda: all(c.done for c in self._cells.values()), "the cells to end")
        self._cells.clear()
        lines = [
            "%autoawait asyncio",
            f"%spawn_backend {default_start_method()}",
            "%config SubintMagics.timeout = None",
            f"%config SubintMagics.grace = {GRACE}",
            f"%config SubintMagics.output_limit = {OUTPUT_LIMIT}",
            "%config SubintMagics.check_imports = True",
            "%config SubintMagics.loop = 'trio'",
            # What starts by itself would be in the way of what is looked for.
            "%config SubintMagics.spares = 0",
            # Else a line comes above the output of whatever takes a second, on a busy machine.
            "%config SubintMagics.quiet = True",
            "%config InteractiveShell.ast_node_interactivity = 'last_expr'",
            "%subints close --all",
            "for _name in set(get_ipython().user_ns) - set(get_ipython().user_ns_hidden):",
            "    _name.startswith('_') or globals().pop(_name)",
        ]
        self.ok("\n".join(lines))

    def close(self) -> None:
        """End the process, if it still runs, and give back what the client holds."""
        self._manager.shutdown_kernel(now=True)
        os.close(self._end_fd)


class Startable(Protocol):
    """What tests can share."""

    def reset(self) -> None:
        """End what a test has left running; raises if that is not possible."""

    def close(self) -> None:
        """End it."""


class Shared[T: Startable]:
    """What tests share, started once; a test that breaks it gets it replaced for the next.

    Attributes:
        it: the present one.
    """

    def __init__(self, start: Callable[[], T]) -> None:
        self._start = start
        self.it = start()

    def reset(self) -> None:
        """Make it ready for the next test."""
        try:
            self.it.reset()
        except BaseException:
            self.it.close()
            self.it = self._start()
            raise


def wait_gone(processes: list[psutil.Process]) -> None:
    """Wait until all *processes* have ended."""
    _, alive = psutil.wait_procs(processes, timeout=PATIENCE)
    assert not alive
