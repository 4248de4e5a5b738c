import pytest

from subint_magic.notebook.views.inside import VIEWS, Glance
from subint_magic.notebook.views.tables import age, duration, html_table, size, text_table
from subint_magic.wire.messages import Inspection, Stack, StackFrame


def test_columns_are_aligned_and_nothing_trails():
    table = text_table(["a", "bb", "c"], [["1", "2", "long one"], ["333", "", ""]])
    assert table == "a    bb  c\n1    2   long one\n333"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (59.4, "59 s"), (60, "1 min"), (3599, "59 min"), (7500, "2 h 5 min")],
)
def test_age(seconds: float, text: str):
    assert age(seconds) == text


def test_html_is_escaped():
    table = html_table(["<a>"], [["x & y"]], "one\ntwo")
    assert ">&lt;a&gt;</th>" in table
    assert ">x &amp; y</td>" in table
    assert "<small>one<br>two</small>" in table


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(None, "–"), (0.00123, "1.2 ms"), (0.0349, "35 ms"), (1.5, "1.50 s")],
)
def test_duration(seconds: float | None, text: str):
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("count", "text"),
    [(None, "–"), (0, "0 B"), (1536, "1.5 KiB"), (2**20, "1.0 MiB"), (2**41, "2.0 TiB")],
)
def test_size(count: int | None, text: str):
    assert size(count) == text


@pytest.mark.parametrize(
    ("more", "left_out", "heading", "end"),
    [
        (0, 0, "Task 'worker':", "    x()"),
        (1, 1, "Task 'worker', and 1 more at the same place:", "… and 1 more task"),
        (1999, 2000, "Task 'worker', and 1,999 more at the same place:", "… and 2,000 more tasks"),
    ],
)
def test_tasks_that_are_not_shown_are_counted(more: int, left_out: int, heading: str, end: str):
    stack = Stack("task", "worker", more, [StackFrame("<string>", 7, 2, "f", "x()")])
    answer = Inspection(1, [stack], left_out=left_out)
    shown = VIEWS["where"].show(Glance("main", "runs a cell for 3 s", answer), answer)
    lines = shown.splitlines()
    assert lines[0] == "Actor 'main' runs a cell for 3 s"
    assert lines[2:4] == [heading, "  Cell In[7], line 2, in f"]
    assert lines[-1] == end
