"""A Dask cluster of processes on this machine."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from distributed import Client, LocalCluster

from subint_magic.cluster.dask import DASK

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def open_cluster(workers: int) -> Iterator[Client]:
    """Start a cluster; its client is the current one, and both end with the block."""
    with (
        LocalCluster(n_workers=workers, threads_per_worker=1, dashboard_address=":0") as cluster,
        Client(cluster) as client,
    ):
        yield client
        DASK.shut_down()
