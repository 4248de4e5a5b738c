"""What a child takes over of its parent, and what it imports ahead."""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any


def configure(message: dict[str, Any]) -> None:
    """Take over what the parent's interpreter has by now, and import what it wants ahead."""
    if message["sys_path"] is not None:
        sys.path[:] = map(os.fsdecode, message["sys_path"])
    sys.path_importer_cache.clear()  # of directories that are named from another by now
    if message["cwd"] is not None:
        os.chdir(message["cwd"])
    if message["environ"] is not None:
        os.environb.clear()
        os.environb.update(message["environ"])
    elif sys.version_info >= (3, 14):
        os.reload_environ()  # that of the process, which may have changed since we have begun
    import_ahead(message["preload"])


def import_ahead(modules: Iterable[str]) -> None:
    """Import *modules*, as far as they can be."""
    for module in modules:
        try:
            __import__(module)
        except BaseException:  # noqa: BLE001 - the cell that needs it will say why it cannot
            pass


# The fork server imports this module when it starts. To give it the names of others would not do:
# one that raises anything but ImportError ends it.
import_ahead(os.environ.pop("SUBINT_MAGIC_PRELOAD", "").split())
