"""What stops what on a worker: by the tests of every other backend."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from contract.test_matrix import (
    backtrack,
    gate,
    test_a_child_process_left_running,
    test_a_thread_left_running,
    test_input_ends_by_itself,
    test_what_stops_it,
)

from cluster.conftest import local_cluster

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "backtrack",
    "gate",
    "test_a_child_process_left_running",
    "test_a_thread_left_running",
    "test_input_ends_by_itself",
    "test_what_stops_it",
]


@pytest.fixture(scope="module", autouse=True)
def cluster() -> Iterator[None]:
    with local_cluster():
        yield
