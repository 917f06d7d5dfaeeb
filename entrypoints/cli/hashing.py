"""portunus hash …"""

import asyncio
import json
import sys
from datetime import timedelta
from typing import Annotated, Any

import typer

from application.upkeep.calibrate_hashing import Calibration
from domain.calibration import MOST_TRIES, Aim, TriedCost
from domain.hashing_cost import HashingCost
from entrypoints.settings import Settings

hashing = typer.Typer(help="Measure what hashing passwords costs on this machine.", no_args_is_help=True)


@hashing.callback()
def about() -> None:
    pass


@hashing.command()
def calibrate(
    target: Annotated[
        int, typer.Option(min=10, max=1000, metavar="MS", help="How long a hash should take, in milliseconds.")
    ] = 50,
    free: Annotated[
        int, typer.Option(min=0, max=95, metavar="PERCENT", help="How much of the memory's bandwidth is to be left to others.")
    ] = 70,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")] = False,
) -> None:
    """Measure argon2id on this machine, and print the settings that suit it.

    The longer a hash takes and the more memory it needs, the dearer is each guess at a copy of the database; and the fewer can
    log in at a time, for each log-in takes a core for as long: at 50 ms it is 20 per second on each. So as much memory as the
    target allows is proposed, up to 256 MiB, and only then more passes over it. One lane: every core hashes already, and more
    lanes would share the same cores. Nothing below OWASP's floor (19456 KiB, 2 passes) is proposed, however slow that is.

    Every core hashes at once here, as in a burst of log-ins, while one more thread copies memory. What is free is the share of
    its speed, alone, that this copying keeps: what other work is left of the memory. Where that is too little, less memory is
    passed over more often, which caches take better. All times are the processor's, so that what else the machine does counts
    less. It counts all the same: run this on the machine that will serve, while it does nothing else. It takes a few seconds,
    and the proposed memory on each core; it needs neither a database nor a secret, and changes nothing.

    Hashes already stored go on to be good, and each is renewed when its user next logs in.

    Exits with 0 also where the target cannot be met, and says so. With --json: {"settings": {"PORTUNUS_ARGON2_MEMORY": …, …},
    "met": …, "took_ms": …, "free": …, "asked_of_memory": …, "copied_bytes_per_second": …, "cores": …, "tried": […]}.
    """
    aim = Aim(took=timedelta(milliseconds=target), free=free / 100)
    outcome = asyncio.run(_calibrated(Settings.read_unjudged(), aim))
    typer.echo(json.dumps(_as_json(outcome, aim), indent=2) if as_json else "\n".join(_told(outcome, aim)))


async def _calibrated(settings: Settings, aim: Aim) -> Calibration:
    from entrypoints.container.root import calibrate_hashing  # noqa: PLC0415 - half a second of imports

    calibrate_here = calibrate_hashing(settings)
    with typer.progressbar(length=MOST_TRIES, label="Measuring", file=sys.stderr, hidden=not sys.stderr.isatty()) as bar:
        told = []
        async for one in calibrate_here(aim=aim):
            told.append(one)
            bar.update(1)
        bar.update(MOST_TRIES)
    return told[-1]


def _settings_of(best: TriedCost) -> dict[str, int]:
    return {
        "PORTUNUS_ARGON2_MEMORY": best.cost.memory,
        "PORTUNUS_ARGON2_TIME": best.cost.time,
        "PORTUNUS_ARGON2_PARALLELISM": best.cost.parallelism,
    }


def _told(outcome: Calibration, aim: Aim) -> list[str]:
    best = outcome.best
    memory = outcome.cores * best.cost.memory / 1024
    rate = outcome.cores / best.took.total_seconds()
    return [
        *(f"{name}={value}" for name, value in _settings_of(best).items()),
        "",
        f"A hash takes {_ms(best.took)} while all {outcome.cores} cores hash: {rate:.0f} log-ins per second.",
        f"Each server process takes up to {memory:.0f} MiB for it.",
        f"Others keep {best.free:.0%} of the memory's bandwidth.",
        f"A hash asks for {outcome.asked_of_memory:.0%} of what its core can read and write, if no cache helps.",
        *_missed(best, aim),
    ]


def _missed(best: TriedCost, aim: Aim) -> list[str]:
    said = []
    if best.cost == HashingCost() and best.took > aim.took:
        said.append(f"That is OWASP's floor. It takes longer than {_ms(aim.took)} here, and nothing cheaper is safe.")
    if best.free < aim.free:
        said.append(f"Nothing that was tried leaves {aim.free:.0%} free.")
    return said


def _as_json(outcome: Calibration, aim: Aim) -> dict[str, Any]:
    return {
        "settings": _settings_of(outcome.best),
        "met": aim.is_kept_to(outcome.best),
        "took_ms": _rounded_ms(outcome.best.took),
        "free": round(outcome.best.free, 3),
        "asked_of_memory": round(outcome.asked_of_memory, 3),
        "copied_bytes_per_second": round(outcome.copied),
        "cores": outcome.cores,
        "tried": [
            {"memory": one.cost.memory, "time": one.cost.time, "took_ms": _rounded_ms(one.took), "free": round(one.free, 3)}
            for one in outcome.tried
        ],
    }


def _rounded_ms(took: timedelta) -> float:
    return round(took.total_seconds() * 1000, 1)


def _ms(took: timedelta) -> str:
    return f"{took.total_seconds() * 1000:.0f} ms"
