"""What all tests share."""

import pytest

pytest_plugins = ["pytester"]


@pytest.fixture(autouse=True)
def _guard(no_leaks: None) -> None:
    """Every test leaves the process as it was."""
