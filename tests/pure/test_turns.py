"""Queues by name."""

import trio
import trio.testing

from subint_magic.runtime.runs.turns import Turn, Turns


async def hold(turn: Turn, seen: list[str], what: str) -> None:
    with turn.kept():
        await turn.come.wait()
        seen.append(what)
        await trio.lowlevel.checkpoint()


async def test_turns_come_as_they_were_taken_not_as_they_are_awaited():
    turns, seen = Turns(lambda _: None), list[str]()
    taken = [(turns.take("a"), str(i)) for i in range(5)]
    async with trio.open_nursery() as tasks:
        for turn, what in reversed(taken):
            tasks.start_soon(hold, turn, seen, what)
            await trio.testing.wait_all_tasks_blocked()
    assert seen == ["0", "1", "2", "3", "4"]


async def test_queues_do_not_wait_for_each_other():
    turns, seen = Turns(lambda _: None), list[str]()
    turns.take("a")
    await hold(turns.take("b"), seen, "b")
    assert seen == ["b"]


async def test_who_is_cancelled_leaves_the_queue():
    turns, seen = Turns(lambda _: None), list[str]()
    first, second, third = (turns.take("a") for _ in range(3))
    assert turns.waiting("a") == 2
    with trio.move_on_after(0):
        await hold(second, seen, "second")
    assert turns.waiting("a") == 1
    await hold(first, seen, "first")
    await hold(third, seen, "third")
    assert seen == ["first", "third"]
    assert turns.waiting("a") == 0
