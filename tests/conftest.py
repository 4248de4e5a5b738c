"""What all tests share."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytest_plugins = ["pytester"]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--record-matrix", metavar="DIR", help="write how runs were stopped to DIR")


@pytest.fixture(autouse=True)
def _guard(no_leaks: None) -> None:
    """Every test leaves the process as it was."""


@pytest.fixture(scope="session")
def record_matrix(
    request: pytest.FixtureRequest,
) -> Iterator[Callable[[str, str, str, float | None, str], None]]:
    """Note backend, body, rung, seconds, and what is left; written if somebody wants it."""
    rows: list[tuple[str, str, str, float | None, str]] = []
    yield lambda *row: rows.append(row)
    if directory := request.config.getoption("--record-matrix"):
        python = "{}.{}.{}".format(*sys.version_info)
        path = Path(directory) / f"{python}-{rows[0][0]}.json"
        path.write_text(json.dumps({"python": python, "rows": rows}))
