import inspect

import pytest

from subint_magic import errors
from subint_magic.wire.messages import Rung
from subint_magic.wording import did_you_mean


def test_the_tree_in_the_docstring_is_the_hierarchy():
    drawn = {word for word in (errors.__doc__ or "").split() if word in errors.__all__}
    classes = {name for name in errors.__all__ if inspect.isclass(getattr(errors, name))}
    assert drawn == classes
    for name in classes:
        assert issubclass(getattr(errors, name), errors.SubintMagicError)


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (
            errors.ActorDied("a", "while idle", "exit code 3", exit_code=3, stderr="oh\n"),
            "actor 'a' died while idle: exit code 3.\nIts last lines on stderr:\noh",
        ),
        (errors.ActorDied("a", "while booting", "gone"), "actor 'a' died while booting: gone."),
        (errors.ActorBusy("a", "closed"), "actor 'a' is running a cell and cannot be closed now; "
         "interrupt it first."),
        (errors.ProtocolError("a", "x"), "actor 'a' broke the protocol and was ended: x."),
        (errors.RunCancelled("a", "an interrupt", 1.234, None, "it is kept"),
         "run in actor 'a' stopped by an interrupt within 1.23 s: it is kept."),
        (errors.RunCancelled("a", "an interrupt", 1.234, "loop", "it is kept"),
         "run in actor 'a' stopped by an interrupt within 1.23 s (its event loop cancelled it): "
         "it is kept."),
        (errors.RunTimedOut("a", 5, 0.1, "end", "it was killed"),
         "run in actor 'a' stopped by its timeout of 5 s within 0.10 s (nothing less helped): "
         "it was killed."),
        (errors.CellError("a", "E", "", "tb"), "E"),
        (errors.CellError("a", "E", "m", "tb"), "E: m"),
        (errors.SpawnMethodUnavailable("k", "no luck", ["x", "y"]),
         "spawn method 'k' cannot run here: no luck. These work here: x, y."),
        (errors.ImportRefused("m", "a place", "no luck", "trio"),
         "m cannot load in a place: no luck. Use a process: %%subint -b trio"
         " (--no-check: run it anyway)."),
        (errors.ImportRefused("m", "a place", "no luck", "trio", "a"),
         "m cannot load in actor 'a', a place: no luck. Close it first (%subints close a) and "
         "start it with -b trio, or choose another name (--no-check: run it anyway)."),
    ],
)  # fmt: skip
def test_wording(error: Exception, text: str):
    assert str(error) == text


def test_how_a_notebook_shows_them():
    died = errors.ActorDied("a", "while idle", "exit code 3", stderr="oh")
    assert died._render_traceback_() == [
        "ActorDied: actor 'a' died while idle: exit code 3.",
        "Its last lines on stderr:",
        "oh",
    ]
    cell = errors.CellError("a", "E", "m", "Traceback …\nE: m\n")
    assert cell._render_traceback_() == ["Traceback …", "E: m"]
    for error in (
        errors.UnknownSpawnMethod("k", ["x"]),
        errors.SpawnMethodUnavailable("k", "no luck"),
        errors.ImportRefused("m", "a place", "no luck", "trio"),
        errors.HostEnded("it was stopped"),
    ):
        assert error._render_traceback_() == [f"{type(error).__name__}: {error}"]
    stopped = errors.RunCancelled("a", "me", 0, None, "kept", "Traceback …\nKeyboardInterrupt\n")
    assert stopped._render_traceback_()[:2] == ["Traceback …", "KeyboardInterrupt"]
    assert "stopped by me" in stopped._render_traceback_()[2]


def test_how_a_program_shows_them():
    assert "Traceback …" in errors.CellError("a", "E", "m", "Traceback …\nE: m\n").__notes__[0]


def test_each_rung_has_words():
    for rung in Rung:
        assert errors.RunCancelled("a", "me", 0, rung, "kept").how.startswith("within 0.00 s (")


def test_nearest_name():
    assert did_you_mean("tiro", ["trio", "subint"]) == " Did you mean 'trio'?"
    assert did_you_mean("zzz", ["trio", "subint"]) == ""
