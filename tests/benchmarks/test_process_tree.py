"""What is read of processes, against processes that say what they did."""

import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from benchmarks.process_tree import connections, cpu_seconds, forget_peaks, peak_bytes, resident_bytes

_MIB = 2**20
_WORKS = "import time\nuntil = time.process_time() + 0.3\nwhile time.process_time() < until: pass\n"
_HOLDS = "held = bytearray(b'x') * (60 * 2**20)\ndel held\n"


@contextmanager
def child(*does: str) -> Iterator[subprocess.Popen[str]]:
    """Does one thing after the other, each when it is told to, and says when it has."""
    program = "\n".join(f"input()\n{one}\nprint('done', flush=True)" for one in does)
    with subprocess.Popen([sys.executable, "-c", program + "\ninput()"], stdin=-1, stdout=-1, text=True) as process:
        yield process
        process.kill()


def tell(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write("\n")
    process.stdin.flush()
    assert process.stdout.readline() == "done\n"


def test_the_time_of_a_process_that_has_ended_counts_for_the_one_that_started_it() -> None:
    with child(f"import subprocess, sys; subprocess.run([sys.executable, '-c', {_WORKS!r}])") as process:
        before = cpu_seconds(process.pid)
        tell(process)

        assert 0.25 <= cpu_seconds(process.pid) - before <= 1.5


def test_connections_to_a_port_are_those_of_the_tree_alone() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()):
        port = server.getsockname()[1]
        with child(f"import socket; held = [socket.create_connection(('127.0.0.1', {port})) for _ in range(3)]") as process:
            tell(process)

            assert connections(process.pid, port) == 3
            assert connections(process.pid, port + 1) == 0


def test_a_peak_is_seen_after_it_is_over_and_not_once_it_is_forgotten() -> None:
    with child(_HOLDS, "pass") as process:
        idle = resident_bytes(process.pid)
        tell(process)
        peak = peak_bytes(process.pid)
        forget_peaks(process.pid)
        tell(process)

        assert 55 * _MIB <= peak - idle <= 80 * _MIB
        assert peak_bytes(process.pid) - idle < 30 * _MIB
