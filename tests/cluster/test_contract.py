"""An actor on a cluster is an actor."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cluster.conftest import local_cluster
from subint_magic.cluster.dask import DASK
from subint_magic.testing.contract import SpawnContract

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module", autouse=True)
def cluster() -> Iterator[None]:
    with local_cluster():
        yield


class TestOnACluster(SpawnContract):
    """Hosted by the worker's default backend, and by processes."""

    @pytest.fixture(params=["dask"])
    def start_method(self, request: pytest.FixtureRequest, via: str) -> str:
        DASK.select(["--via", via])
        return request.param

    @pytest.fixture(params=["subint", "trio"])
    def via(self, request: pytest.FixtureRequest) -> str:
        return request.param
