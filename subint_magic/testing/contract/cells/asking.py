"""What a cell asks its user."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import trio

from subint_magic.errors import CellError, RunCancelled, RunTimedOut
from subint_magic.runtime.lifecycle import State
from subint_magic.runtime.runs.asking import Question
from subint_magic.testing.contract._base import Contract, Reader

if TYPE_CHECKING:
    from subint_magic.runtime.actor import Actor


class Answers:
    """Gives the answers of a list, then none any more, and takes note of the questions."""

    def __init__(self, *texts: str | None) -> None:
        self.questions: list[Question] = []
        self.asked: trio.Event = trio.Event()
        self.given_up: bool = False
        self._texts = list(texts)

    async def __call__(self, question: Question) -> str | None:
        """Answer."""
        self.questions.append(question)
        self.asked.set()
        if self._texts:
            return self._texts.pop(0)
        try:
            return await trio.sleep_forever()
        finally:
            self.given_up = True


class AskContract(Contract):
    """What a cell asks its user."""

    async def test_questions_and_answers(self, actor: Actor) -> None:
        answers = Answers("1", "é", "", "the secret")
        source = (
            "import sys\na = input('a? ')\nb = input()\nc = sys.stdin.readline()\n"
            "from getpass import getpass\na, b, c, getpass()"
        )
        told = await actor.run_cell(source, answer=answers)
        assert told.value == r"('1', 'é', '\n', 'the secret')"
        assert answers.questions == [
            Question("a? ", password=False),
            Question("", password=False),
            Question("", password=False),
            Question("Password: ", password=True),
        ]
        assert told.stdout == ""

    async def test_what_was_printed_comes_before_the_question(self, actor: Actor) -> None:
        reader = Reader()

        async def answer(_question: Question) -> str:
            return reader.text

        source = "import sys\nsys.stdout.buffer.write(b'bytes ')\nprint('text', end='')\ninput()"
        told = await actor.run_cell(source, sink=reader, answer=answer)
        assert told.value == "'bytes text'"

    async def test_lines_of_the_input(self, actor: Actor) -> None:
        source = "import sys\nsys.stdin.readline(2), [line for line in sys.stdin]"
        told = await actor.run_cell(source, answer=Answers("abc", "d", None))
        assert told.value == r"('ab', ['c\n', 'd\n'])"

    async def test_the_end_of_the_input(self, actor: Actor) -> None:
        with pytest.raises(CellError, match="EOFError: the input has ended"):
            await actor.run_cell("input()", answer=Answers(None))

    async def test_without_an_answer(self, actor: Actor) -> None:
        with pytest.raises(CellError, match=r"EOFError: nobody answers input\(\) here: put what"):
            await actor.run_cell("input()")
        assert (await actor.run_cell("'alive'")).value == "'alive'"

    async def test_who_answers_may_refuse(self, actor: Actor) -> None:
        async def refuse(_question: Question) -> str:
            raise LookupError("not now")

        with pytest.raises(CellError, match="EOFError: not now"):
            await actor.run_cell("input()", answer=refuse)

    async def test_a_thread_asks(self, actor: Actor) -> None:
        source = (
            "import threading\nseen = []\nt = threading.Thread(target=lambda: seen.append(input()))"
            "\nt.start()\nt.join()\nseen"
        )
        assert (await actor.run_cell(source, answer=Answers("abc"))).value == "['abc']"

    async def test_nobody_is_asked_between_cells(self, actor: Actor) -> None:
        reader = Reader()
        source = (
            "import threading\nended = threading.Event()\n"
            "def ask():\n    ended.wait()\n    try: input()\n    except EOFError as e: print(e)\n"
            "threading.Thread(target=ask).start()\n"
            "threading.Timer(0.05, ended.set).start()"
        )
        answers = Answers()
        await actor.run_cell(source, sink=reader, answer=answers)
        await reader.read_until("no cell is running, and only a running one can ask")
        assert not answers.questions

    async def test_a_thread_that_asks_when_its_cell_ends(self, actor: Actor) -> None:
        reader, answers = Reader(), Answers()
        source = (
            "import threading\nasking = threading.Event()\n"
            "def ask():\n    asking.set()\n    try: input()\n    except EOFError as e: print(e)\n"
            "threading.Thread(target=ask).start()\nasking.wait()"
        )
        await actor.run_cell(source, sink=reader, answer=answers)
        await reader.read_until("\n")
        assert answers.given_up or not answers.questions

    @pytest.mark.parametrize("body", ["input()", "import trio\nawait trio.sleep(0)\ninput()"])
    async def test_an_interrupt_while_it_asks(self, actor: Actor, body: str) -> None:
        answers = Answers()
        async with trio.open_nursery() as tasks:

            @tasks.start_soon
            async def run() -> None:
                with pytest.raises(RunCancelled):
                    await actor.run_cell(body, answer=answers)

            await answers.asked.wait()
            actor.interrupt()
        assert answers.given_up
        assert actor.state is State.IDLE
        assert (await actor.run_cell("input()", answer=Answers("again"))).value == "'again'"

    async def test_a_timeout_while_it_asks(self, actor: Actor) -> None:
        answers = Answers()
        with pytest.raises(RunTimedOut):
            await actor.run_cell("input()", answer=answers, timeout=0.1)
        assert answers.given_up

    async def test_its_actor_is_ended_while_it_asks(self, actor: Actor) -> None:
        answers = Answers()
        async with trio.open_nursery() as tasks:

            @tasks.start_soon
            async def run() -> None:
                with pytest.raises(RunCancelled):
                    await actor.run_cell("input()", answer=answers)

            await answers.asked.wait()
            await actor.cancel()
        assert answers.given_up
        assert actor.state is State.CANCELLED

    async def test_who_is_stopped_and_asks_again_is_refused(self, actor: Actor) -> None:
        answers = Answers()
        source = "try: input()\nexcept KeyboardInterrupt: pass\ninput()"
        async with trio.open_nursery() as tasks:

            @tasks.start_soon
            async def run() -> None:
                with pytest.raises(CellError, match="EOFError: the cell that asks is being"):
                    await actor.run_cell(source, answer=answers)

            await answers.asked.wait()
            actor.interrupt()
        assert len(answers.questions) == 1
