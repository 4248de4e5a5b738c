"""The pytest plugin.

``--spawn-backend KEY``
    Run the tests that use `start_method` with this spawn method only; may be repeated. Without it
    they run with all that come with Python, and with none that needs more, like ``dask``.
``start_method``
    A fixture with the key of a spawn method, which is also the selected one during the test. The
    test runs once for each; where one cannot run, it is skipped with the reason.
``no_leaks``
    A fixture that fails the test if a thread, child process, file descriptor or interpreter is
    still there after it.
``@pytest.mark.skip_spawn_backend(KEY, ..., reason=...)``
    Skips the test for these spawn methods.
"""

from __future__ import annotations

from importlib.metadata import entry_points
from typing import TYPE_CHECKING, get_args

import pytest

from subint_magic.errors import SpawnError
from subint_magic.spawn import ENTRY_POINTS, SpawnMethodKey, spawn_method, using_start_method

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["no_leaks", "start_method"]

pytest.register_assert_rewrite("subint_magic.testing.contract")

_OPTION = "--spawn-backend"
_MARK = "skip_spawn_backend"
_KEYS = [*get_args(SpawnMethodKey), *(entry.name for entry in entry_points(group=ENTRY_POINTS))]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--spawn-backend``."""
    parser.getgroup("subint_magic").addoption(
        _OPTION,
        action="append",
        default=[],
        choices=_KEYS,
        help="run tests of spawn methods with this one only (repeatable; default: all built-in)",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Refuse a backend that cannot run here, in one line."""
    config.addinivalue_line(
        "markers", f"{_MARK}(*keys, reason): skip the test for these spawn methods"
    )
    for key in config.getoption(_OPTION):
        try:
            spawn_method(key)
        except SpawnError as error:
            raise pytest.UsageError(f"{_OPTION} {key}: {error}") from None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep the chosen backends; skip those that cannot run, or that a test excludes."""
    chosen = config.getoption(_OPTION)
    kept = {None, *(chosen or get_args(SpawnMethodKey))}
    dropped = [item for item in items if _key(item) not in kept]
    if dropped:
        if chosen:
            config.hook.pytest_deselected(items=dropped)
        items[:] = [item for item in items if item not in dropped]
    for item in items:
        if reason := _reason_to_skip(item):
            item.add_marker(pytest.mark.skip(reason=reason))


def _key(item: pytest.Item) -> str | None:
    """Return the spawn method that *item* is for, if it is for one."""
    callspec = getattr(item, "callspec", None)
    return callspec.params.get(start_method.__name__) if callspec else None


def _reason_to_skip(item: pytest.Item) -> str | None:
    key = _key(item)
    for mark in item.iter_markers(_MARK):
        if not mark.kwargs.get("reason"):
            raise pytest.UsageError(f"{item.nodeid}: {_MARK} needs a reason=…")
        if key in mark.args:
            return f"{key}: {mark.kwargs['reason']}"
    if key is not None:
        try:
            spawn_method(key)
        except SpawnError as error:
            return str(error)
    return None


@pytest.fixture(params=_KEYS)
def start_method(request: pytest.FixtureRequest) -> Iterator[str]:
    """The key of the spawn method that the test runs with; it is selected meanwhile."""
    with using_start_method(request.param):
        yield request.param


@pytest.fixture
def no_leaks() -> Iterator[None]:
    """Fail the test if it leaves a thread, child process, file descriptor or interpreter."""
    from subint_magic.testing.leaks import Census

    before = Census.take()
    yield
    if left := Census.take().since(before):
        pytest.fail(f"the test has left behind: {', '.join(left)}")
