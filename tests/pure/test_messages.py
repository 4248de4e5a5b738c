"""The same bytes from both sides of the line."""

from typing import Any

import msgpack
import msgpack.fallback
import msgspec
import pytest

from subint_magic.runtime.lifecycle import State
from subint_magic.wire import messages as m

GOLDEN: list[tuple[Any, dict[str, Any], str]] = [
    (
        m.Configure([b"/x"], None, {b"A": b"1"}, ["json"]),
        {
            "kind": "configure",
            "sys_path": [b"/x"],
            "cwd": None,
            "environ": {b"A": b"1"},
            "preload": ["json"],
            "apart": False,
        },
        "86a46b696e64a9636f6e666967757265a87379735f7061746891c4022f78a3637764c0a7"
        "656e7669726f6e81c40141c40131a77072656c6f616491a46a736f6ea56170617274c2",
    ),
    (
        m.Run(
            1,
            "é",
            "<a>",
            "trio",
            2**16,
            m.Frontend(7, "f", "S", "linux", "Plain", "all", "%x"),
            m.Parcel([("f", 3, [])], b"abc", [], [("<b>", 2, "f")]),
            ["o"],
            apart=True,
            measure=True,
        ),
        {
            "kind": "run",
            "run": 1,
            "source": "é",
            "filename": "<a>",
            "loop": "trio",
            "output_limit": 65536,
            "frontend": {
                "count": 7,
                "filename": "f",
                "shell": "S",
                "theme": "linux",
                "xmode": "Plain",
                "interactivity": "all",
                "raw": "%x",
            },
            "inputs": {
                "items": [["f", 3, []]],
                "data": b"abc",
                "files": 0,
                "sources": [["<b>", 2, "f"]],
            },
            "outputs": ["o"],
            "apart": True,
            "measure": True,
        },
        "8ba46b696e64a372756ea372756e01a6736f75726365a2c3a9a866696c656e616d65a33c613ea46c6f6f"
        "70a47472696fac6f75747075745f6c696d6974ce00010000a866726f6e74656e6487a5636f756e7407a8"
        "66696c656e616d65a166a57368656c6ca153a57468656d65a56c696e7578a5786d6f6465a5506c61696e"
        "ad696e7465726163746976697479a3616c6ca3726177a22578a6696e7075747384a56974656d739193a1"
        "660390a464617461c403616263a566696c657300a7736f75726365739193a33c623e02a166a76f757470"
        "75747391a16fa56170617274c3a76d656173757265c3",
    ),
    (
        m.Interrupt(300, m.Rung.INSIST),
        {"kind": "interrupt", "run": 300, "rung": "insist"},
        "83a46b696e64a9696e74657272757074a372756ecd012ca472756e67a6696e73697374",
    ),
    (m.Close(), {"kind": "close"}, "81a46b696e64a5636c6f7365"),
    (
        m.Inspect(3, "completions", "a.b"),
        {"kind": "inspect", "number": 3, "what": "completions", "text": "a.b"},
        "84a46b696e64a7696e7370656374a66e756d62657203a477686174ab636f6d706c6574696f6e73a47465"
        "7874a3612e62",
    ),
    (
        m.Chunk(b"x", True),
        {"kind": "chunk", "data": b"x", "last": True},
        "83a46b696e64a56368756e6ba464617461c40178a46c617374c3",
    ),
    (
        m.Hello(1, 7, 2, 9, "3.14.2", [m.Rung.LOOP, m.Rung.WAKE]),
        {
            "kind": "hello",
            "protocol": 1,
            "pid": 7,
            "interpreter": 2,
            "thread": 9,
            "python": "3.14.2",
            "rungs": ["loop", "wake"],
        },
        "87a46b696e64a568656c6c6fa870726f746f636f6c01a370696407ab696e74657270726574657202"
        "a674687265616409"
        "a6707974686f6ea6332e31342e32a572756e677392a46c6f6f70a477616b65",
    ),
    (
        m.Output(1, "stderr", "x\n"),
        {"kind": "output", "run": 1, "stream": "stderr", "text": "x\n"},
        "84a46b696e64a66f7574707574a372756e01a673747265616da6737464657272a474657874a2780a",
    ),
    (
        m.Dropped(1, 7),
        {"kind": "dropped", "run": 1, "characters": 7},
        "83a46b696e64a764726f70706564a372756e01aa6368617261637465727307",
    ),
    (
        m.Display(1, {"image/png": b"\x89"}, {"a": 1}, "d", update=True),
        {
            "kind": "display",
            "run": 1,
            "data": {"image/png": b"\x89"},
            "metadata": {"a": 1},
            "display_id": "d",
            "update": True,
        },
        "86a46b696e64a7646973706c6179a372756e01a46461746181a9696d6167652f706e67c40189a86d"
        "6574616461746181a16101aa646973706c61795f6964a164a6757064617465c3",
    ),
    (
        m.ClearOutput(1, wait=True),
        {"kind": "clear", "run": 1, "wait": True},
        "83a46b696e64a5636c656172a372756e01a477616974c3",
    ),
    (
        m.Result(1, {"text/plain": "42"}, {}),
        {"kind": "result", "run": 1, "data": {"text/plain": "42"}, "metadata": {}, "last": True},
        "85a46b696e64a6726573756c74a372756e01a46461746181aa746578742f706c61696ea23432a86d6574"
        "616461746180a46c617374c3",
    ),
    (
        m.Values(1, None, [m.Problem("x", "bad")]),
        {
            "kind": "values",
            "run": 1,
            "parcel": None,
            "problems": [{"name": "x", "why": "bad"}],
        },
        "84a46b696e64a676616c756573a372756e01a670617263656cc0a870726f626c656d7391"
        "82a46e616d65a178a3776879a3626164",
    ),
    (
        m.Stopping(2, m.Rung.WAKE),
        {"kind": "stopping", "run": 2, "rung": "wake"},
        "83a46b696e64a873746f7070696e67a372756e02a472756e67a477616b65",
    ),
    (
        m.Done(2, "error", "E", "m", "tb", m.Rung.EXCEPTION, 0.5, 2**20),
        {
            "kind": "done",
            "run": 2,
            "status": "error",
            "type_name": "E",
            "message": "m",
            "traceback": "tb",
            "rung": "exception",
            "cpu": 0.5,
            "peak": 2**20,
        },
        "89a46b696e64a4646f6e65a372756e02a6737461747573a56572726f72a9747970655f6e616d65a1"
        "45a76d657373616765a16da974726163656261636ba27462a472756e67a9657863657074696f6e"
        "a3637075cb3fe0000000000000a47065616bce00100000",
    ),
    (
        m.Inspection(
            3,
            [m.Stack("task", "t", 4, [m.StackFrame("/x.py", 0, 2, "f", "")])],
            [m.Variable("x", "int", "", "1")],
            [m.Completion("y", "class")],
            5,
        ),
        {
            "kind": "inspection",
            "number": 3,
            "stacks": [["task", "t", 4, [["/x.py", 0, 2, "f", ""]]]],
            "variables": [["x", "int", "", "1"]],
            "completions": [["y", "class"]],
            "left_out": 5,
            "error": "",
        },
        "87a46b696e64aa696e7370656374696f6ea66e756d62657203a6737461636b739194a47461736ba17404"
        "9195a52f782e70790002a166a0a97661726961626c65739194a178a3696e74a0a131ab636f6d706c6574"
        "696f6e739192a179a5636c617373a86c6566745f6f757405a56572726f72a0",
    ),
    (
        m.InputReply(1, 2, None, "no"),
        {"kind": "input_reply", "run": 1, "question": 2, "text": None, "error": "no"},
        "85a46b696e64ab696e7075745f7265706c79a372756e01a87175657374696f6e02a474657874c0"
        "a56572726f72a26e6f",
    ),
    (
        m.InputRequest(1, 2, "é? ", True),
        {"kind": "input", "run": 1, "question": 2, "prompt": "é? ", "password": True},
        "85a46b696e64a5696e707574a372756e01a87175657374696f6e02a670726f6d7074a4c3a93f20"
        "a870617373776f7264c3",
    ),
    (
        m.Descendants([m.Descendant((1, 300), "é", "trio", "running", 7, None, "x")]),
        {"kind": "descendants", "moved": [[[1, 300], "é", "trio", "running", 7, None, "x"]]},
        "82a46b696e64ab64657363656e64616e7473a56d6f76656491979201cd012ca2c3a9a47472696fa77275"
        "6e6e696e6707c0a178",
    ),
    (m.Goodbye(), {"kind": "goodbye"}, "81a46b696e64a7676f6f64627965"),
]


def encode(message: Any) -> bytes:
    return msgspec.msgpack.encode(message, enc_hook=lambda parcel: parcel.leave()[0])


def arrive(_: type, plain: Any) -> m.Parcel:
    return m.Parcel(plain["items"], plain["data"], [], map(tuple, plain["sources"]))


ids = [type(message).__name__ for message, _, _ in GOLDEN]


@pytest.mark.parametrize(("message", "plain", "golden"), GOLDEN, ids=ids)
def test_golden_bytes(message: Any, plain: dict[str, Any], golden: str):
    data = bytes.fromhex(golden)
    assert encode(message) == data
    assert msgpack.packb(plain) == data
    assert msgpack.fallback.Packer().pack(plain) == data
    assert msgpack.unpackb(data) == plain
    assert msgpack.fallback.unpackb(data) == plain


@pytest.mark.parametrize(("message", "plain", "golden"), GOLDEN, ids=ids)
def test_what_is_decoded_is_what_was_meant(message: Any, plain: dict[str, Any], golden: str):
    union = m.ToChild if type(message) in m.ToChild.__value__.__args__ else m.FromChild
    newer = msgpack.packb({**plain, "later": [1]})
    for data in (bytes.fromhex(golden), newer):
        decoded = msgspec.msgpack.decode(data, type=union, dec_hook=arrive)
        assert type(decoded) is type(message)
        assert encode(decoded) == bytes.fromhex(golden)


def test_the_states_on_the_wire_are_those_of_the_lifecycle():
    assert set(m.StateName.__value__.__args__) == set(State)


def test_every_message_has_its_golden_bytes():
    unions = {*m.ToChild.__value__.__args__, *m.FromChild.__value__.__args__}
    assert {type(message) for message, _, _ in GOLDEN} == unions


@pytest.mark.parametrize(
    "plain",
    [
        {"kind": "output", "run": 1, "stream": "stdlog", "text": ""},
        {"kind": "output", "run": "1", "stream": "stdout", "text": ""},
        {"kind": "output", "run": 1, "stream": "stdout"},
        {"kind": "done", "run": 1, "status": "perhaps"},
        {"kind": "descendants", "moved": [[[1], "a", "trio", "perhaps", None, None, ""]]},
        {"kind": "descendants", "moved": [[[], "a", "trio", "idle", None, None, ""]]},
        {"kind": "unheard-of"},
        {},
        [],
    ],
)
def test_a_wrong_message_is_refused(plain: object):
    with pytest.raises(msgspec.ValidationError):
        msgspec.msgpack.decode(msgpack.packb(plain), type=m.FromChild)
