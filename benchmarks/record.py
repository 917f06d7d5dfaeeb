"""All figures of a run as JSON, with the machine and the versions they were measured on."""

import json
import os
import platform
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks.growth import Grown
from benchmarks.standing import Standing
from benchmarks.table import Gate, Rounds, medians

_VERSIONS = (
    "portunus fastapi starlette uvicorn httptools uvloop pydantic sqlalchemy asyncpg aiosqlite argon2-cffi pyjwt cryptography"
)


def record(
    rounds: Rounds,
    gates: Sequence[Gate],
    *,
    machine: Mapping[str, Any],
    postgresql: str,
    growth: Sequence[Grown] = (),
    standing: Standing | None = None,
) -> dict[str, Any]:
    """`rounds` has each repetition, `operations` the median of each figure."""
    judged = [{**asdict(gate), "ratio": gate.ratio(rounds), "met": gate.is_met(rounds)} for gate in gates]
    return {
        "machine": dict(machine),
        "versions": {"python": platform.python_version(), "postgresql": postgresql}
        | {name: version(name) for name in _VERSIONS.split()},
        "operations": {name: asdict(one) for name, one in medians(rounds).items()},
        "rounds": {name: [asdict(one) for one in each] for name, each in rounds.items()},
        "gates": judged,
        "growth": [asdict(one) for one in growth],
        "standing": asdict(standing) if standing else None,
    }


def write(made: dict[str, Any], path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(made, indent=1) + "\n")


def told(made: Mapping[str, Any]) -> str:
    """The machine and the versions, as a sentence."""
    machine, versions = made["machine"], made["versions"]
    return (
        f"{machine['processor']}, {machine['cores']} cores, {machine['memory_mib'] / 1024:.0f} GiB;"
        f" its load in the 5 minutes before: {machine['load_before']:.1f}."
        f" Python {versions['python']}, PostgreSQL {versions['postgresql']}, FastAPI {versions['fastapi']}."
    )


def this_machine() -> dict[str, Any]:
    """Asked before the run, which is a load itself."""
    model = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    return {
        "processor": model[1] if model else platform.machine(),
        "cores": os.cpu_count(),
        "memory_mib": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20,
        "system": platform.platform(),
        "load_before": os.getloadavg()[1],
    }
