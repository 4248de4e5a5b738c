"""Actors on the workers of a Dask cluster.

dask.py       the spawn method `dask`: places an actor, and is its `Child`
options.py    what a user has asked for: which scheduler, which workers
scheduler.py  the client: the current one, one of an address, or a cluster of our own
calls.py      coroutines on the client's loop, awaited in trio
stream.py     the byte stream to a child, made of calls
futures.py    what lies on the cluster already, as an input
staging.py    its way into an actor there
signals.py    the interrupt of a kernel, which is not for its workers
hosting.py    what a worker runs for an actor: it starts the child and hands its bytes to and fro

Dask places, secures and connects; the child and all that supervises it are those of any backend.
Bytes go through the methods of a Dask Actor (``client.submit(…, actor=True)``): that is public,
reaches a worker through the scheduler where the client sees no more than that, and needs no port
of ours. To read is a call that is answered when there is something, so nothing is polled.
"""
