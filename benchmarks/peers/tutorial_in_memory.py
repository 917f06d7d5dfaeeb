"""The app of the tutorial whose routes Portunus keeps."""

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

SOURCE = Path(__file__).with_name("tutorial")
LOCK = SOURCE / "requirements.lock"


class Tutorial:
    name = f"the tutorial's app, in memory (FastAPI {pinned(LOCK, 'fastapi')})"

    def set_up(self, folder: Path) -> None:
        make_python_environment(folder, LOCK)

    @contextmanager
    def serving(self, folder: Path, *, database_url: str, users: int, hashing: Argon2 | None) -> Iterator[ServedPeer]:
        del database_url  # it keeps its users in a dictionary
        port, python = free_port(), str(folder / "bin/python")
        environment = {
            "PEER_USERS": str(users),
            "PEER_PASSWORD": PASSWORD,
            "PEER_ARGON2": f"{hashing.memory},{hashing.time},{hashing.parallelism}" if hashing else "",
        }
        pairs = seed([python, "filled.py"], folder=SOURCE, environment=environment)
        command = [python, "-m", "uvicorn", "filled:app", "--port", str(port), "--no-access-log", "--log-level", "warning"]
        with served(command, folder=SOURCE, port=port, environment=environment) as pid:
            prove_that_it_knows(pairs[-1][0], port=port, path="/users/me", email=f"user{users - 1}@example.com")
            yield ServedPeer(
                port=port,
                pid=pid,
                hashing="argon2id as asked, by passlib" if hashing else "its default: bcrypt, cost 12, by passlib",
                me=[asking("/users/me", port=port, token=access) for access, _ in pairs],
                log_in=[_log_in(port, number) for number in range(users)],
                sign_up=[_sign_up(port, number) for number in range(SIGN_UPS)],
                refresh=[_refresh(port, refresh) for _, refresh in pairs],
            )


def _log_in(port: int, number: int) -> bytes:
    form = urlencode({"username": f"user{number}", "password": PASSWORD}).encode()
    return asking("/token", port=port, method="POST", kind="application/x-www-form-urlencoded", body=form)


def _sign_up(port: int, number: int) -> bytes:
    body = json.dumps({"username": f"new{number}", "email": f"new{number}@example.com", "password": PASSWORD}).encode()
    return asking("/signup", port=port, method="POST", kind="application/json", body=body)


def _refresh(port: int, token: str) -> bytes:
    return asking(f"/refresh?{urlencode({'refresh_token': token})}", port=port, method="POST")
