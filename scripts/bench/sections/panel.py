"""What an open panel costs the cells: the same cells in two kernels, one of which has it open."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from kernel import open_kernel, run_cell
from tables import Figure, Row, Table, Target
from turns import take_turns

if TYPE_CHECKING:
    from jupyter_client.blocking.client import BlockingKernelClient
    from turns import Plan, Side

WORK = {
    "named cell": "%%subint -n a\nx",
    "anonymous cell": "%%subint\nprint('x')",
    "named process": "%%subint -n p\nx",
    "busy for 0.3 s": "%%subint -n a\nspin()",
    "10,000 lines": "%%subint -n a\nfor i in range(10_000): print(i)",
}
"""What is compared: the sources of cells."""

_READY = [
    "%load_ext subint_magic",
    "%%subint -n a\nimport time\nx = 1\ndef spin():\n"
    "    begun = time.thread_time()\n    while time.thread_time() - begun < 0.3: pass",
    "%%subint -n p -b mp_forkserver\nx = 1",
]


def make_ready(client: BlockingKernelClient) -> None:
    """Start what the cells need."""
    for source in _READY:
        run_cell(client, source)


def open_panel(client: BlockingKernelClient) -> None:
    """Show the panel, and look at it as the script in a browser does."""
    client.execute("%subints", store_history=False)
    view = comm = None
    while view is None or comm is None:
        message = client.get_iopub_msg(timeout=60)
        content: dict[str, Any] = message["content"]
        if message["msg_type"] == "display_data":
            (view,) = re.findall(r' view="(\w+)"', content["data"]["text/html"])
        elif message["msg_type"] == "comm_msg" and content["data"].get("state", {}).get("hub"):
            comm = content["comm_id"]
    said = {"page": "bench", "count": 1, "seen": [view], "fresh": [view]}
    data = {"method": "custom", "content": said}
    client.shell_channel.send(client.session.msg("comm_msg", {"comm_id": comm, "data": data}))
    client.get_shell_msg(timeout=60)  # of the cell
    while message["content"].get("data", {}).get("method") != "custom":
        message = client.get_iopub_msg(timeout=60)


async def measure(plan: Plan) -> list[Table]:
    with open_kernel() as watched, open_kernel() as alone:
        make_ready(watched)
        make_ready(alone)
        open_panel(watched)

        def cell(client: BlockingKernelClient, source: str) -> Side:
            async def side() -> float:
                return run_cell(client, source)

            return side

        rows = []
        for name, source in WORK.items():
            sides = {"with": cell(watched, source), "without": cell(alone, source)}
            taken = await take_turns(sides, plan.pick(40, 3))
            rows.append(Row(name, taken["with"], taken["without"], "no panel", Target(1.05)))
    title = "Cells in a kernel with the panel open and seen"
    return [Table(title, "ms", Figure.RATIO, rows)]
