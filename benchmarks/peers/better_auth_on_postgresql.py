"""better-auth, the best known of what runs on Node.js."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.peers import Argon2, ServedPeer
from benchmarks.peers.running import (
    PASSWORD,
    SIGN_UPS,
    asking,
    free_port,
    make_node_environment,
    pinned,
    prove_that_it_knows,
    seed,
    served,
)

SOURCE = Path(__file__).with_name("better_auth")


class BetterAuth:
    """Its tokens name a session, which it reads each time, as Portunus does. It has no refresh tokens."""

    name = f"better-auth {pinned(SOURCE / 'package-lock.json', 'better-auth')}, PostgreSQL"

    def set_up(self, folder: Path) -> None:
        make_node_environment(folder, SOURCE)

    @contextmanager
    def serving(self, folder: Path, *, database_url: str, users: int, hashing: Argon2 | None) -> Iterator[ServedPeer]:
        port = free_port()
        environment = {
            "NODE_ENV": "production",
            "PEER_PORT": str(port),
            "PEER_DATABASE_URL": database_url,
            "PEER_USERS": str(users),
            "PEER_PASSWORD": PASSWORD,
            "PEER_ARGON2": f"{hashing.memory},{hashing.time},{hashing.parallelism}" if hashing else "",
        }
        tokens = seed(["node", "fill.mjs"], folder=folder, environment=environment)
        with served(["node", "serve.mjs"], folder=folder, port=port, environment=environment) as pid:
            prove_that_it_knows(tokens[-1], port=port, path="/api/auth/get-session", email=f"user{users - 1}@example.com")
            yield ServedPeer(
                port=port,
                pid=pid,
                hashing="argon2id as asked, by @node-rs/argon2" if hashing else "its default: scrypt, N=2^14, r=16, p=1",
                me=[asking("/api/auth/get-session", port=port, token=token) for token in tokens],
                log_in=[_post(port, "sign-in", email=f"user{number}@example.com") for number in range(users)],
                sign_up=[_post(port, "sign-up", email=f"new{number}@example.com", name="new") for number in range(SIGN_UPS)],
            )


def _post(port: int, act: str, **members: str) -> bytes:
    body = json.dumps({**members, "password": PASSWORD}).encode()
    return asking(f"/api/auth/{act}/email", port=port, method="POST", kind="application/json", body=body)
