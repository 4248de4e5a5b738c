import pytest

from subint_magic._child.frames import PROTOCOL, FrameError
from subint_magic.testing.fake import HELLO
from subint_magic.wire.conversation import Conversation
from subint_magic.wire.messages import (
    ClearOutput,
    Close,
    Descendants,
    Display,
    Done,
    Dropped,
    FromChild,
    Goodbye,
    Hello,
    InputReply,
    InputRequest,
    Inspect,
    Inspection,
    Interrupt,
    Output,
    Result,
    Run,
    Rung,
    Stopping,
    ToChild,
    Values,
)


def run(number: int) -> Run:
    return Run(number, "", "", "trio")


def out(number: int) -> Output:
    return Output(number, "stdout", "x")


def shown(number: int) -> Display:
    return Display(number, {"text/plain": "x"}, {})


def result(number: int) -> Result:
    return Result(number, {"text/plain": "x"}, {})


def ask(number: int) -> InputRequest:
    return InputRequest(number, 1, "? ", password=False)


TO_CHILD = Run | Close | Interrupt | Inspect | InputReply

GOOD: list[list[ToChild | FromChild]] = [
    [HELLO],
    [HELLO, run(1), Done(1, "ok"), shown(1), ClearOutput(1, wait=False)],
    [
        HELLO,
        run(1),
        out(1),
        shown(1),
        result(1),
        Values(1, None, []),
        Done(1, "ok"),
        run(2),
        Done(2, "error"),
    ],
    [HELLO, run(1), Done(1, "ok"), out(1), run(2), out(1), out(2), Done(2, "ok"), out(2)],
    [HELLO, out(0)],
    [HELLO, run(1), ask(1), InputReply(1, 1, "x"), Done(1, "ok"), ask(1), InputReply(1, 1, None)],
    [HELLO, run(1), out(1), Dropped(1, 0), Dropped(1, 9), Done(1, "ok"), Dropped(1, 99)],
    [HELLO, Close(), Goodbye()],
    [
        HELLO,
        Inspect(1, "stacks"),
        run(1),
        Inspect(2, "stacks"),
        Inspection(1),
        Inspection(2),
        Done(1, "ok"),
    ],
    [Close(), HELLO, Goodbye()],
    [HELLO, Descendants([]), run(1), Descendants([]), Close(), Descendants([]), Goodbye()],
    [
        HELLO,
        run(1),
        Interrupt(1, Rung.LOOP),
        Stopping(1, Rung.LOOP),
        Close(),
        Done(1, "interrupted"),
        Goodbye(),
    ],
]

BAD: list[tuple[str, list[ToChild | FromChild]]] = [
    ("a message 'goodbye' before its hello", [Goodbye()]),
    ("a message 'output' before its hello", [out(0)]),
    ("a message 'descendants' before its hello", [Descendants([])]),
    ("a message 'descendants' after its goodbye", [HELLO, Close(), Goodbye(), Descendants([])]),
    ("a second hello", [HELLO, HELLO]),
    ("version 99 of the protocol", [Hello(99, 1, 1, 1, "3.14.0", [Rung.EXCEPTION])]),
    (
        "a message 'stopping' of run 1, which was not sent",
        [HELLO, Stopping(1, Rung.LOOP)],
    ),
    ("a message .output. of run 1, which was not sent", [HELLO, out(1)]),
    ("a message 'display' of run 1, which was not sent", [HELLO, shown(1)]),
    ("a message 'inputrequest' of run 1, which was not sent", [HELLO, ask(1)]),
    ("a message 'dropped' of run 1, which was not sent", [HELLO, Dropped(1, 0)]),
    ("a message 'done' of run 1, which is not running", [HELLO, Done(1, "ok")]),
    ("a message 'result' of run 2, which is not running", [HELLO, run(1), result(2)]),
    (
        "a message 'done' of run 1, which is not running",
        [HELLO, run(1), Done(1, "ok"), Done(1, "ok")],
    ),
    (
        "a message 'values' of run 1, which is not running",
        [HELLO, run(1), Done(1, "ok"), Values(1, None, [])],
    ),
    (
        "a message 'result' of run 1, which is not running",
        [HELLO, run(1), Done(1, "ok"), result(1)],
    ),
    ("a message 'inspection' to question 1, which was not asked", [HELLO, Inspection(1)]),
    (
        "a message 'inspection' to question 1, which was not asked",
        [HELLO, Inspect(1, "stacks"), Inspection(1), Inspection(1)],
    ),
    ("a goodbye that nobody asked for", [HELLO, Goodbye()]),
    ("a message 'output' after its goodbye", [HELLO, Close(), Goodbye(), out(0)]),
]


def play(messages: list[ToChild | FromChild]) -> Conversation:
    conversation = Conversation()
    for message in messages:
        if isinstance(message, TO_CHILD):
            conversation.note(message)
        else:
            conversation.check(message)
    return conversation


@pytest.mark.parametrize("messages", GOOD)
def test_what_is_in_order(messages: list[ToChild | FromChild]):
    conversation = play(messages)
    assert conversation.greeted
    assert conversation.parted == isinstance(messages[-1], Goodbye)


@pytest.mark.parametrize(("problem", "messages"), BAD)
def test_what_is_not(problem: str, messages: list[ToChild | FromChild]):
    with pytest.raises(FrameError, match=problem):
        play(messages)


def test_what_is_refused_is_not_noted():
    conversation = Conversation()
    with pytest.raises(FrameError):
        conversation.check(Hello(PROTOCOL + 1, 1, 1, 1, "3.14.0", [Rung.EXCEPTION]))
    assert not conversation.greeted
    conversation.check(HELLO)
