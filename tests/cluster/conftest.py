"""Dask clusters for tests: real ones, of processes."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

pytest.importorskip("distributed", reason="Dask is not installed")

from distributed import Client, LocalCluster
from kernel.conftest import jupyter_client, new_kernel, scratch

from subint_magic.cluster.dask import DASK

if TYPE_CHECKING:
    from collections.abc import Iterator


__all__ = ["jupyter_client", "local_cluster", "new_kernel", "scratch"]


@contextmanager
def local_cluster(workers: int = 1, **options: object) -> Iterator[Client]:
    """A cluster of processes on this machine, whose client is the current one."""
    with (
        LocalCluster(
            n_workers=workers, threads_per_worker=1, dashboard_address=":0", **options
        ) as cluster,
        Client(cluster) as client,
    ):
        yield client
        DASK.shut_down()


@pytest.fixture
def client() -> Iterator[Client]:
    with local_cluster(2) as client:
        yield client


@pytest.fixture(autouse=True)
def _guard() -> None:
    """A cluster of Dask keeps threads and files for a while; its own tests look after that."""
