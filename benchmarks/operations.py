"""What is measured, in the order of the table, and the gates."""

from collections.abc import Awaitable, Callable, Iterator, Mapping
from itertools import count

from benchmarks import accounts, raw
from benchmarks.measured import Measured, under_load
from benchmarks.plan import Plan, dealt, drawn
from benchmarks.setting import Served, Setting
from benchmarks.table import Gate

CONNECTIONS = 16
_MOST_PER_SECOND = 6000  # of what is good once: so many are made for each second
_MOST_HASHES_PER_SECOND = 200

Operation = Callable[[float], Awaitable[Measured]]

GATES = (
    Gate(operation="GET /users/me", limit="hello", bound=0.45, by="CPU"),
    Gate(operation="GET /users/me, new token", limit="hello", bound=0.25, by="CPU"),
    Gate(operation="POST /refresh", limit="hello", bound=0.28, by="CPU"),
    Gate(operation="POST /refresh", limit="pgbench -N", bound=0.40, by="requests/s"),
    Gate(operation="POST /token", limit="argon2 verify, 19 MiB", bound=0.85, by="CPU"),
    Gate(operation="POST /signup", limit="argon2 hash, 19 MiB", bound=0.80, by="CPU"),
)


async def operations(setting: Setting) -> Mapping[str, Operation]:
    portunus, framework, bare = setting.portunus, setting.framework, setting.bare
    known = await accounts.me(portunus.accounts, portunus.portunus)
    rotations = _rotations(portunus)

    def of_portunus(plan: Plan, seconds: float, *, may_fail: bool = False) -> Measured:
        database = setting.postgresql.postmaster()
        return under_load(plan, seconds=seconds, server=portunus.pid, database=database, may_fail=may_fail)

    async def bare_asgi(seconds: float) -> Measured:
        return under_load(_same(bare, "/"), seconds=seconds, server=bare.pid)

    async def without_middleware(seconds: float) -> Measured:
        return under_load(_same(framework, "/hello"), seconds=seconds, server=framework.pid)

    async def hello(seconds: float) -> Measured:
        return under_load(_same(portunus, "/hello"), seconds=seconds, server=portunus.pid)

    async def me_known(seconds: float) -> Measured:
        return of_portunus(drawn(portunus.port, known, connections=CONNECTIONS), seconds)

    async def me_new(seconds: float) -> Measured:
        many = int(seconds * _MOST_PER_SECOND / len(portunus.accounts)) + 1
        pool = await accounts.me([*portunus.accounts] * many, portunus.portunus)
        return of_portunus(dealt(portunus.port, pool, connections=CONNECTIONS), seconds)

    async def refresh(seconds: float) -> Measured:
        pool = [next(rotations) for _ in range(int(seconds * _MOST_PER_SECOND))]
        return of_portunus(dealt(portunus.port, pool, connections=CONNECTIONS), seconds)

    async def log_in(seconds: float) -> Measured:
        # On a machine that has other work, a place in the line for hashing may take too long: 503, which the table has.
        pool = [accounts.log_in(account) for account in portunus.accounts]
        return of_portunus(drawn(portunus.port, pool, connections=CONNECTIONS), seconds, may_fail=True)

    async def sign_up(seconds: float) -> Measured:
        pool = [accounts.sign_up() for _ in range(int(seconds * _MOST_HASHES_PER_SECOND))]
        return of_portunus(dealt(portunus.port, pool, connections=CONNECTIONS), seconds, may_fail=True)

    async def verify(seconds: float) -> Measured:
        return raw.argon2(19456, 2, seconds, verify=True)

    async def hash_anew(seconds: float) -> Measured:
        return raw.argon2(19456, 2, seconds, verify=False)

    async def pgbench_reads(seconds: float) -> Measured:
        return raw.pgbench(setting.pgbench_url, "-S", seconds)

    async def pgbench_writes(seconds: float) -> Measured:
        return raw.pgbench(setting.pgbench_url, "-N", seconds)

    return {
        "bare ASGI": bare_asgi,
        "hello, no middleware": without_middleware,
        "hello": hello,
        "GET /users/me": me_known,
        "GET /users/me, new token": me_new,
        "POST /refresh": refresh,
        "pgbench -N": pgbench_writes,
        "pgbench -S": pgbench_reads,
        "POST /token": log_in,
        "argon2 verify, 19 MiB": verify,
        "POST /signup": sign_up,
        "argon2 hash, 19 MiB": hash_anew,
    }


def _same(server: Served, path: str) -> Plan:
    return drawn(server.port, [accounts.get(path)], connections=CONNECTIONS)


def _rotations(portunus: Served) -> Iterator[bytes]:
    """Each session's next refresh token in turn. One that was not sent is as good as lost: a later one is taken as well."""
    for counter in count():
        for account in portunus.accounts:
            yield accounts.refresh(account, portunus.portunus, counter=counter)
