import pytest

from subint_magic._child.frames import HEADER, FrameError, Splitter, frame

PAYLOADS = [b"", b"a", b"bc" * 40, bytes(range(256)) * 5]


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 7, 64, 10_000])
def test_frames_come_out_as_they_went_in_however_they_are_cut(size: int):
    stream = b"".join(frame(payload) for payload in PAYLOADS)
    splitter = Splitter()
    found = []
    for start in range(0, len(stream), size):
        found += splitter.feed(stream[start : start + size])
    assert found == PAYLOADS


def test_a_frame_over_the_limit_is_not_made():
    assert frame(b"1234", limit=4) == b"\x00\x00\x00\x041234"
    with pytest.raises(FrameError, match="5 bytes is over the limit of 4"):
        frame(b"12345", limit=4)


def test_an_announced_frame_over_the_limit_is_refused_before_it_comes():
    splitter = Splitter(limit=4)
    with pytest.raises(FrameError, match="5 bytes is over the limit of 4"):
        list(splitter.feed((5).to_bytes(HEADER, "big")))


@pytest.mark.parametrize("cut", [1, HEADER, HEADER + 1])
def test_a_frame_that_is_not_complete_does_not_come_out(cut: int):
    splitter = Splitter()
    assert list(splitter.feed(frame(b"abc")[:cut])) == []
