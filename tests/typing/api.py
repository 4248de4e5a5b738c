# pyright: strict, reportUnnecessaryTypeIgnoreComment=true
"""Code of a user, with the types that checkers are to see. It is checked and never run.

mypy and pyright check it against the checkout (`make check`) and against an installed wheel (`make
wheel-test`). Each ``type: ignore`` stands for a mistake that both have to find.
"""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import assert_type

import subint_magic
from subint_magic import Actor, ActorNursery, CellResult, Question, State, SubintFunction
from subint_magic.spawn import Child, SpawnMethod
from subint_magic.testing.contract import ProcessContract

# functions


@subint_magic.subint
def square(x: int) -> int:
    return x * x


@subint_magic.subint(name="worker", spawn_method="auto", timeout=5, grace=0.5, check=False)
def greet(name: str, *, loud: bool = False) -> str:
    return name.upper() if loud else name


def length(word: str) -> int:
    return len(word)


assert_type(square(3), int)
assert_type(square.map([1, 2]), list[int])
assert_type(greet("you", loud=True), str)
decorated: SubintFunction[[int], int] = square
assert_type(subint_magic.map(length, ["a", "b"], actors=2), list[int])

square("3")  # type: ignore[arg-type]
greet("you", True)  # type: ignore[call-arg]
subint_magic.map(length, [1])  # type: ignore[arg-type]
print(subint_magic.nothing)  # type: ignore[attr-defined]


# actors


async def answer(question: Question) -> str | None:
    assert_type(question.prompt, str)
    return None if question.password else "yes"


def sink(event: object) -> None:
    if isinstance(event, subint_magic.Output):
        assert_type(event.text, str)


async def program() -> None:
    async with subint_magic.open_nursery(grace=1, spares=1) as nursery:
        assert_type(nursery, ActorNursery)
        actor = await nursery.start_actor("worker", spawn_method="trio")
        assert_type(actor, Actor)
        assert_type(actor.state, State)
        result = await actor.run_cell(
            "a = b", inputs={"b": 1}, outputs=["a"], timeout=5, answer=answer, sink=sink
        )
        assert_type(result, CellResult)
        assert_type(result.value, str | None)
        assert_type(result.values, dict[str, object])
        assert_type(await actor.call(length, "word"), int)
        assert_type(await nursery.map(length, ["a", "b"]), list[int])
        assert_type(nursery.actors, dict[str, Actor])
        assert_type(actor.interrupt(), bool)
        await actor.call(length, 3)  # type: ignore[arg-type]


# errors and handles


def explain(run: subint_magic.BackgroundRun) -> str:
    try:
        run.result(timeout=1)
    except subint_magic.RunTimedOut as error:
        assert_type(error.timeout, float)
        return error.how
    except subint_magic.ActorDied as error:
        assert_type(error.exit_code, int | None)
        return error.stderr
    except subint_magic.StillRunning as error:
        assert_type(error.seconds, float)
        return error.state
    except subint_magic.OutputError as error:
        assert_type(error.names, list[str])
    assert_type(run.exception(), BaseException | None)
    return run.stdout


# shared memory


def shared_bytes(data: bytes) -> int:
    with subint_magic.share(data) as shared:
        assert_type(shared, subint_magic.Shared)
        assert_type(shared.memory, memoryview)
        return len(shared.memory)


# a backend of one's own


def start(key: str, name: str) -> Child:
    raise NotImplementedError(key, name)


@asynccontextmanager
async def my_proc(key: str, name: str) -> AsyncGenerator[Child]:
    yield start(key, name)


MY = SpawnMethod("my", "one line on when to use it", my_proc)


class TestMine(ProcessContract):
    pass


assert_type(subint_magic.try_set_start_method("my"), SpawnMethod)
assert_type(subint_magic.get_start_method(), str)
assert_type([method.available for method in subint_magic.spawn_methods()], list[bool])
key: subint_magic.SpawnMethodKey = "subint"
