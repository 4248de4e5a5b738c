"""Kernels for tests: one that they share, and one of their own for those that end it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from jupyter_core.utils import ensure_event_loop

from .harness import Gate, Kernel, Signal

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="session")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Nothing of the user's matters, and nothing is left there."""
    directory = tmp_path_factory.mktemp("scratch")
    with pytest.MonkeyPatch.context() as patch:
        for variable in (
            "IPYTHONDIR",
            "JUPYTER_CONFIG_DIR",
            "JUPYTER_DATA_DIR",
            "JUPYTER_RUNTIME_DIR",
        ):
            (directory / variable).mkdir()
            patch.setenv(variable, str(directory / variable))
        yield directory


@pytest.fixture(scope="session")
def jupyter_client(scratch: Path) -> Iterator[None]:
    """What jupyter_client makes on first use and keeps for later, before leaks are looked for."""
    loop = ensure_event_loop()
    yield
    loop.close()


class _Shared:
    """The kernel that tests share, with the extension; a test that breaks it gets it replaced."""

    def __init__(self, factory: pytest.TempPathFactory) -> None:
        self._factory = factory
        self.start()

    def start(self) -> None:
        self.kernel = Kernel(self._factory.mktemp("kernel"))
        self.kernel.ok("%load_ext subint_magic")
        # starts what multiprocessing keeps for later
        self.kernel.ok("%%subint -b mp_forkserver\npass")

    def replace(self) -> None:
        self.kernel.close()
        self.start()


@pytest.fixture(scope="session")
def shared(jupyter_client: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[_Shared]:
    shared = _Shared(tmp_path_factory)
    yield shared
    shared.kernel.shut_down()
    shared.kernel.close()
    assert shared.kernel.exit_code == 0


@pytest.fixture
def kernel(shared: _Shared) -> Iterator[Kernel]:
    """A kernel with the extension loaded and no actor."""
    yield shared.kernel
    try:
        shared.kernel.reset()
    except BaseException:
        shared.replace()
        raise


@pytest.fixture
def new_kernel(jupyter_client: None, tmp_path: Path) -> Iterator[Kernel]:
    """A kernel for this test alone; the extension is not loaded."""
    (tmp_path / "kernel").mkdir()
    kernel = Kernel(tmp_path / "kernel")
    yield kernel
    kernel.close()


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[Gate]:
    gate = Gate(tmp_path / "gate")
    yield gate
    gate.close()


@pytest.fixture
def signal(tmp_path: Path) -> Iterator[Signal]:
    signal = Signal(tmp_path / "signal")
    yield signal
    signal.close()
