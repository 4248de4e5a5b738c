"""What goes over the socketpair: length-prefixed msgpack frames, and the names of their kinds.

A frame is a 4-byte big-endian length, then that many bytes of msgpack: a map whose ``"kind"`` is
one of the names below. The typed twins of these kinds are in `subint_magic.wire.messages`.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:  # the typing module costs a child several ms
    from collections.abc import Iterator

PROTOCOL = 1
"""The version of the protocol; the child's hello carries it."""

MAX_FRAME = 64 * 2**20
"""The largest payload in bytes. Larger things must be split or go another way."""

OUTPUT_LIMIT = 2**24
"""Characters of output that a run may send, if nobody says otherwise."""

HEADER = 4

# to the child
CONFIGURE = "configure"
RUN = "run"
INTERRUPT = "interrupt"
CLOSE = "close"
INSPECT = "inspect"

# either way
CHUNK = "chunk"
INPUT_REPLY = "input_reply"

# from the child
HELLO = "hello"
STOPPING = "stopping"
OUTPUT = "output"
DROPPED = "dropped"
RESULT = "result"
DISPLAY = "display"
CLEAR = "clear"
VALUES = "values"
DONE = "done"
INSPECTION = "inspection"
INPUT = "input"
DESCENDANTS = "descendants"
GOODBYE = "goodbye"

# what can be asked
STACKS = "stacks"
VARIABLES = "variables"
COMPLETIONS = "completions"

# the rungs of the stop ladder that a child climbs, when told to
LOOP = "loop"
EXCEPTION = "exception"
WAKE = "wake"
INSIST = "insist"


class FrameError(ValueError):
    """The bytes are not frames of this protocol."""


def frame(payload: bytes, limit: int = MAX_FRAME) -> bytes:
    """Return *payload* with its header.

    Raises:
        FrameError: it is larger than *limit* bytes.
    """
    if len(payload) > limit:
        raise FrameError(f"a frame of {len(payload)} bytes is over the limit of {limit}")
    return len(payload).to_bytes(HEADER, "big") + payload


class Splitter:
    """Cuts a stream of bytes back into payloads."""

    def __init__(self, limit: int = MAX_FRAME) -> None:
        self._limit = limit
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Take in *data*; yield each payload that is complete now.

        Raises:
            FrameError: a header announces more than the limit. Raised before the payload arrives,
                so that nobody can make the reader hold more than that.
        """
        buffer = self._buffer
        buffer += data
        while len(buffer) >= HEADER:
            size = int.from_bytes(buffer[:HEADER], "big")
            if size > self._limit:
                raise FrameError(f"a frame of {size} bytes is over the limit of {self._limit}")
            end = HEADER + size
            if len(buffer) < end:
                return
            payload = bytes(buffer[HEADER:end])
            del buffer[:end]
            yield payload
