"""An actor on a cluster is an actor."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cluster.conftest import local_cluster
from subint_magic.cluster.dask import DASK
from subint_magic.testing.contract import ProcessContract, SpawnContract
from subint_magic.testing.contract.life import LifeContract
from subint_magic.testing.contract.spares import SpareContract
from subint_magic.testing.contract.stopping import StoppingContract

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module", autouse=True)
def cluster() -> Iterator[None]:
    with local_cluster():
        yield


class TestBySubinterpreters(SpawnContract):
    """Hosted by what the worker has by default."""

    @pytest.fixture(params=["dask"])
    def start_method(self, request: pytest.FixtureRequest) -> str:
        DASK.select([])
        return request.param


class TestByProcesses(ProcessContract, LifeContract, SpareContract, StoppingContract):
    """What does not depend on the host, as cells and values, need not run twice."""

    @pytest.fixture(params=["dask"])
    def start_method(self, request: pytest.FixtureRequest) -> str:
        DASK.select(["--via", "trio"])
        return request.param
