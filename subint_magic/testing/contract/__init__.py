"""The tests that every backend must pass.

An author of a backend subclasses `SpawnContract`, and `ProcessContract` as well if it starts
processes or `SharedProcessContract` if it does not, and gives the key::

    class TestMyBackend(ProcessContract, SpawnContract):
        @pytest.fixture
        def start_method(self) -> str:
            return "my_backend"

`ProcessContract` has `NestingContract` in it, which any backend can pass that loads msgspec.
They need ``pytest-trio`` with ``trio_mode = true``.

_base.py      what they stand on
life.py       from the start of an actor to its end
spares.py     those that are started ahead
cells/        what cells do, show, ask for and give
stopping.py   how runs are stopped
deaths.py     what happens if a child dies, or does not do what it should
nesting.py    actors that an actor has started
process.py    what only processes do
shared.py     what only sub-interpreters do
"""

from subint_magic.testing.contract.cells.asking import AskContract
from subint_magic.testing.contract.cells.basics import CellContract
from subint_magic.testing.contract.cells.displays import DisplayContract
from subint_magic.testing.contract.cells.inside import InsideContract
from subint_magic.testing.contract.cells.shown import ShownContract
from subint_magic.testing.contract.cells.values import ValueContract
from subint_magic.testing.contract.life import LifeContract
from subint_magic.testing.contract.nesting import NestingContract
from subint_magic.testing.contract.process import ProcessContract
from subint_magic.testing.contract.shared import SharedProcessContract
from subint_magic.testing.contract.spares import SpareContract
from subint_magic.testing.contract.stopping import StoppingContract

__all__ = ["NestingContract", "ProcessContract", "SharedProcessContract", "SpawnContract"]


class SpawnContract(
    LifeContract,
    SpareContract,
    CellContract,
    DisplayContract,
    ShownContract,
    AskContract,
    ValueContract,
    InsideContract,
    StoppingContract,
):
    """What holds for actors on every backend."""
