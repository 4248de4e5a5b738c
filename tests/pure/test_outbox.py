"""What becomes of text on its way out of a child, and how much of it is sent."""

from __future__ import annotations

from typing import Any

import msgpack

from subint_magic._child.frames import Splitter, frame
from subint_magic._child.output.outbox import (
    BURST,
    CHUNK,
    HASTE,
    MESSAGE_COST,
    RATE,
    Allowance,
    Outbox,
    Packed,
)


class Clock:
    def __init__(self) -> None:
        self.now = 1.0

    def __call__(self) -> float:
        return self.now


def sent(outbox: Outbox) -> list[tuple[Any, ...]]:
    """Take what is to be sent: ``(stream, text)`` or ``("dropped", characters)`` each."""
    outbox.close_batch()
    messages = [msgpack.unpackb(payload) for payload in Splitter().feed(bytes(outbox.ready))]
    outbox.ready.clear()
    return [
        (message["stream"], message["text"])
        if message["kind"] == "output"
        else (message["kind"], message["characters"])
        for message in messages
    ]


def test_text_is_joined_by_stream():
    outbox, allowance = Outbox(), Allowance(1, 10**6)
    for stream, text in [("stdout", "a"), ("stdout", "b"), ("stderr", "c"), ("stdout", "d")]:
        outbox.take_text(allowance, stream, text)
    assert sent(outbox) == [("stdout", "ab"), ("stderr", "c"), ("stdout", "d")]


def test_what_just_fits_is_sent_and_nothing_said():
    outbox, allowance = Outbox(), Allowance(1, 10)
    outbox.take_text(allowance, "stdout", "12345")
    outbox.take_text(allowance, "stdout", "67890")
    outbox.take_allowance(allowance)
    assert sent(outbox) == [("stdout", "1234567890")]
    assert not outbox.dropping


def test_the_cut_is_exact_and_said_at_once():
    outbox, allowance = Outbox(), Allowance(1, 10)
    outbox.take_text(allowance, "stdout", "12345")
    outbox.take_text(allowance, "stdout", "67890over")
    assert outbox.urgent
    assert outbox.dropping
    assert sent(outbox) == [("stdout", "1234567890"), ("dropped", 0)]


def test_all_that_is_dropped_is_counted_and_told_once():
    outbox, allowance = Outbox(), Allowance(1, 10)
    for _ in range(5):
        outbox.take_text(allowance, "stdout", "x" * 7)
        outbox.take_text(allowance, "stderr", "x" * 3)
    outbox.take_allowance(allowance)
    outbox.take_allowance(allowance)
    assert sent(outbox) == [
        ("stdout", "x" * 7),
        ("stderr", "x" * 3),
        ("dropped", 0),
        ("dropped", 40),
    ]


def test_what_is_dropped_later_is_told_later():
    outbox, allowance = Outbox(), Allowance(1, 2)
    outbox.take_text(allowance, "stdout", "abc")
    outbox.take_allowance(allowance)
    outbox.take_text(allowance, "stdout", "late")
    outbox.take_allowance(allowance)
    assert sent(outbox) == [("stdout", "ab"), ("dropped", 0), ("dropped", 1), ("dropped", 5)]


def test_a_character_counts_as_one_however_many_bytes_it_has():
    outbox, allowance = Outbox(), Allowance(1, 3)
    outbox.take_text(allowance, "stdout", "\N{GRINNING FACE}" * 5)
    outbox.take_allowance(allowance)
    assert sent(outbox) == [
        ("stdout", "\N{GRINNING FACE}" * 3),
        ("dropped", 0),
        ("dropped", 2),
    ]


def test_each_run_has_an_allowance_of_its_own():
    outbox, first, second = Outbox(), Allowance(1, 3), Allowance(2, 3)
    outbox.take_text(first, "stdout", "1111")
    outbox.take_text(second, "stdout", "222")
    outbox.take_text(first, "stdout", "1")
    assert sent(outbox) == [("stdout", "111"), ("dropped", 0), ("stdout", "222")]
    assert (first.dropped, second.dropped) == (2, 0)


def alternate(outbox: Outbox, allowance: Allowance, times: int) -> int:
    """Print to stdout and stderr in turn; return how many messages that made."""
    for i in range(times):
        outbox.take_text(allowance, ("stdout", "stderr")[i % 2], "x")
    return len([message for message in sent(outbox) if message[0] != "dropped"])


def test_many_small_messages_in_a_hurry_are_cut():
    outbox, allowance = Outbox(Clock()), Allowance(1, 10 * MESSAGE_COST)
    # the first comes after a pause, and so counts as one character
    assert alternate(outbox, allowance, 100) == 11
    assert allowance.dropped == 89


def test_small_messages_that_take_their_time_are_not():
    clock = Clock()
    outbox, allowance = Outbox(clock), Allowance(1, MESSAGE_COST)
    for _ in range(MESSAGE_COST):
        assert alternate(outbox, allowance, 1) == 1
        clock.now += 2 * HASTE
    assert alternate(outbox, allowance, 1) == 0


def test_a_large_message_counts_as_what_it_has():
    outbox, allowance = Outbox(Clock()), Allowance(1, 4 * CHUNK)
    for _ in range(5):
        outbox.take_text(allowance, "stdout", "x" * CHUNK)
    assert sum(len(text) for kind, text in sent(outbox) if kind == "stdout") == 4 * CHUNK
    assert allowance.dropped == CHUNK


def test_changes_between_streams_are_paced_after_a_burst():
    clock = Clock()
    outbox, allowance = Outbox(clock), Allowance(1, 10**6)
    alternate(outbox, allowance, BURST - 2)
    assert not outbox.spent
    alternate(outbox, allowance, 2)
    assert outbox.spent
    clock.now += 10.5 / RATE
    outbox.earn()
    alternate(outbox, allowance, 8)
    assert not outbox.spent
    alternate(outbox, allowance, 2)
    assert outbox.spent
    outbox.hurry()
    assert not outbox.spent


def test_one_stream_is_not_paced():
    outbox, allowance = Outbox(Clock()), Allowance(1, 10**7)
    for _ in range(2 * BURST):
        outbox.take_text(allowance, "stdout", "x")
        outbox.close_batch()
    assert not outbox.spent


def test_a_display_over_its_allowance_is_dropped_with_all_that_follows():
    outbox, allowance = Outbox(Clock()), Allowance(1, 1000)
    display = frame(msgpack.packb({"kind": "output", "stream": "display", "text": "x" * 500}))
    result = frame(msgpack.packb({"kind": "output", "stream": "result", "text": "x" * 500}))
    outbox.take_text(allowance, "stdout", "a")
    for _ in range(3):
        outbox.take_packed(Packed(display, allowance))
    outbox.take_text(allowance, "stdout", "b")
    outbox.take_packed(Packed(result, None))
    streams = [stream for stream, _ in sent(outbox)]
    assert streams == ["stdout", "display", "dropped", "result"]
    assert allowance.dropped == 2 * len(display) + 1
