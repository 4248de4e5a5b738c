"""Kernels for tests: one that they share, and one of their own for those that end it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from jupyter_core.utils import ensure_event_loop

from .harness import Gate, Kernel, Shared, Signal

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


@pytest.fixture(scope="session")
def shared_kernel(
    jupyter_client: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Shared[Kernel]]:
    def start() -> Kernel:
        kernel = Kernel(tmp_path_factory.mktemp("kernel"))
        kernel.ok("%load_ext subint_magic")
        kernel.ok("%%subint -b mp_forkserver\npass")  # starts what multiprocessing keeps
        kernel.reset()
        return kernel

    shared = Shared(start)
    yield shared
    shared.it.shut_down()
    shared.it.close()
    assert shared.it.exit_code == 0


@pytest.fixture
def kernel(shared_kernel: Shared[Kernel]) -> Iterator[Kernel]:
    """A kernel with the extension loaded and no actor."""
    yield shared_kernel.it
    shared_kernel.reset()


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
