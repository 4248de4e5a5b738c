"""The client: the current one, one of an address, or that of a cluster on this machine."""

from __future__ import annotations

import multiprocessing
import threading
from collections import deque
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

import dask
from dask.base import annotate, get_annotations
from distributed import Client, LocalCluster

if TYPE_CHECKING:
    from collections.abc import Callable

    from distributed import Future

    from subint_magic.cluster.options import Options

__all__ = ["annotated", "close", "describe", "find", "place", "reach"]

CONNECT_TIMEOUT = 10.0
"""Seconds within which a scheduler has to answer."""

_lock = threading.Lock()
_theirs: deque[Client] = deque(maxlen=1)
"""The client of the user's that was taken last."""

_own: dict[str, Client] = {}
"""The clients that were made here, by the address that was asked for; ``""`` for our cluster."""


def reach(options: Options) -> tuple[Client, str, list[str]]:
    """Return what `find` does, the address of the dashboard, and the workers; may block."""
    client = find(options)
    return client, dashboard(client), list(client.nthreads())


def find(options: Options) -> Client:
    """Return the client that actors are started through; may block.

    Raises:
        OSError: no scheduler answers at the address that was asked for.
    """
    with _lock:
        address = options.scheduler
        if address is None:
            with suppress(ValueError):
                current: Client = Client.current()
                if current.status == "running" and not current.asynchronous:
                    _theirs.append(current)
                    return current
            if _theirs:  # else what follows would go to another cluster, and nobody would know
                raise OSError(
                    "the Dask client was closed, or has lost its cluster: make another one"
                )
            address = dask.config.get("scheduler-address", None) or ""
        client = _own.get(address)
        if client is None or client.status != "running":
            client = _own[address] = _connect(address)
        return client


def _connect(address: str) -> Client:
    try:
        # Not the default: other code of the user's finds its clients as before.
        return Client(address or _local_cluster(), timeout=CONNECT_TIMEOUT, set_as_default=False)
    except OSError as error:
        raise OSError(f"no Dask scheduler answers at {address} ({error})") from error


def _local_cluster() -> LocalCluster:
    # Any port for the dashboard: Dask warns if its usual one is taken.
    return LocalCluster(dashboard_address=":0", preload=["subint_magic.cluster.signals"])


def annotated(options: Options) -> Options:
    """Return *options* with the annotations that hold here and now."""
    return replace(options, annotations=get_annotations())


def place(
    client: Client,
    options: Options,
    all_workers: list[str],
    key: str,
    make: Callable[..., object],
    *args: object,
) -> Future[Any]:
    """Have a Dask Actor made by ``make(*args)``, on a worker that the options allow."""
    # Those of the task that starts an actor hold as well: trio hands them down.
    annotations = options.annotations | get_annotations()
    workers = list(options.workers)
    anywhere = not workers and "workers" not in annotations
    with annotate(**annotations):
        return client.submit(
            make,
            *args,
            key=key,
            actor=True,
            # Dask counts the actors of a worker only where it has the choice between some.
            workers=(all_workers if anywhere else workers) or None,
            allow_other_workers=(anywhere and bool(all_workers)) or None,
            resources=options.resources or None,
        )


def dashboard(client: Client) -> str:
    """Return the address of the page on *client*'s cluster; empty if it has none. May block."""
    with suppress(KeyError):  # its scheduler was started without
        return client.dashboard_link or ""
    return ""


def describe(client: Client) -> str:
    """Return a line on the cluster of *client*."""
    workers = client.scheduler_info(n_workers=-1)["workers"]
    where = (
        "a cluster on this machine, started for it" if client is _own.get("") else "the scheduler"
    )
    line = f"{len(workers)} workers of {where} at {cast('Any', client.scheduler).address}"
    page = dashboard(client)
    return f"{line}, dashboard: {page}" if page else line


def close() -> None:
    """Close the clients that were made here, with our cluster."""
    with _lock:
        _theirs.clear()
        for client in _own.values():
            cluster = client.cluster
            workers = [] if cluster is None else [each.pid for each in cluster.workers.values()]
            with suppress(Exception):
                client.close(timeout=1)
                if cluster is not None:
                    cluster.close(timeout=1)
            # On a busy machine they need longer, and the kernel would wait for each.
            for process in multiprocessing.active_children():
                if process.pid in workers:
                    process.kill()
                    process.join()
        _own.clear()
