"""What is known of modules, measured with CPython 3.14 and 3.15.

An isolated sub-interpreter refuses extension modules that do not say that they can be loaded more
than once. A module that is neither here nor below is tried, once.
"""

from __future__ import annotations

import sys

__all__ = ["GOOD", "HALF", "REFUSED"]

_NUMPY = "numpy._core._multiarray_umath"
_RUST = "cryptography.hazmat.bindings._rust"
_ZMQ = "zmq.backend.cython._zmq"

REFUSED = {
    "PIL.Image": "PIL._imaging",
    "_curses": "_curses",
    "_curses_panel": "_curses_panel",
    "_tracemalloc": "_tracemalloc",
    "cryptography.fernet": _RUST,
    "cryptography.hazmat": _RUST,
    "cryptography.x509": _RUST,
    "curses": "_curses",
    "faulthandler": "faulthandler",
    "ipykernel": _ZMQ,
    "lxml.etree": "lxml.etree",
    "matplotlib": _NUMPY,
    "msgspec": "msgspec._core",
    "numpy": _NUMPY,
    "orjson": "orjson.orjson",
    "pandas": _NUMPY,
    "polars": "_polars_runtime_32._polars_runtime",
    "psutil": "psutil._psutil_linux",
    "pyarrow": "pyarrow.lib",
    "pydantic": "pydantic_core._pydantic_core",
    "pydantic_core": "pydantic_core._pydantic_core",
    "readline": "readline",
    "tracemalloc": "_tracemalloc",
    "zmq": _ZMQ,
}
"""Modules that an isolated sub-interpreter refuses, each with the extension module that is why."""

HALF = {"polars"}
"""Those of them whose import succeeds, and that then fail on use."""

_THIRD_PARTY = {
    "IPython",
    "aiohttp",
    "attr",
    "attrs",
    "cloudpickle",
    "ipywidgets",
    "jinja2",
    "mpmath",
    "msgpack",
    "outcome",
    "packaging",
    "pygments",
    "rich",
    "sympy",
    "tornado",
    "tqdm",
    "traitlets",
    "trio",
    "yaml",
}
# Not everywhere there, or never tried.
_UNSURE = {"_tkinter", "antigravity", "idlelib", "this", "tkinter", "turtle", "turtledemo"}

GOOD: frozenset[str] = frozenset(sys.stdlib_module_names - _UNSURE | _THIRD_PARTY | {"__main__"})
"""Packages that load in any interpreter, with all that is in them; but see `REFUSED`."""
