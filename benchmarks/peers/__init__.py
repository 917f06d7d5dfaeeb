"""What Portunus is compared with: others' authentication, each as its own documentation sets it up.

A peer is one module or folder beside this file, with an environment of its own, and stands in `benchmarks/peers/known.py`.
"""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


class PeerMissing(Exception):
    """It cannot be set up on this machine; the text says why, and stands in the table in its place."""


@dataclass(frozen=True, slots=True)
class Argon2:
    """argon2id with so much memory (KiB), so many passes and lanes."""

    memory: int = 19456
    time: int = 2
    parallelism: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedPeer:
    """A peer that listens on 127.0.0.1, and whole HTTP/1.1 requests, without `Connection: close`, that it answers with 2xx.

    `pid` is the root of its process tree, whose CPU is measured. `hashing` says in a few words what hashes its passwords.
    An empty sequence stands for what it cannot do. `refresh` may be sent again and again, unless each is used up.
    """

    port: int
    pid: int
    hashing: str
    me: Sequence[bytes]
    log_in: Sequence[bytes]
    sign_up: Sequence[bytes] = ()
    refresh: Sequence[bytes] = ()


class Peer(Protocol):
    @property
    def name(self) -> str:
        """With its version, as the table has it."""
        ...

    def set_up(self, folder: Path) -> None:
        """Make its environment in `folder`, unless it is there already, by a lock of its own. Raises `PeerMissing`."""
        ...

    def serving(
        self, folder: Path, *, database_url: str, users: int, hashing: Argon2 | None
    ) -> AbstractContextManager[ServedPeer]:
        """Serve on a free port, from a `set_up` folder, by one process, with so many users, one token for each.

        `database_url` is an empty PostgreSQL database (`postgresql://…`), for those that use one. `hashing` is what it is to
        hash with; `None` leaves it its own default. It is stopped at the end, with every process that it started.
        """
        ...
