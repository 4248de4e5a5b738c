"""Every built-in backend passes the same tests."""

import pytest

from subint_magic.testing.contract import (
    NestingContract,
    ProcessContract,
    SharedProcessContract,
    SpawnContract,
)


class TestSubinterpreters(SharedProcessContract, SpawnContract):
    @pytest.fixture(params=["subint", "subint_legacy"])
    def start_method(self, request: pytest.FixtureRequest) -> str:
        return request.param


class TestProcesses(ProcessContract, SpawnContract):
    @pytest.fixture(params=["trio", "mp_spawn", "mp_forkserver"])
    def start_method(self, request: pytest.FixtureRequest) -> str:
        return request.param


class TestNestingInSubinterpreters(NestingContract):
    nested = "subint_legacy"

    @pytest.fixture(params=["subint_legacy"])  # the isolated ones cannot load msgspec
    def start_method(self, request: pytest.FixtureRequest) -> str:
        return request.param
