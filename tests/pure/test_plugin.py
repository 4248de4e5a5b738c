"""The pytest plugin, as a project that has it installed meets it."""

import sys

import pytest

HERE = ["trio", "mp_spawn", "mp_forkserver"]
if sys.version_info >= (3, 14):
    HERE = ["subint", "subint_legacy", *HERE]

TEST = """
import subint_magic

def test_key(start_method):
    assert subint_magic.get_start_method() == start_method

def test_other():
    pass
"""


@pytest.fixture
def project(pytester: pytest.Pytester) -> pytest.Pytester:
    pytester.makepyfile(TEST)
    return pytester


def test_a_test_runs_for_every_method(project: pytest.Pytester):
    result = project.runpytest("-v", "-rs")
    result.assert_outcomes(passed=len(HERE) + 1, skipped=5 - len(HERE))
    result.stdout.fnmatch_lines([f"*test_key?{key}? PASSED*" for key in HERE])
    if len(HERE) < 5:
        result.stdout.fnmatch_lines(["*SKIPPED*'subint' cannot run here: it needs Python 3.14*"])


def test_chosen_ones_only(project: pytest.Pytester):
    result = project.runpytest("--spawn-backend=trio", "--spawn-backend=mp_spawn")
    result.assert_outcomes(passed=3, deselected=4)


def test_an_unknown_key_is_a_usage_error(project: pytest.Pytester):
    result = project.runpytest("--spawn-backend=trioo")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*--spawn-backend: invalid choice: 'trioo'*mp_forkserver*"])
    result.stderr.no_fnmatch_line("*Traceback*")


def test_what_the_gate_refuses_is_a_usage_error(project: pytest.Pytester):
    """In a process of its own, in which the feature cannot be found."""
    project.makepyfile(
        hide="import sys; sys.modules['concurrent.interpreters'] = None\n"
        "import pytest; sys.exit(pytest.main(['--spawn-backend=subint']))"
    )
    result = project.runpython("hide.py")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(
        ["ERROR: --spawn-backend subint: spawn method 'subint' cannot run here: it needs*"]
    )
    result.stderr.no_fnmatch_line("*Traceback*")


def test_the_mark_skips_with_its_reason(pytester: pytest.Pytester):
    pytester.makepyfile(
        """
        import pytest

        @pytest.mark.skip_spawn_backend("trio", "mp_spawn", reason="too slow")
        def test_key(start_method):
            pass
        """
    )
    result = pytester.runpytest("-rs", "--spawn-backend=trio", "--spawn-backend=mp_forkserver")
    result.assert_outcomes(passed=1, skipped=1, deselected=4)
    result.stdout.fnmatch_lines(["*trio: too slow*"])


def test_the_mark_needs_a_reason(pytester: pytest.Pytester):
    pytester.makepyfile(
        """
        import pytest

        @pytest.mark.skip_spawn_backend("trio")
        def test_key(start_method):
            pass
        """
    )
    result = pytester.runpytest()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*skip_spawn_backend needs a reason=*"])


@pytest.mark.parametrize(
    ("leak", "report"),
    [
        ("threading.Thread(target=gate.wait).start()", "thread 'Thread-*"),
        ("kept.append(os.pipe())", "fd * (pipe:*"),
        ("kept.append(subprocess.Popen(['cat'], stdin=subprocess.PIPE))", "child process *"),
        pytest.param(
            "kept.append(interpreters.create())",
            "interpreter *",
            marks=pytest.mark.skipif(
                sys.version_info < (3, 14), reason="sub-interpreters need Python 3.14"
            ),
        ),
    ],
    ids=["thread", "fd", "process", "interpreter"],
)
def test_the_guard_finds_what_is_left(pytester: pytest.Pytester, leak: str, report: str):
    pytester.makepyfile(
        f"""
        import os, subprocess, threading, pytest
        try:
            from concurrent import interpreters
        except ImportError:
            pass

        kept, gate = [], threading.Event()

        def test_leaks(no_leaks):
            {leak}

        def test_tidy(no_leaks):
            with open(os.devnull):
                threading.Thread(target=len, args=("",)).start()

        @pytest.fixture(scope="module", autouse=True)
        def clean():
            yield
            gate.set()
            for thing in kept:
                match thing:
                    case (reader, writer):
                        os.close(reader)
                        os.close(writer)
                    case subprocess.Popen():
                        thing.communicate()
                    case _:
                        thing.close()
        """
    )
    result = pytester.runpytest()
    result.assert_outcomes(passed=2, errors=1)
    result.stdout.fnmatch_lines([f"*the test has left behind: *{report}"])
