"""How an actor is started.

    _spawn.py      SpawnMethodKey, the registry, try_set_start_method()
       │ imports on use, by "module:attribute"
       ├─ _subint.py   subint, subint_legacy    a thread drives a sub-interpreter
       ├─ _trio.py     trio                     a subprocess
       ├─ _mp.py       mp_spawn, mp_forkserver  a multiprocessing process
       └─ entry points "subint_magic.spawn_methods": dask, in subint_magic.cluster, and others
    _contract.py   what a backend gives: a SpawnMethod, whose proc opens a Child
    _preload.py    what is imported ahead
    _process.py    what the backends that start a process share
    _exit.py       the end of the process while a sub-interpreter is stuck
    _watcher.py    ends their processes if this one is killed

A backend starts a child, hands back its byte stream, waits for its end and kills it if it can.
Handshake, supervision and escalation are written once, in `subint_magic.runtime`. To add one,
write a module with a ``*_proc`` and a `SpawnMethod`, and add its line to the registry.
"""

from subint_magic.spawn._contract import Child, ChildEnd, LocalChild, SpawnMethod
from subint_magic.spawn._preload import preloaded, set_preload
from subint_magic.spawn._spawn import (
    ENTRY_POINTS,
    SpawnMethodKey,
    SpawnMethodStatus,
    default_start_method,
    get_start_method,
    host_of,
    shut_down_methods,
    spawn_method,
    spawn_method_keys,
    spawn_methods,
    try_set_start_method,
    using_start_method,
)

__all__ = [
    "ENTRY_POINTS",
    "Child",
    "ChildEnd",
    "LocalChild",
    "SpawnMethod",
    "SpawnMethodKey",
    "SpawnMethodStatus",
    "default_start_method",
    "get_start_method",
    "host_of",
    "preloaded",
    "set_preload",
    "shut_down_methods",
    "spawn_method",
    "spawn_method_keys",
    "spawn_methods",
    "try_set_start_method",
    "using_start_method",
]
