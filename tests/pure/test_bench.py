"""What the benchmark makes of its numbers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from types import ModuleType


@pytest.fixture
def tables(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(Path(__file__).parents[2] / "scripts" / "bench")
    import tables

    return tables


def test_a_spread_has_the_median_and_nine_of_ten_below_its_high(tables: ModuleType):
    assert tables.Spread.of(range(100, -1, -1)) == (50, 10, 90)
    assert tables.Spread.of([7]) == (7, 7, 7)


def test_figures_are_made_of_each_turn(tables: ModuleType):
    row = tables.Row("x", ours=[2, 30, 4], floor=[1, 10, 4])

    assert row.figure(tables.Figure.RATIO).median == 2
    assert row.figure(tables.Figure.SPEED).median == 0.5
    assert row.figure(tables.Figure.ADDED).median == 1


@pytest.mark.parametrize(
    ("at_most", "value", "verdict"),
    [
        (True, 2, "met: at most 2"),
        (True, 2.1, "MISSED: at most 2"),
        (False, 2, "met: at least 2"),
        (False, 1.9, "MISSED: at least 2"),
    ],
)
def test_a_verdict_says_its_bound(tables: ModuleType, at_most: bool, value: float, verdict: str):
    assert tables.Target(2, at_most=at_most).verdict(value) == verdict


def test_what_was_not_measured_says_so(tables: ModuleType):
    row = tables.Row("x", reason="not here")
    table = tables.Table("T", "ms", tables.Figure.RATIO, [row])

    assert table.cells(row)[:2] == ["x", "not here"]
    assert table.as_data()["rows"] == {"x": "not here"}
