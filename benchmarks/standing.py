"""What a process of `portunus serve` takes to be there: time, memory, disk."""

import re
import time
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from statistics import median

from benchmarks.measured import generated
from benchmarks.plan import drawn
from benchmarks.portunus import CONNECTIONS, Asked, log_ins
from benchmarks.process_tree import resident_bytes

_STARTS = 3
_LOCK = Path("requirements.lock")
_MIB = 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """MiB and seconds. Memory is what a process holds: when it is ready; after callers; after log-ins as well."""

    seconds_to_start: float
    idle: float
    after_callers: float
    after_log_ins: float
    environment: float
    packages: int


async def standing(asked: Asked, seconds: float) -> Standing:
    served = await asked.served()
    took, held = [], []
    for _ in range(_STARTS):
        began = time.perf_counter()
        async with asked.setting.fresh(served.storage.url) as fresh:
            took.append(time.perf_counter() - began)
            now = [resident_bytes(fresh.pid)]
            generated(drawn(fresh.port, served.storage.known, connections=CONNECTIONS), seconds)
            now.append(resident_bytes(fresh.pid))
            generated(drawn(fresh.port, log_ins(served, 1).pool, connections=CONNECTIONS), seconds)
            held.append([*now, resident_bytes(fresh.pid)])
    idle, after_callers, after_log_ins = (median(each) / _MIB for each in zip(*held, strict=True))
    sizes = _sizes(_LOCK)
    return Standing(
        seconds_to_start=median(took),
        idle=idle,
        after_callers=after_callers,
        after_log_ins=after_log_ins,
        environment=sum(sizes) / _MIB,
        packages=len(sizes),
    )


def _sizes(lock: Path) -> list[int]:
    """Of each package that the lock names, but those that it has for another system."""
    names = re.findall(r"^([a-z0-9-]+)(?:\[[^]]*\])?==", lock.read_text(), re.MULTILINE)
    return [size for name in names if (size := _bytes_of(name))]


def _bytes_of(package: str) -> int:
    """On disk, compiled files included."""
    try:
        files = distribution(package).files or []
    except PackageNotFoundError:
        return 0
    return sum(path.stat().st_size for file in files if (path := Path(str(file.locate()))).is_file())
