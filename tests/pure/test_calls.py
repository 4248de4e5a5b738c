"""Which calls are packed and opened without a thread."""

import math
from decimal import Decimal
from functools import partial
from typing import Any

import pytest

from subint_magic._child.values.parcel import pack
from subint_magic.errors import CellError
from subint_magic.runtime.functions.calls import (
    CallOutcome,
    open_call,
    opens_at_once,
    packs_at_once,
)
from subint_magic.wire.messages import Problem, Values


def here() -> None:
    """Goes by its name."""


class Odd(int):
    """Could do anything when it is pickled."""


@pytest.mark.parametrize(
    ("function", "args"),
    [(abs, (-1,)), (math.hypot, (3.0, 4)), (here, ()), (len, ("x" * 1000,))],
)
def test_what_is_small_and_plain_needs_none(function: Any, args: tuple[Any, ...]):
    assert packs_at_once(function, args)


@pytest.mark.parametrize(
    ("function", "args"),
    [
        (lambda: 1, ()),
        ([].append, (1,)),  # the list goes along
        (partial(abs, 1), ()),
        (Odd, (1,)),
        (abs, (Odd(1),)),
        (len, ([1],)),
        (len, ("x" * 10_000,)),
    ],
)
def test_what_may_run_code_or_take_time_has_one(function: Any, args: tuple[Any, ...]):
    assert not packs_at_once(function, args)


def outcome(value: object) -> CallOutcome:
    return CallOutcome("f", Values(1, pack({"f": value}), []))


@pytest.mark.parametrize("value", [None, 1, "text", [1, {"a": (2.5, b"x")}]])
def test_small_plain_results_are_opened_at_once(value: object):
    assert opens_at_once(outcome(value))
    assert open_call("a", outcome(value)).value == value


def test_others_are_opened_in_a_thread():
    assert not opens_at_once(outcome(Decimal(1)))
    assert not opens_at_once(outcome("x" * 10_000))
    assert not opens_at_once(outcome(bytearray(10**6)))
    assert not opens_at_once(CallOutcome("f", None))
    failed = CellError("a", "E", "e", "")
    assert not opens_at_once(CallOutcome("f", Values(1, pack({"f": 1}), []), failed))
    problem = Problem("f", "why")
    assert not opens_at_once(CallOutcome("f", Values(1, None, [problem])))
