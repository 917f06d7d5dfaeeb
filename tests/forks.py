"""The program in processes that are forked from one that has imported it: a second of a processor less for each.

What a command does to its process ends with it, as ever.
"""

import gc
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from importlib import import_module
from pathlib import Path
from threading import Lock
from typing import final

_MAIN = "entrypoints.cli.main"
_IMPORTED = (_MAIN, "entrypoints.container.root", "entrypoints.http.factory", "entrypoints.http.draining")
_SECONDS_BETWEEN_LOOKS = 0.01
_SECONDS_AT_MOST = 60
_MAKING = Lock()


@final
class Fork:
    """As much of `subprocess.Popen` as tests ask for, of a process that is another one's child."""

    def __init__(self, pid: int, ending: Path) -> None:
        self.pid = pid
        self._ending = ending

    def poll(self) -> int | None:
        return int(self._ending.read_text()) if self._ending.exists() else None

    def wait(self, timeout: float | None = None) -> int:
        deadline = time.monotonic() + (timeout or _SECONDS_AT_MOST)
        while (code := self.poll()) is None:
            if time.monotonic() > deadline:
                raise subprocess.TimeoutExpired(f"the program, in process {self.pid}", timeout or _SECONDS_AT_MOST)
            time.sleep(_SECONDS_BETWEEN_LOOKS)
        return code

    def send_signal(self, sent: int) -> None:
        with suppress(ProcessLookupError):  # it has just ended
            if self.poll() is None:
                os.kill(self.pid, sent)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


@final
class _Parent:
    def __init__(self) -> None:
        self._endings = tempfile.TemporaryDirectory(prefix="portunus-forks-")
        self._process = subprocess.Popen(
            [sys.executable, "-c", "from tests.forks import bear; bear()", self._endings.name],
            cwd=Path(__file__).parents[1],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._asked = Lock()

    def fork(self, words: Sequence[str], folder: Path, environment: Mapping[str, str], log: Path) -> Fork:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with self._asked:
            self._process.stdin.write(json.dumps([list(words), str(folder), dict(environment), str(log)]) + "\n")
            self._process.stdin.flush()
            number, pid = self._process.stdout.readline().split()
        return Fork(int(pid), Path(self._endings.name) / number)

    def end(self) -> None:
        with self._process:
            pass
        self._endings.cleanup()


@cache
def _parent() -> _Parent:
    return _Parent()


@contextmanager
def ended() -> Iterator[None]:
    """In the end no process forks any more."""
    yield
    if _parent.cache_info().currsize:
        _parent().end()
        _parent.cache_clear()


def forked(words: Sequence[str], folder: Path, environment: Mapping[str, str], log: Path) -> Fork:
    """Run the program in a folder, with no other variables than these; what it says is added to `log`."""
    with _MAKING:  # servers start in several threads at once
        parent = _parent()
    return parent.fork(words, folder, environment, log)


def load() -> None:
    for module in _IMPORTED:
        import_module(module)
    gc.freeze()


def become(words: Sequence[str], folder: str, environment: Mapping[str, str]) -> int:
    """The program, as if it had been started so, by the streams 0, 1 and 2. Its exit code."""
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = ["portunus", *words]
    with (
        open(0, closefd=False) as sys.stdin,
        open(1, "w", buffering=1, closefd=False) as sys.stdout,
        open(2, "w", buffering=1, closefd=False) as sys.stderr,
    ):
        try:
            main: Callable[[], None] = import_module(_MAIN).main
            main()
        except SystemExit as end:
            return end.code if isinstance(end.code, int) else 0
        except BaseException:
            traceback.print_exc()
            return 1
    return 0


def bear() -> None:
    """Fork for each line of standard input, answer with its number and the child's, and write under the former how it ended."""
    endings, numbers = Path(sys.argv[1]), dict[int, int]()

    def reap(*_: object) -> None:
        for child in list(numbers):
            with suppress(ChildProcessError):  # the next signal may have interrupted this one, and reaped it
                pid, status = os.waitpid(child, os.WNOHANG)
                if pid:
                    number = str(numbers.pop(pid))
                    (new := endings / f"{number}.new").write_text(str(os.waitstatus_to_exitcode(status)))
                    new.replace(endings / number)

    load()
    signal.signal(signal.SIGCHLD, reap)
    for number, order in enumerate(sys.stdin):
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGCHLD])
        child = os.fork()
        if child == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGCHLD])
            words, folder, environment, log = json.loads(order)
            _point_streams_to(log)
            os._exit(become(words, folder, environment))
        numbers[child] = number
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGCHLD])
        sys.stdout.write(f"{number} {child}\n")
        sys.stdout.flush()
    for child in numbers:
        os.kill(child, signal.SIGKILL)


def _point_streams_to(log: str) -> None:
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    written = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    for stream in (1, 2):
        os.dup2(written, stream)
