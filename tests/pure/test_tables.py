import pytest

from subint_magic.notebook.views.tables import age, text_table


def test_columns_are_aligned_and_nothing_trails():
    table = text_table(["a", "bb", "c"], [["1", "2", "long one"], ["333", "", ""]])
    assert table == "a    bb  c\n1    2   long one\n333"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (59.4, "59 s"), (60, "1 min"), (3599, "59 min"), (7500, "2 h 5 min")],
)
def test_age(seconds: float, text: str):
    assert age(seconds) == text
