"""What a Portunus of one kind is asked for, as fast as 16 connections can: one operation each."""

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import cycle, islice
from typing import final

from benchmarks import accounts
from benchmarks.measured import Measured, generated, under_load
from benchmarks.peers import Argon2
from benchmarks.plan import Plan, dealt, drawn
from benchmarks.setting import FLOOR, ServedPortunus, Setting

CONNECTIONS = 16
_MOST_PER_SECOND = 5000  # of what is good once: so many are made for each second
_MOST_HASHES_PER_SECOND = 200
_SECONDS_TO_SHOW_EACH_TOKEN = 60
_PARTS = (70, 20, 8, 2)  # of a hundred: callers, rotations, log-ins, sign-ups


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    setting: Setting
    storage: str = "postgresql"
    cost: Argon2 = FLOOR
    workers: int = 1

    async def served(self) -> ServedPortunus:
        return await self.setting.portunus(self.storage, self.cost, self.workers)

    async def hello(self, seconds: float) -> Measured:
        served = await self.served()
        plan = drawn(served.port, [accounts.get("/hello")], connections=CONNECTIONS)
        return under_load(plan, seconds=seconds, server=served.pid)

    async def show_each_token(self) -> None:
        """So that those of `me` have been seen before."""
        served = await self.served()
        generated(dealt(served.port, served.storage.known, connections=CONNECTIONS), _SECONDS_TO_SHOW_EACH_TOKEN)

    async def me(self, seconds: float) -> Measured:
        served = await self.served()
        return self.measured(served, drawn(served.port, served.storage.known, connections=CONNECTIONS), seconds)

    async def me_with_new_tokens(self, seconds: float) -> Measured:
        served = await self.served()
        number = int(seconds * _MOST_PER_SECOND)
        pool = await accounts.me(islice(cycle(served.storage.accounts), number), served.storage.portunus)
        return self.measured(served, dealt(served.port, pool, connections=CONNECTIONS), seconds)

    async def refresh(self, seconds: float) -> Measured:
        served = await self.served()
        rotations = served.storage.rotations
        plan = dealt(served.port, rotations.take(int(seconds * _MOST_PER_SECOND)), connections=CONNECTIONS)
        return self.measured(served, plan, seconds, unsent=rotations.give_back)

    async def log_in(self, seconds: float) -> Measured:
        # On a machine that has other work, a place in the line for hashing may take too long: 503, which the table has.
        served = await self.served()
        return self.measured(served, log_ins(served, CONNECTIONS), seconds, may_fail=True)

    async def guess_too_often(self, seconds: float) -> Measured:
        """At one account, which nobody has and which has had its five guesses; now and then one more is looked at."""
        served = await self.served()
        plan = drawn(served.port, [accounts.guess()], connections=CONNECTIONS)
        return self.measured(served, replace(plan, good="429"), seconds, may_fail=True)

    async def sign_up(self, seconds: float) -> Measured:
        served = await self.served()
        pool = [accounts.sign_up() for _ in range(int(seconds * _MOST_HASHES_PER_SECOND))]
        return self.measured(served, dealt(served.port, pool, connections=CONNECTIONS), seconds, may_fail=True)

    async def mixed(self, seconds: float) -> Measured:
        """In a random order, each once but for the tokens of callers."""
        served = await self.served()
        hundreds = int(seconds * 20)
        callers, rotations, log_ins, sign_ups = (part * hundreds for part in _PARTS)
        pool = [secrets.choice(served.storage.known) for _ in range(callers)]
        refreshes = served.storage.rotations.take(rotations)
        pool += refreshes
        pool += [accounts.log_in(secrets.choice(served.storage.accounts)) for _ in range(log_ins)]
        pool += [accounts.sign_up() for _ in range(sign_ups)]
        secrets.SystemRandom().shuffle(pool)

        def give_back(unsent: Sequence[bytes]) -> None:
            left = set(unsent)
            served.storage.rotations.give_back([request for request in refreshes if request in left])

        plan = dealt(served.port, pool, connections=CONNECTIONS)
        return self.measured(served, plan, seconds, may_fail=True, unsent=give_back)

    def measured(
        self,
        served: ServedPortunus,
        plan: Plan,
        seconds: float,
        *,
        may_fail: bool = False,
        unsent: Callable[[Sequence[bytes]], None] = lambda _: None,
    ) -> Measured:
        database = self.setting.postgresql.postmaster() if served.storage.is_postgresql else None
        return under_load(plan, seconds=seconds, server=served.pid, database=database, may_fail=may_fail, unsent=unsent)


def log_ins(served: ServedPortunus, connections: int) -> Plan:
    pool: Sequence[bytes] = [accounts.log_in(account) for account in served.storage.accounts]
    return drawn(served.port, pool, connections=connections)
