"""The same question by another load generator, where it is installed: whether ours says what it would say."""

import math
import re
import shutil
import subprocess
from collections.abc import Sequence

from benchmarks.measured import Measured
from benchmarks.portunus import CONNECTIONS, Asked
from benchmarks.process_tree import cpu_seconds

_COUNT = re.compile(r"(\d+) requests in ([0-9.]+)s")


async def hello_by_wrk(asked: Asked, seconds: float) -> Measured:
    wrk = shutil.which("wrk")
    if wrk is None:
        return Measured(note="wrk is not installed")
    served = await asked.served()
    command = [wrk, "-t", "1", "-c", str(CONNECTIONS), "-d", f"{math.ceil(seconds)}s", f"http://127.0.0.1:{served.port}/hello"]
    before = cpu_seconds(served.pid)
    said = _run(command)
    return of_output(said, cpu_seconds(served.pid) - before)


def _run(command: Sequence[str]) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def of_output(said: str, cpu: float) -> Measured:
    found = _COUNT.search(said)
    if found is None or "Non-2xx" in said:
        raise ValueError(said)
    count, took = int(found[1]), float(found[2])
    return Measured(per_second=count / took, cpu=cpu / count * 1e6)
