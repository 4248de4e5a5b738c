"""An actor on a cluster is an actor."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cluster.conftest import local_cluster
from subint_magic.testing.contract import SpawnContract

if TYPE_CHECKING:
    from collections.abc import Iterator


class TestOnACluster(SpawnContract):
    @pytest.fixture(scope="class", autouse=True)
    def cluster(self) -> Iterator[None]:
        with local_cluster():
            yield

    @pytest.fixture
    def start_method(self) -> str:
        return "dask"
