"""Supervision against a child that a coroutine plays: time, order and every way to misbehave."""

from contextlib import suppress
from typing import Never

import pytest
import trio
import trio.testing
from trio.testing import MockClock

from subint_magic._child.frames import MAX_FRAME, PROTOCOL, FrameError, frame
from subint_magic.errors import (
    ActorConflict,
    ActorDied,
    ActorEnded,
    ActorError,
    ProtocolError,
)
from subint_magic.runtime.actor import Actor
from subint_magic.runtime.ladder import INSISTENCE
from subint_magic.runtime.lifecycle import State
from subint_magic.runtime.nursery import ActorNursery, open_nursery
from subint_magic.runtime.supervisor import BOOT_TIMEOUT, FAREWELL
from subint_magic.spawn import ChildEnd
from subint_magic.testing.fake import HELLO, FakePeer, Script, fake_method
from subint_magic.wire.messages import (
    Close,
    Configure,
    Done,
    Goodbye,
    Hello,
    Output,
    Result,
    Run,
    Rung,
)

GRACE = 2.0


async def good(peer: FakePeer) -> None:
    """Says hello, answers one run, says goodbye."""
    await peer.say(HELLO)
    run = await peer.hear(Run)
    await peer.say(
        Output(run.run, "stdout", "out"),
        Result(run.run, {"text/plain": "42"}, {}),
        Done(run.run, "ok"),
    )
    await peer.hear(Close)
    await peer.say(Goodbye())


async def polite(peer: FakePeer) -> None:
    """Runs nothing, but ends when asked to."""
    await peer.say(HELLO)
    await peer.hear(Close)
    await peer.say(Goodbye())


async def stuck(peer: FakePeer) -> None:
    """Says hello and nothing more, and does not end by itself."""
    await peer.say(HELLO)
    await peer.sleep_forever()


async def test_a_whole_life(autojump_clock: MockClock):
    async with open_nursery(grace=GRACE) as nursery:
        actor = await nursery.start_actor("a", spawn_method=fake_method(good))
        assert actor.state is State.IDLE
        assert actor.hello == HELLO
        result = await actor.run_cell("x")
        assert (result.value, result.stdout, result.stderr) == ("42", "out", "")
        assert actor.state is State.IDLE
        assert list(nursery.actors) == ["a"]
    assert actor.state is State.DONE
    assert nursery.actors == {}


async def test_the_child_is_configured_before_its_first_run(autojump_clock: MockClock):
    heard: list[object] = []

    async def child(peer: FakePeer) -> None:
        heard.append(await peer.hear(Configure))
        await good(peer)

    async with open_nursery() as nursery:
        actor = await nursery.start_actor(spawn_method=fake_method(child))
        await actor.run_cell("x")
    assert heard


async def test_names_are_given_and_checked(autojump_clock: MockClock):
    async with open_nursery(grace=0) as nursery:
        first = await nursery.start_actor(spawn_method=fake_method(polite))
        second = await nursery.start_actor(spawn_method=fake_method(polite))
        assert (first.name, second.name) == ("actor-1", "actor-2")
        with pytest.raises(ActorConflict, match="'actor-1' is there already"):
            await nursery.start_actor("actor-1", spawn_method=fake_method(polite))


# children that do not come up


async def test_no_hello(autojump_clock: MockClock):
    async def silent(peer: FakePeer) -> None:
        await peer.sleep_forever()

    start = trio.current_time()
    async with open_nursery(grace=GRACE) as nursery:
        with pytest.raises(ProtocolError, match="no hello within 30 s"):
            await nursery.start_actor("a", spawn_method=fake_method(silent))
    assert trio.current_time() - start == pytest.approx(BOOT_TIMEOUT + GRACE + FAREWELL)


@pytest.mark.parametrize(
    ("end", "how"),
    [
        (ChildEnd(exit_code=3), "exit code 3"),
        (ChildEnd(signal=11), "killed by SIGSEGV"),
        (ChildEnd(signal=250), "killed by signal 250"),
        (ChildEnd(error="ImportError: no msgpack"), "ImportError: no msgpack"),
        (
            ChildEnd(exit_code=1, stderr="oh\nno\n"),
            "exit code 1.\nIts last lines on stderr:\noh\nno",
        ),
    ],
)
async def test_death_before_hello(autojump_clock: MockClock, end: ChildEnd, how: str):
    async def child(peer: FakePeer) -> None:
        peer.end = end

    async with open_nursery() as nursery:
        with pytest.raises(ActorDied) as caught:
            await nursery.start_actor("a", spawn_method=fake_method(child))
        assert f"'a' died while booting: {how}" in str(caught.value)
        assert (caught.value.exit_code, caught.value.signal) == (end.exit_code, end.signal)
        assert nursery.actors == {}


async def test_a_backend_that_raises(autojump_clock: MockClock):
    def proc(_key: str, _name: str) -> Never:
        raise OSError("no more processes")

    method = fake_method(good)
    async with open_nursery() as nursery:
        with pytest.raises(ActorDied, match="while it was started: OSError: no more") as caught:
            await nursery.start_actor(spawn_method=type(method)(method.key, method.summary, proc))
        assert isinstance(caught.value.__cause__, OSError)


async def test_cancelling_the_start_ends_the_child(autojump_clock: MockClock):
    async with open_nursery(grace=GRACE) as nursery:

        async def silent(peer: FakePeer) -> None:
            await peer.sleep_forever()

        with trio.move_on_after(1) as scope:
            await nursery.start_actor("a", spawn_method=fake_method(silent))
        assert scope.cancelled_caught
        actor = nursery.actors.get("a")
        assert actor is not None
        assert await actor.wait_ended() is State.KILLED


# children that break the protocol


def oversized() -> bytes:
    return (MAX_FRAME + 1).to_bytes(4, "big") + b"x"


@pytest.mark.parametrize(
    ("data", "detail"),
    [
        (oversized(), "over the limit"),
        (frame(b"\xc1"), "malformed"),
        (frame(b"garbage"), "malformed"),
        (frame(b"\x81\xa4kind\xa5bogus"), "malformed"),
        (frame(b"\x81\xa4kind\xa5hello"), "malformed"),
    ],
    ids=["oversized", "no-msgpack", "no-map", "unknown-kind", "no-fields"],
)
async def test_bad_bytes_end_that_actor_alone(autojump_clock: MockClock, data: bytes, detail: str):
    async def bad(peer: FakePeer) -> None:
        await peer.say(HELLO)
        await peer.hear(Run)
        await peer.stream.send_all(data)
        await peer.sleep_forever()

    async with open_nursery(grace=GRACE) as nursery:
        other = await nursery.start_actor("other", spawn_method=fake_method(good))
        actor = await nursery.start_actor("bad", spawn_method=fake_method(bad))
        with pytest.raises(ProtocolError, match=f"'bad' broke the protocol.*{detail}"):
            await actor.run_cell("x")
        assert actor.state is State.FAILED
        with pytest.raises(ProtocolError):
            await actor.run_cell("x")
        assert (await other.run_cell("x")).value == "42"


@pytest.mark.parametrize(
    "messages",
    [
        [Output(1, "stdout", "x")],
        [Hello(PROTOCOL + 1, 1, 1, 1, "3.14.0", [Rung.EXCEPTION])],
        [HELLO, HELLO],
        [HELLO, Output(7, "stdout", "x")],
        [HELLO, Done(1, "ok")],
        [HELLO, Goodbye()],
    ],
)
async def test_messages_out_of_order_end_the_actor(
    autojump_clock: MockClock, messages: list[Hello]
):
    async def bad(peer: FakePeer) -> None:
        await peer.say(*messages)
        await peer.sleep_forever()

    async with open_nursery(strict=False) as nursery:
        with pytest.raises((ProtocolError, ActorEnded)):
            actor = await nursery.start_actor("bad", spawn_method=fake_method(bad))
            await actor.wait_ended()
            await actor.run_cell("x")


# children that die later


async def test_death_during_a_run_has_the_last_words(autojump_clock: MockClock):
    async def child(peer: FakePeer) -> None:
        await peer.say(HELLO)
        await peer.hear(Run)
        await peer.say(Output(1, "stderr", "said. "))
        peer.end = ChildEnd(signal=9, stderr="Unsent.")

    async with open_nursery() as nursery:
        actor = await nursery.start_actor("a", spawn_method=fake_method(child))
        with pytest.raises(ActorDied, match=r"while running a cell: killed by SIGKILL") as caught:
            await actor.run_cell("x")
        assert caught.value.stderr == "said. Unsent."


async def test_death_inside_a_message_is_a_death(autojump_clock: MockClock):
    async def child(peer: FakePeer) -> None:
        await peer.say(HELLO)
        await peer.hear(Run)
        await peer.stream.send_all(frame(b"x" * 1000)[:-1])
        peer.end = ChildEnd(signal=9)

    async with open_nursery() as nursery:
        actor = await nursery.start_actor("a", spawn_method=fake_method(child))
        with pytest.raises(ActorDied, match=r"while running a cell: killed by SIGKILL"):
            await actor.run_cell("x")


async def die_idle(nursery: ActorNursery, name: str) -> Actor:
    """Start an actor, and let its child die once it is idle."""
    now = trio.Event()

    async def mortal(peer: FakePeer) -> None:
        await peer.say(HELLO)
        await now.wait()

    actor = await nursery.start_actor(name, spawn_method=fake_method(mortal))
    now.set()
    assert await actor.wait_ended() is State.FAILED
    return actor


async def test_a_death_while_idle_that_nobody_noticed_is_raised_by_the_block(
    autojump_clock: MockClock,
):
    with pytest.raises(ActorDied, match="'a' died while idle"):
        async with open_nursery() as nursery:
            await die_idle(nursery, "a")
    with pytest.raises(ExceptionGroup) as caught:
        async with open_nursery() as nursery:
            await die_idle(nursery, "a")
            await die_idle(nursery, "b")
    assert caught.group_contains(ActorDied, match="'b' died while idle")


async def test_a_death_that_was_told_is_not_told_again(autojump_clock: MockClock):
    async with open_nursery() as nursery:
        actor = await die_idle(nursery, "a")
        with pytest.raises(ActorDied):
            await actor.run_cell("x")
    async with open_nursery() as nursery:
        await die_idle(nursery, "a")
        assert "while idle" in (nursery.pop_death("a") or "")
        assert nursery.pop_death("a") is None
    async with open_nursery(strict=False) as nursery:
        await die_idle(nursery, "a")


async def test_a_child_that_hangs_up_and_lives_on_is_killed(autojump_clock: MockClock):
    async def child(peer: FakePeer) -> None:
        await peer.say(HELLO)
        await peer.hear(Run)
        await peer.stream.aclose()
        await peer.sleep_forever()

    async with open_nursery(grace=GRACE) as nursery:
        actor = await nursery.start_actor("a", spawn_method=fake_method(child))
        with pytest.raises(ActorDied, match="while running a cell"):
            await actor.run_cell("x")


# children that do not stop


@pytest.mark.parametrize("killable", [True, False])
@pytest.mark.parametrize("how", ["close", "cancel", "leave", "raise", "cancel-block"])
async def test_a_stuck_child_is_put_down_in_bounded_time(
    autojump_clock: MockClock, how: str, killable: bool
):
    method = fake_method(stuck, killable=killable)
    start = trio.current_time()
    with trio.CancelScope() as scope:
        try:
            async with open_nursery(grace=GRACE) as nursery:
                actor = await nursery.start_actor(spawn_method=method)
                match how:
                    case "close":
                        await actor.close()
                    case "cancel":
                        await actor.cancel()
                    case "raise":
                        raise LookupError
                    case "cancel-block":
                        scope.cancel()
                        await trio.sleep_forever()
        except LookupError:
            assert how == "raise"
    assert actor.state is (State.KILLED if killable else State.ABANDONED)
    assert trio.current_time() - start == pytest.approx(GRACE + FAREWELL)


async def test_cancelling_who_waits_for_a_stuck_run_is_bounded(autojump_clock: MockClock):
    async with open_nursery(grace=GRACE) as nursery:
        actor = await nursery.start_actor("a", spawn_method=fake_method(stuck))
        start = trio.current_time()
        with trio.move_on_after(1):
            await actor.run_cell("x")
        assert trio.current_time() - start == pytest.approx(1 + GRACE + INSISTENCE + FAREWELL)
        assert actor.state is State.KILLED


async def test_cancelling_the_whole_block_during_a_stuck_run_is_bounded(autojump_clock: MockClock):
    start = trio.current_time()
    with trio.move_on_after(1):
        async with open_nursery(grace=GRACE) as nursery:
            actor = await nursery.start_actor("a", spawn_method=fake_method(stuck))
            await actor.run_cell("x")
    assert trio.current_time() - start <= 1 + GRACE + INSISTENCE + FAREWELL + 0.01
    assert actor.state is State.KILLED


async def test_a_child_that_does_not_read_cannot_hold_up_the_end(autojump_clock: MockClock):
    async def never_reads(peer: FakePeer) -> None:
        await peer.say(HELLO)
        await peer.sleep_forever()

    async with open_nursery(grace=GRACE) as nursery:
        actor = await nursery.start_actor("a", spawn_method=fake_method(never_reads))
        with trio.move_on_after(1):
            await actor.run_cell("x")
        assert actor.state is State.KILLED


async def test_close_waits_for_an_actor_that_boots(autojump_clock: MockClock):
    async def slow(peer: FakePeer) -> None:
        await trio.sleep(5)
        await polite(peer)

    async with open_nursery() as nursery:
        async with trio.open_nursery() as tasks:

            @tasks.start_soon
            async def start() -> None:
                with suppress(ActorEnded):  # it may see the end or just the hello before it
                    await nursery.start_actor("a", spawn_method=fake_method(slow))

            await trio.testing.wait_all_tasks_blocked()
            actor = nursery.actors["a"]
            assert actor.state is State.BOOTING
            await actor.close()
        assert actor.state is State.DONE


async def test_output_after_the_run_goes_to_its_sink(autojump_clock: MockClock):
    async def chatty(peer: FakePeer) -> None:
        await peer.say(HELLO)
        await peer.hear(Run)
        await peer.say(Done(1, "ok"), Output(1, "stdout", "late"))
        await peer.hear(Close)
        await peer.say(Goodbye())

    seen: list[object] = []
    async with open_nursery() as nursery:
        actor = await nursery.start_actor(spawn_method=fake_method(chatty))
        await actor.run_cell("x", sink=seen.append)
    assert seen == [Output(1, "stdout", "late")]


SCRIPTS: list[Script] = [good, polite, stuck]


@pytest.mark.parametrize("script", SCRIPTS)
async def test_an_ended_actor_refuses_and_forgives(autojump_clock: MockClock, script: Script):
    async with open_nursery(grace=GRACE) as nursery:
        actor = await nursery.start_actor(spawn_method=fake_method(script))
        await actor.cancel()
        await actor.cancel()
        await actor.close()
        with pytest.raises(ActorEnded, match="takes no more cells"):
            await actor.run_cell("x")
        assert not actor.interrupt()


def test_errors_of_the_wire_are_value_errors():
    assert issubclass(FrameError, ValueError)
    assert issubclass(ProtocolError, ActorError)
