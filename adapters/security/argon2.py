"""argon2id for every new hash; what comes from elsewhere is verified, and outdated."""

import secrets
from contextlib import AbstractContextManager
from typing import final

from argon2 import PasswordHasher as Argon2
from argon2 import Type, extract_parameters
from argon2.exceptions import InvalidHashError, VerificationError, VerifyMismatchError

from adapters.security.foreign_hashes import ForeignHashes
from adapters.security.hashing_pool import HashingPool
from application.ports.events import Events
from application.ports.passwords import OPERATORS, UnknownHashFormat
from domain.events import PasswordHashUnreadable
from domain.hashing_cost import HashingCost
from domain.password import PasswordHash, PlainPassword
from domain.turn import Turn

_PREFIX = "$argon2id$"
_MOST_MEMORY = 256 * 1024  # KiB that a hash from elsewhere may ask for
_MOST_TIME = 16
_MOST_LANES = 16  # each is a thread


@final
class Argon2PasswordHasher:
    def __init__(self, pool: HashingPool, cost: HashingCost, events: Events) -> None:
        self._pool = pool
        self._events = events
        self._argon2 = argon2id(cost)
        self._foreign = ForeignHashes()
        self._decoy = PasswordHash(self._argon2.hash(secrets.token_bytes(32)))

    async def hash(self, password: PlainPassword, *, turn: Turn = OPERATORS) -> PasswordHash:
        return PasswordHash(await self._pool.run(lambda: self._argon2.hash(password.encoded), turn))

    async def verify(self, password: PlainPassword, against: PasswordHash | None, *, turn: Turn = OPERATORS) -> bool:
        if against is not None and not self._reads(against):
            self._events.record(PasswordHashUnreadable())
            against = None
        if against is None:
            await self._pool.run(lambda: self._matches(password, self._decoy), turn)
            return False
        known = against
        return await self._pool.run(lambda: self._matches(password, known), turn)

    def room(self, turn: Turn) -> AbstractContextManager[None]:
        return self._pool.room(turn)

    def is_outdated(self, hash: PasswordHash) -> bool:
        return not hash.text.startswith(_PREFIX) or self._argon2.check_needs_rehash(hash.text)

    def require_readable(self, hash: PasswordHash) -> None:
        if not self._reads(hash):
            raise UnknownHashFormat

    def _reads(self, hash: PasswordHash) -> bool:
        return _reads_argon2(hash) or self._foreign.reads(hash)

    def _matches(self, password: PlainPassword, hash: PasswordHash) -> bool:
        try:
            if _is_argon2(hash):
                return self._argon2.verify(_argon2_of(hash), password.encoded)
            return self._foreign.verify(password, hash)
        except VerifyMismatchError:
            return False
        except (VerificationError, ValueError):  # of the right form, and yet no hash: a salt too short, say
            self._events.record(PasswordHashUnreadable())
            return self._matches(password, self._decoy)


def argon2id(cost: HashingCost) -> Argon2:
    return Argon2(time_cost=cost.time, memory_cost=cost.memory, parallelism=cost.parallelism, type=Type.ID)


def _is_argon2(hash: PasswordHash) -> bool:
    return hash.text.startswith(("$argon2", "argon2"))


def _argon2_of(hash: PasswordHash) -> str:
    """Django puts the algorithm's name before the hash."""
    return hash.text.removeprefix("argon2")


def _reads_argon2(hash: PasswordHash) -> bool:
    if not _is_argon2(hash):
        return False
    try:
        asked = extract_parameters(_argon2_of(hash))
    except InvalidHashError:
        return False
    return asked.memory_cost <= _MOST_MEMORY and asked.time_cost <= _MOST_TIME and asked.parallelism <= _MOST_LANES
