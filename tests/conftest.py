"""What all tests share."""

import pytest

pytest_plugins = ["pytester"]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--record-matrix", metavar="DIR", help="write how runs were stopped to DIR")


@pytest.fixture(autouse=True)
def _guard(no_leaks: None) -> None:
    """Every test leaves the process as it was."""
