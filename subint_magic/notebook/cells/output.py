"""Events to the cell they belong to."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

from ipykernel.iostream import OutStream
from ipykernel.zmqshell import ZMQDisplayPublisher

from subint_magic._child.values.pickling import StaysHere
from subint_magic.wire.messages import ClearOutput, Display, Dropped, Output, Result

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TextIO

    from IPython.core.displaypub import DisplayPublisher
    from IPython.core.interactiveshell import InteractiveShell

    from subint_magic.runtime.runs.run import Event
    from subint_magic.wire.messages import MimeBundle

__all__ = ["CellOutput", "CellValue"]

type Shown = Display | ClearOutput | Result


_VALUE_METHODS = """
bool call contains delitem getitem iter len next reversed setitem array
eq ne lt le gt ge abs invert neg pos int float complex index round
add and divmod floordiv lshift matmul mod mul or pow rshift sub truediv xor
radd rand rdivmod rfloordiv rlshift rmatmul rmod rmul ror rpow rrshift rsub rtruediv rxor
"""


_RECORD = 1_000_000
"""Characters that are shown again below what is to stand above them."""

_OTHER_SIZE = 10_000
"""Characters that anything but text counts as."""


@dataclass(frozen=True, repr=False, eq=False)
class CellValue(StaysHere):
    """The last expression of a cell, as the actor's IPython shows it.

    It only looks like the value, which stays in the actor: what one would do with that raises
    TypeError or AttributeError. ``-o NAME`` gives the notebook a copy of a variable.

    Attributes:
        data: its forms by mime type.
        metadata: what is to be known of them.
    """

    data: MimeBundle
    metadata: MimeBundle

    refusal = (
        "is how the value of a cell in an actor looks, not the value: give -o NAME to have that"
    )

    def __getattr__(self, name: str) -> NoReturn:
        __tracebackhide__ = True
        raise AttributeError(f"this {self.refusal}")

    def __repr__(self) -> str:
        return str(self.data.get("text/plain", "<a value without text>"))

    def _repr_mimebundle_(
        self, include: object = None, exclude: object = None
    ) -> tuple[MimeBundle, MimeBundle]:
        return self.data, self.metadata


def _refuse(value: CellValue, *_: object) -> NoReturn:
    __tracebackhide__ = True
    raise TypeError(f"this {value.refusal}")


for _name in _VALUE_METHODS.split():
    setattr(CellValue, f"__{_name}__", _refuse)


class CellOutput:
    """The sink for the events of one run. Made in the cell, by its thread; called in trio's.

    What is printed goes where the cell's own ``print`` would go at that moment: to the cell itself,
    also while later cells run, or into a ``%%capture`` around it. So do displays.

    The kernel shows the cell's value once the cell has ended well. What an actor displays after it,
    such as the figures that matplotlib has open, is kept until `release`. If the cell fails after
    its value has come, the kernel shows none: `show_value` does. Other values, of which IPython can
    show some before the last, are shown as they come.

    Args:
        shell: the shell of the cell.
        limit: characters of output that are sent, for the line that says so.
        with_value: whether to show the cell's value at once, since the kernel does not.
        alone: whether nothing else is shown in the cell, so that it may be cleared.
    """

    def __init__(
        self,
        shell: InteractiveShell,
        limit: int,
        *,
        with_value: bool = False,
        alone: bool = False,
    ) -> None:
        self._limit = limit
        self._with_value = with_value
        self._line_begun = False
        self._writers = {name: _writer(getattr(sys, name)) for name in ("stdout", "stderr")}
        self._publish = _publisher(shell)
        self._value: Result | None = None
        self._kept: list[Shown] | None = None
        self._record: list[Event] | None = [] if alone else None
        self._recorded = 0

    def __call__(self, event: Event) -> None:
        if self._record is not None:
            self._remember(event)
        self._show(event)

    def head(self, show: Callable[[], object]) -> None:
        """Call *show*, to show something above all that was shown so far, if that can be done.

        All is shown again below it. Where that is too much, or something else is in the cell as
        well, what *show* shows comes below.
        """
        record, self._record = self._record, None
        if record:
            self._publish(ClearOutput(0, wait=True))  # with what comes next, so that nothing blinks
        show()
        for event in record or ():
            self._show(event)

    def settle_in(self) -> None:
        """Let what was shown so far stand where it is: an input box may be among it."""
        self._record = None

    def _remember(self, event: Event) -> None:
        assert self._record is not None
        self._record.append(event)
        self._recorded += len(event.text) if isinstance(event, Output) else _OTHER_SIZE
        if self._recorded > _RECORD or isinstance(event, Result):
            self._record = None

    def _show(self, event: Event) -> None:
        if isinstance(event, Output):
            self._writers[event.stream](event.text)
            self._line_begun = not event.text.endswith("\n")
        elif isinstance(event, Dropped):
            newline = "\n" if self._line_begun else ""
            self._line_begun = False
            self._writers["stderr"](f"{newline}{self._words(event.characters)}\n")
        elif isinstance(event, Result) and self._with_value:
            self._publish(_display(event))
        elif isinstance(event, Result) and event.last:
            if self._value is not None:  # code of the last expression has shown one itself
                self._publish(self._value)
            self.release()
            self._value, self._kept = event, []
        elif self._kept is not None:
            self._kept.append(event)
        else:
            self._publish(event)

    @property
    def keeps(self) -> bool:
        """Whether something waits for `release`. For any thread."""
        return bool(self._kept)

    def release(self) -> None:
        """Show what was kept, and from now on what comes as it comes. In trio's thread as well."""
        kept, self._value, self._kept = self._kept, None, None
        for event in kept or ():
            self._publish(event)

    async def show_value(self) -> None:
        """Show the value, if there is one, and release what was kept. In trio's thread as well."""
        if self._value is not None:
            self._publish(_display(self._value))
        self.release()

    def _words(self, dropped: int) -> str:
        if dropped:
            return f"… {dropped:,} characters of output were dropped"
        return (
            f"… output is over its limit of {self._limit:,} characters: the rest is dropped"
            " (%config SubintMagics.output_limit)"
        )


class _Writer:
    """Writes to a stream that is no kernel's."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __call__(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()


class _KernelWriter:
    """Sends ``stream`` messages itself.

    An OutStream would buffer them, stdout and stderr each for itself, and so lose their order.
    """

    def __init__(self, stream: OutStream) -> None:
        if stream._buffers:  # what the cell itself has printed comes first
            stream.flush()
        self._stream = stream
        self._parent = stream.parent_header

    def __call__(self, text: str) -> None:
        stream = self._stream
        if stream.pub_thread is not None:  # else the kernel is closing its sockets
            stream.session.send(
                stream.pub_thread,
                "stream",
                {"name": stream.name, "text": text},
                parent=self._parent,
                ident=stream.topic,
            )


def _writer(stream: TextIO | OutStream) -> _Writer | _KernelWriter:
    return _KernelWriter(stream) if isinstance(stream, OutStream) else _Writer(stream)


class _KernelPublisher:
    """Sends display messages itself: a kernel's publisher asks the thread for the cell."""

    def __init__(self, publisher: ZMQDisplayPublisher, count: int) -> None:
        self._publisher = publisher
        self._parent = publisher.parent_header
        self._count = count

    def __call__(self, event: Shown) -> None:
        if isinstance(event, ClearOutput):
            self._send("clear_output", {"wait": event.wait})
            return
        content = {"data": event.data, "metadata": event.metadata}
        if isinstance(event, Result):
            self._send("execute_result", {**content, "execution_count": self._count})
        else:
            kind = "update_display_data" if event.update else "display_data"
            self._send(kind, {**content, "transient": _transient(event)})

    def _send(self, kind: str, content: dict[str, Any]) -> None:
        publisher = self._publisher
        assert publisher.session is not None
        if publisher.pub_socket is not None:
            publisher.session.send(
                publisher.pub_socket,
                kind,
                content,
                parent=self._parent,
                ident=publisher.topic,
            )


class _OtherPublisher:
    """Publishes through a publisher that is no kernel's: a terminal's, or that of %%capture."""

    def __init__(self, publisher: DisplayPublisher) -> None:
        self._publisher = publisher

    def __call__(self, event: Shown) -> None:
        if isinstance(event, ClearOutput):
            self._publisher.clear_output(event.wait)
        else:
            event = _display(event) if isinstance(event, Result) else event
            self._publisher.publish(
                event.data,
                event.metadata,
                transient=_transient(event),
                update=event.update,
            )


def _publisher(shell: Any) -> Callable[[Shown], None]:
    publisher = shell.display_pub
    if isinstance(publisher, ZMQDisplayPublisher):
        return _KernelPublisher(publisher, shell.displayhook.prompt_count)
    return _OtherPublisher(publisher)


def _display(value: Result) -> Display:
    return Display(value.run, value.data, value.metadata)


def _transient(event: Display) -> dict[str, str]:
    return {} if event.display_id is None else {"display_id": event.display_id}
