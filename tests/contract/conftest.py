"""What the tests of the stop ladder measure, for the table in the docs."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture(scope="session")
def record_matrix(
    request: pytest.FixtureRequest,
) -> Iterator[Callable[[str, str, str, float | None, str], None]]:
    """Note backend, body, rung, seconds, and what is left; written if somebody wants it."""
    rows: list[tuple[str, str, str, float | None, str]] = []
    yield lambda *row: rows.append(row)
    if directory := request.config.getoption("--record-matrix"):
        python = "{}.{}.{}".format(*sys.version_info)
        path = Path(directory) / f"{python}.json"
        path.write_text(json.dumps({"python": python, "rows": rows}))
