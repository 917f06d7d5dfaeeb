"""The command line, as it is typed into a shell."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.forks import become, load
from tests.server import PORTUNUS

_SECONDS = 60
_STREAMS = ("stdin", "stdout", "stderr")


@dataclass(frozen=True, slots=True)
class Done:
    returncode: int
    stdout: str
    stderr: str


@dataclass(frozen=True, slots=True)
class Program:
    """The program, imported. `streams` has what the last command was given to read, and what it wrote."""

    process: subprocess.Popen[str]
    streams: Path

    def __call__(self, words: Sequence[str], typed: str, folder: Path, environment: Mapping[str, str]) -> Done:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        (self.streams / "stdin").write_text(typed)
        self.process.stdin.write(json.dumps([list(words), str(self.streams), str(folder), dict(environment)]) + "\n")
        self.process.stdin.flush()
        code = int(self.process.stdout.readline())
        return Done(code, (self.streams / "stdout").read_text(), (self.streams / "stderr").read_text())


@contextmanager
def imported(streams: Path) -> Iterator[Program]:
    """Ends with the process's input."""
    with subprocess.Popen(
        [sys.executable, "-c", "from tests.shell import obey; obey()"],
        cwd=Path(__file__).parents[1],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        yield Program(process, streams)


class Shell:
    """A shell in a folder of its own, without settings of ours."""

    def __init__(self, program: Program, folder: Path) -> None:
        self._program = program
        self._folder = folder

    def __call__(self, *words: str, typed: str = "", **environment: str) -> Done:
        """Run the program."""
        return _checked(self._program(words, typed, self._folder, _without_ours() | environment))

    def alone(self, *words: str, typed: str = "", **environment: str) -> Done:
        """Run the program as it is installed."""
        done = subprocess.run(
            [PORTUNUS, *words],
            cwd=self._folder,
            env=_without_ours() | environment,
            input=typed,
            capture_output=True,
            text=True,
            check=False,
            timeout=_SECONDS,
        )
        return _checked(Done(done.returncode, done.stdout, done.stderr))

    def refused(self, *words: str, typed: str = "", **environment: str) -> str:
        """The one line that it was refused with."""
        done = self(*words, typed=typed, **environment)
        assert done.returncode == 1, done.stdout + done.stderr
        [line] = done.stderr.splitlines()
        return line


def _checked(done: Done) -> Done:
    assert "Traceback" not in done.stderr + done.stdout
    return done


def _without_ours() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("PORTUNUS_")}


def obey() -> None:
    """Run each command of standard input, and say how it ended."""
    load()
    for order in sys.stdin:
        child = os.fork()
        if child == 0:
            words, streams, folder, environment = json.loads(order)
            os._exit(_run(words, Path(streams), folder, environment))
        _, status = os.waitpid(child, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


def _run(words: Sequence[str], streams: Path, folder: str, environment: Mapping[str, str]) -> int:
    signal.alarm(_SECONDS)
    for number, name in enumerate(_STREAMS):
        os.dup2(os.open(streams / name, os.O_RDWR | os.O_CREAT | (os.O_TRUNC if number else 0)), number)
    return become(words, folder, environment)
