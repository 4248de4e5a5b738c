"""Messages with files beside them, over a socket that passes files and over streams that do not."""

from __future__ import annotations

import os
import socket
from typing import Any

import msgpack
import pytest
import trio
import trio.testing

from subint_magic import share
from subint_magic._child.frames import FrameError, Splitter, frame
from subint_magic._child.output.outbox import Outbox
from subint_magic._child.values.files import Arrivals
from subint_magic._child.values.line import Line
from subint_magic._child.values.parcel import Parcel, pack
from subint_magic._child.values.unpacking import unpack
from subint_magic.wire.channel import Channel
from subint_magic.wire.fds import socket_pair
from subint_magic.wire.messages import Run, Values

pytestmark = pytest.mark.usefixtures("no_leaks")

LARGE = bytes(3 * 10**6)


def run(parcel: Parcel) -> Run:
    return Run(1, "", "", "trio", inputs=parcel)


def hear(arrivals: Arrivals, payload: bytes) -> Parcel | None:
    """Do with a message what a child does."""
    message = msgpack.unpackb(payload)
    if message["kind"] == "chunk":
        arrivals.add_chunk(message["data"], message["last"])
        return None
    plain = message["inputs"]
    return Parcel(plain["items"], plain["data"], arrivals.take(plain["files"]))


def values(parcel: Parcel) -> dict[str, Any]:
    return dict(unpack(parcel))


def say(line: Line, outbox: Outbox, *parcels: Parcel) -> None:
    """Send outputs as a child does, as far as the line takes them."""
    for parcel in parcels:
        outbox.take_message({"kind": "values", "run": 1, "parcel": parcel, "problems": []})
    end, files = outbox.next_piece()
    outbox.was_sent(line.send(bytes(outbox.ready[:end]), files))


async def test_files_cross_a_socket_in_order():
    stream, theirs = socket_pair()
    channel, line, splitter = Channel(stream), Line(theirs.fileno()), Splitter()
    with theirs, share(b"shared") as shared:
        for parcel in (pack({"a": LARGE, "s": shared}), pack({"b": 1}), pack({"c": LARGE})):
            channel.post(run(parcel))
        async with trio.open_nursery() as tasks:
            tasks.start_soon(channel.deliver)
            heard: list[dict[str, Any]] = []
            while len(heard) < 3:
                await trio.lowlevel.wait_readable(theirs)
                for payload in splitter.feed(line.receive(10)):
                    parcel = hear(line.arrivals, payload)
                    assert parcel is not None
                    heard.append(values(parcel))
            tasks.cancel_scope.cancel()
        assert [list(each) for each in heard] == [["a", "s"], ["b"], ["c"]]
        assert heard[2]["c"] == LARGE
        assert bytes(heard[0]["s"].memory) == b"shared"
        heard.clear()
        line.close()
        await channel.aclose()


async def test_files_come_back_over_a_socket_in_order():
    stream, theirs = socket_pair()
    channel, line, outbox = Channel(stream), Line(theirs.fileno()), Outbox()
    with theirs:
        say(line, outbox, pack({"x": 1}), pack({"a": LARGE}), pack({"b": 2 * LARGE}))
        while outbox.ready:
            say(line, outbox)
        for expected in ({"x": 1}, {"a": LARGE}, {"b": 2 * LARGE}):
            message = await channel.receive()
            assert isinstance(message, Values)
            assert message.parcel is not None
            assert values(message.parcel) == expected
        line.close()
        await channel.aclose()


async def test_over_any_other_stream_they_go_in_pieces():
    ours, theirs = trio.testing.memory_stream_pair()
    channel, arrivals, splitter = Channel(ours), Arrivals(), Splitter()
    channel.post(run(pack({"a": LARGE, "b": 1})))
    with pytest.raises(FrameError, match="shared memory stays on this machine"):
        channel.post(run(pack({"s": share(b"x")})))
    async with trio.open_nursery() as tasks:
        tasks.start_soon(channel.deliver)
        parcel, largest = None, 0
        while parcel is None:
            for payload in splitter.feed(bytes(await theirs.receive_some())):
                largest = max(largest, len(payload))
                parcel = hear(arrivals, payload)
        tasks.cancel_scope.cancel()
    assert values(parcel) == {"a": LARGE, "b": 1}
    assert largest < len(LARGE) // 2

    outbox = Outbox(by_descriptor=False)
    plain: dict[str, Any] = {"kind": "values", "run": 1, "problems": []}
    outbox.take_message(plain | {"parcel": pack({"c": LARGE})})
    sizes = []
    while outbox.ready:
        sizes.append(len(outbox.ready))
        await theirs.send_all(bytes(outbox.ready))
        outbox.was_sent(sizes[-1])
        outbox.take_parts()
    message = await channel.receive()
    assert isinstance(message, Values)
    assert message.parcel is not None
    assert values(message.parcel) == {"c": LARGE}
    assert max(sizes) < len(LARGE) // 2
    await channel.aclose()


async def test_a_child_without_a_socket_knows_it():
    reader, writer = os.pipe()
    assert not Line(reader).passes_files
    assert Line(writer).send(b"x") == 1
    assert Line(reader).receive(5) == b"x"
    os.close(reader)
    os.close(writer)


def parcel_of(files: int, **changes: object) -> bytes:
    plain = {"items": [], "data": None, "files": files} | changes
    return msgpack.packb({"kind": "values", "run": 1, "parcel": plain, "problems": []})  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    "payload",
    [
        parcel_of(2),
        parcel_of(1, items=3),
        parcel_of(1, data=3),
        parcel_of(-1),
        msgpack.packb({"kind": "values", "run": 1, "parcel": 3, "problems": []}),
        msgpack.packb({"kind": "values", "run": "1", "parcel": None, "problems": []}),
    ],
)
async def test_the_files_of_what_is_malformed_are_closed(payload: bytes):
    stream, theirs = socket_pair()
    channel = Channel(stream)
    with theirs:
        socket.send_fds(theirs, [frame(payload)], [0])
        with pytest.raises(FrameError, match="malformed"):
            await channel.receive()
        await channel.aclose()


async def test_files_on_the_way_are_closed_with_their_ends():
    stream, theirs = socket_pair()
    channel, line, outbox = Channel(stream), Line(theirs.fileno()), Outbox()
    with theirs:
        channel.post(run(pack({"a": LARGE})))  # never delivered
        channel.post(run(pack({"a": LARGE})))
        say(line, outbox, pack({"x": LARGE}), pack({"y": LARGE}))  # never received, never sent
        outbox.close()
        line.close()
        await channel.aclose()


async def test_too_many_files_that_nobody_takes():
    stream, theirs = socket_pair()
    channel = Channel(stream)
    with theirs:
        for _ in range(3):
            socket.send_fds(theirs, [b"\0"], [0] * 250)
        with pytest.raises(FrameError, match="files that no message takes"):
            await channel.receive()
        await channel.aclose()
