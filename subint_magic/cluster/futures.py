"""What lies on a cluster already: futures and persisted collections of Dask, as inputs."""

from __future__ import annotations

import sys
from secrets import token_hex
from typing import TYPE_CHECKING, Any, cast

from subint_magic.cluster.staging import Token, stage

if TYPE_CHECKING:
    from distributed import Client, Future

__all__ = ["OnCluster", "on_cluster", "submit"]


class OnCluster(Token):
    """Stands for *value* in a parcel.

    Attributes:
        value: a `distributed.Future`, or a collection of Dask that consists of such.
    """

    what: str = "is on a Dask cluster"
    instead: str = "Take an actor there (%spawn_backend dask), or give its .result() or .compute()"

    def __init__(self, value: Any) -> None:
        super().__init__(token_hex(16))
        self.value: Any = value


def on_cluster(value: object) -> OnCluster | None:
    """Return what stands for *value*, if that lies on a cluster; may take long for a collection."""
    distributed: Any = sys.modules.get("distributed")
    if distributed is None:
        return None
    if isinstance(value, distributed.Future):
        return OnCluster(value)
    # As Dask asks it. What consists of plans only is computed wherever it is used.
    if hasattr(type(value), "__dask_graph__") and distributed.futures_of(value):
        return OnCluster(value)
    return None


def submit(client: Client, it: OnCluster, worker: str, actor: str) -> Future[None]:
    """Have the value brought to *worker*, and written there for *actor*; may take long.

    Raises:
        ValueError: it is on another cluster.
    """
    future, here = it.value, cast("Any", client)
    if hasattr(type(future), "__dask_graph__"):
        future = client.compute(future)
    elif future.client.scheduler.address != here.scheduler.address:
        raise ValueError(f"it is on another cluster, that of {future.client.scheduler.address}")
    return client.submit(
        stage,
        future,
        it.text,
        actor,
        key=f"subint_magic-stage-{it.text}",
        workers=[worker],
        allow_other_workers=False,
    )
