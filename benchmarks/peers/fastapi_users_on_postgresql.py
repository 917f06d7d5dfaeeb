"""FastAPI Users, the library that most FastAPI applications take for this."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlencode

from benchmarks.peers import Argon2, ServedPeer
from benchmarks.peers.running import (
    PASSWORD,
    SIGN_UPS,
    asking,
    free_port,
    make_python_environment,
    pinned,
    prove_that_it_knows,
    seed,
    served,
)

SOURCE = Path(__file__).with_name("fastapi_users")
LOCK = SOURCE / "requirements.lock"


class FastApiUsers:
    """It has no refresh tokens."""

    name = f"fastapi-users {pinned(LOCK, 'fastapi-users')}, PostgreSQL"

    def set_up(self, folder: Path) -> None:
        make_python_environment(folder, LOCK)

    @contextmanager
    def serving(self, folder: Path, *, database_url: str, users: int, hashing: Argon2 | None) -> Iterator[ServedPeer]:
        port, python = free_port(), str(folder / "bin/python")
        environment = {
            "PEER_DATABASE_URL": database_url,
            "PEER_USERS": str(users),
            "PEER_PASSWORD": PASSWORD,
            "PEER_ARGON2": f"{hashing.memory},{hashing.time},{hashing.parallelism}" if hashing else "",
        }
        tokens = seed([python, "fill.py"], folder=SOURCE, environment=environment)
        command = [python, "-m", "uvicorn", "app:app", "--port", str(port), "--no-access-log", "--log-level", "warning"]
        with served(command, folder=SOURCE, port=port, environment=environment) as pid:
            prove_that_it_knows(tokens[-1], port=port, path="/users/me", email=f"user{users - 1}@example.com")
            yield ServedPeer(
                port=port,
                pid=pid,
                hashing="argon2id as asked, by pwdlib" if hashing else "its default: argon2id, 64 MiB, t=3, p=4, by pwdlib",
                me=[asking("/users/me", port=port, token=token) for token in tokens],
                log_in=[_log_in(port, number) for number in range(users)],
                sign_up=[_sign_up(port, number) for number in range(SIGN_UPS)],
            )


def _log_in(port: int, number: int) -> bytes:
    form = urlencode({"username": f"user{number}@example.com", "password": PASSWORD}).encode()
    return asking("/auth/jwt/login", port=port, method="POST", kind="application/x-www-form-urlencoded", body=form)


def _sign_up(port: int, number: int) -> bytes:
    body = json.dumps({"email": f"new{number}@example.com", "password": PASSWORD}).encode()
    return asking("/auth/register", port=port, method="POST", kind="application/json", body=body)
