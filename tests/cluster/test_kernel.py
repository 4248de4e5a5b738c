"""What a user sees of a cluster, in a real kernel."""

from __future__ import annotations

import re
import socket
from typing import TYPE_CHECKING

import pytest

from cluster.conftest import local_cluster

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kernel.harness import Kernel

HERE = socket.gethostname()


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with local_cluster(2) as client:
        yield client.scheduler.address


@pytest.fixture
def kernel(new_kernel: Kernel, address: str) -> Iterator[Kernel]:
    """A kernel that is connected to a cluster that somebody else has started."""
    new_kernel.ok("%load_ext subint_magic")
    said = new_kernel.ok(f"%spawn_backend dask --scheduler {address}").stdout
    assert said.startswith(
        "dask: an actor on a worker of a Dask cluster\n"
        f"2 workers of the scheduler at {address}, dashboard: http://"
    )
    yield new_kernel
    new_kernel.shut_down()
    assert new_kernel.exit_code == 0


def test_it_feels_like_a_cell(kernel: Kernel):
    kernel.ok("n = 20")
    cell = kernel.ok(
        "%%subint -i n -o squares\nprint('there')\nsquares = [i * i for i in range(n)]"
    )
    assert cell.stdout == "there\n"
    assert kernel.ok("sum(squares)").results == ["2470"]
    assert kernel.run("%%subint\n1 / 0").error[0] == "CellError"
    answer = "import asyncio\nprint(input('how many? '))"
    cell = kernel.start(f"%%subint\n{answer}", stdin=True)
    assert cell.wait_question() == ("how many? ", False)
    kernel.answer("three")
    assert cell.wait().stdout == "three\n"


def test_the_panel_says_where_it_is(kernel: Kernel):
    kernel.ok("%%subint -n a\n1")
    cell = kernel.ok("%subints")
    (row,) = cell.actors
    assert re.fullmatch(rf"interpreter \d+ on {HERE}, tcp://127\.0\.0\.1:\d+", row["where"])
    assert re.search(r"\nDashboard of dask: http://\S+/status$", cell.panel)
    (bundle,) = [output[1] for output in cell.outputs if output[0] == "display"]
    assert re.search(r'<a href="http://\S+/status" [^>]*>dask dashboard</a>', bundle["text/html"])


def test_an_interrupt_stops_the_cell_and_no_worker(new_kernel: Kernel):
    """The workers are of the kernel's own process group, as those of a LocalCluster are."""
    kernel = new_kernel
    kernel.ok("%load_ext subint_magic")
    said = kernel.ok("%spawn_backend dask").stdout
    assert " workers of a cluster on this machine, started for it at " in said
    kernel.ok("%%subint -n a\nx = 1")
    cell = kernel.start("%%subint -n a\nprint('ready')\nwhile True: pass")
    cell.wait_output("ready")
    kernel.interrupt()
    assert cell.wait().error[0] == "RunCancelled"
    assert kernel.ok("%%subint -n a\nx").results == ["1"]
    workers = kernel.descendants()
    kernel.shut_down()
    assert kernel.exit_code == 0
    assert workers


def test_an_interrupt_with_a_cluster_of_the_user(new_kernel: Kernel):
    kernel = new_kernel
    kernel.ok(
        "%load_ext subint_magic\nfrom distributed import LocalCluster, Client\n"
        "cluster = LocalCluster(n_workers=1, dashboard_address=':0')\nclient = Client(cluster)"
    )
    said = kernel.ok("%spawn_backend dask").stdout
    assert "\n1 workers of the scheduler at " in said
    kernel.ok("%%subint -n a\nx = 1")
    cell = kernel.start("%%subint -n a\nprint('ready')\nwhile True: pass")
    cell.wait_output("ready")
    kernel.interrupt()
    assert cell.wait().error[0] == "RunCancelled"
    assert kernel.ok("%%subint -n a\nx").results == ["1"]
    kernel.ok("future = client.submit(sum, [1, 2])")
    assert kernel.ok("%%subint -n a -i future\nfuture").results == ["3"]
    # Not in good order: ipykernel would wait for what multiprocessing keeps.
    kernel.ok("client.close(); cluster.close()")


def test_what_does_not_load_there_says_what_to_do(kernel: Kernel):
    kernel.ok("import numpy\nx = numpy.arange(5)")
    for cell in ("%%subint\nimport numpy", "%%subint -i x\nx.sum()"):
        told = kernel.run(cell).stderr
        assert told.startswith("UsageError: ")
        assert "%spawn_backend dask --via trio" in told
    assert "the scheduler at" in kernel.ok("%spawn_backend dask --via trio").stdout  # as before
    assert kernel.ok("%%subint -i x\nint(x.sum())").results == ["10"]


def test_what_is_wrong_is_one_line(new_kernel: Kernel):
    kernel = new_kernel
    kernel.ok("%load_ext subint_magic")
    for options, why in (
        ("--nonsense", "dask: unrecognized arguments: --nonsense"),
        ("--scheduler nowhere", "dask: missing port number in address 'nowhere'"),
        ("--scheduler 127.0.0.1:1", "dask: no Dask scheduler answers at 127.0.0.1:1 "),
        ("--via dask", "dask: argument --via: a worker cannot ask the cluster again"),
        ("--via mp_spawn", "dask: argument --via: mp_spawn cannot start processes on a worker"),
        ("--via nothing", "dask: unknown spawn method 'nothing'"),
    ):
        cell = kernel.run(f"%spawn_backend dask {options}")
        assert cell.stderr.startswith(f"UsageError: {why}"), cell.stderr
        assert cell.stderr.count("\n") == 1
    assert "→  subint" in kernel.ok("%spawn_backend").stdout
    kernel.shut_down()
