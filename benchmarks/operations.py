"""What is measured, in the order of the table, and the gates."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from benchmarks import accounts, raw
from benchmarks.measured import Measured, under_load
from benchmarks.peers import Argon2, Peer, PeerMissing, ServedPeer
from benchmarks.peers.known import PEERS
from benchmarks.plan import Plan, dealt, drawn
from benchmarks.portunus import CONNECTIONS, Asked
from benchmarks.setting import FLOOR, STRONG, Setting
from benchmarks.storm import Storm, allowed_in_a_flood
from benchmarks.table import Gate
from benchmarks.wrk import hello_by_wrk

_FASTAPI_USERS, _TUTORIAL, _ = (peer.name for peer in PEERS)

GATES = (
    Gate(operation="hello", limit="hello, no middleware", bound=0.35, by="CPU added", aim=0.20),
    Gate(operation="GET /users/me", limit="hello", bound=0.45, by="CPU", aim=0.60),
    Gate(operation="GET /users/me", limit=f"{_FASTAPI_USERS}: caller", bound=5, by="CPU"),
    Gate(operation="GET /users/me", limit=f"{_TUTORIAL}: caller", bound=1, by="CPU"),
    Gate(operation="GET /users/me, new token", limit="hello", bound=0.25, by="CPU", aim=0.32),
    Gate(operation="POST /refresh", limit="hello", bound=0.28, by="CPU", aim=0.35),
    Gate(operation="POST /refresh", limit="pgbench -N", bound=0.40, by="requests/s"),
    Gate(operation="POST /token", limit="argon2 verify, 19 MiB", bound=0.85, by="CPU", aim=0.92),
    Gate(operation="POST /token, 64 MiB", limit="argon2 verify, 64 MiB", bound=0.93, by="CPU", aim=0.96),
    Gate(operation="POST /signup", limit="argon2 hash, 19 MiB", bound=0.80, by="CPU", aim=0.90),
    Gate(operation="GET /users/me, 16 at once, in a storm", limit="GET /users/me, 16 at once", bound=2, by="p99", aim=1.5),
    Gate(operation="POST /token, in a storm", limit="argon2 verify, after the storm", bound=0.75, by="requests/s"),
    Gate(operation="POST /token, in a flood of 200", limit="(threads + 1) hashes + 32 MiB", bound=1, by="MiB"),
    Gate(operation="GET /users/me, SQLite", limit="hello", bound=0.25, by="CPU"),
    Gate(operation="POST /refresh, SQLite", limit="hello", bound=0.10, by="CPU"),
)


@dataclass(frozen=True, slots=True)
class Operation:
    """`run` measures for so many seconds, and answers with one figure for each of the `names`, which are rows of the table."""

    names: tuple[str, ...]
    run: Callable[[float], Awaitable[Sequence[Measured]]]
    prepare: Callable[[], Awaitable[None]] | None = None


def operations(setting: Setting) -> list[Operation]:
    own, strong, two = Asked(setting=setting), Asked(setting=setting, cost=STRONG), Asked(setting=setting, workers=2)
    sqlite, memory = Asked(setting=setting, storage="sqlite"), Asked(setting=setting, storage="memory")
    storm = Storm(own)
    return [
        _one("bare ASGI", partial(_app, setting, "bare")),
        _one("hello, no middleware", partial(_app, setting, "framework")),
        _one("hello", own.hello),
        _one("hello, asked by wrk", partial(hello_by_wrk, own)),
        _one("GET /users/me", own.me, own.show_each_token),
        _one("GET /users/me, new token", own.me_with_new_tokens),
        _one("POST /refresh", own.refresh),
        _one("pgbench -N", partial(_pgbench, setting, "-N")),
        _one("pgbench -S", partial(_pgbench, setting, "-S")),
        _one("POST /token", own.log_in),
        _one("POST /token, guessed too often", own.guess_too_often),
        _one("argon2 verify, 19 MiB", _of_this_process(partial(raw.argon2_verify, FLOOR))),
        _one("POST /token, 64 MiB", strong.log_in),
        _one("argon2 verify, 64 MiB", _of_this_process(partial(raw.argon2_verify, STRONG))),
        _one("POST /signup", own.sign_up),
        _one("argon2 hash, 19 MiB", _of_this_process(partial(raw.argon2_hash, FLOOR))),
        _one("JWT sign, ES256", _of_this_process(raw.jwt_sign)),
        _one("JWT verify, ES256", _of_this_process(raw.jwt_verify)),
        _one("70/20/8/2 mixed", own.mixed),
        _one("hello, 2 workers", two.hello),
        _one("GET /users/me, 2 workers", two.me, two.show_each_token),
        _one("POST /refresh, 2 workers", two.refresh),
        _one("POST /token, 2 workers", two.log_in),
        _one("GET /users/me, SQLite", sqlite.me, sqlite.show_each_token),
        _one("GET /users/me, new token, SQLite", sqlite.me_with_new_tokens),
        _one("POST /refresh, SQLite", sqlite.refresh),
        _one("POST /token, SQLite", sqlite.log_in),
        _one("GET /users/me, memory", memory.me, memory.show_each_token),
        _one("POST /refresh, memory", memory.refresh),
        _one("GET /users/me, 16 at once", storm.idle),
        Operation(
            ("GET /users/me, 16 at once, in a storm", "POST /token, in a storm", "argon2 verify, after the storm"), storm.under
        ),
        _one("POST /token, in a flood of 200", storm.flood),
        _one("(threads + 1) hashes + 32 MiB", _of_this_process(lambda _: allowed_in_a_flood())),
        *(operation for peer in PEERS for operation in _of_peer(setting, peer)),
    ]


def of_gates(gates: Sequence[Gate]) -> set[str]:
    return {name for gate in gates for name in (gate.operation, gate.limit)}


def chosen(among: Sequence[Operation], gates: Sequence[Gate], wanted: Callable[[str], bool]) -> list[Operation]:
    """Those with a wanted name, and what they are a ratio of."""
    names = {name for operation in among for name in operation.names if wanted(name)}
    names |= of_gates([gate for gate in gates if gate.operation in names])
    return [operation for operation in among if names & set(operation.names)]


def beside(each: Sequence[Operation], gates: Sequence[Gate]) -> list[Operation]:
    """In an order in which what is compared is measured one after the other: a machine that others share changes."""
    ordered: list[Operation] = []
    for operation in each:
        limits = {gate.limit for gate in gates if gate.operation in operation.names}
        compared = [operation, *(other for other in each if other is not operation and limits & set(other.names))]
        ordered += [one for one in compared if one not in ordered]
    return ordered


def _one(
    name: str, run: Callable[[float], Awaitable[Measured]], prepare: Callable[[], Awaitable[None]] | None = None
) -> Operation:
    async def alone(seconds: float) -> Sequence[Measured]:
        return [await run(seconds)]

    return Operation((name,), alone, prepare)


def _of_this_process(measure: Callable[[float], Measured]) -> Callable[[float], Awaitable[Measured]]:
    async def measured(seconds: float) -> Measured:
        return measure(seconds)

    return measured


async def _app(setting: Setting, name: str, seconds: float) -> Measured:
    served = await setting.app(name)
    plan = drawn(served.port, [accounts.get("/hello")], connections=CONNECTIONS)
    return under_load(plan, seconds=seconds, server=served.pid)


async def _pgbench(setting: Setting, kind: str, seconds: float) -> Measured:
    return raw.pgbench(await setting.pgbench_url(), kind, seconds)


def _of_peer(setting: Setting, peer: Peer) -> list[Operation]:
    """Equal: with the parameters that Portunus hashes with. What does not hash is asked of that server alone."""

    def of(act: str, hashing: Argon2 | None, plan: Callable[[ServedPeer], Plan | None]) -> Operation:
        return _one(f"{peer.name}: {act}", partial(_peer, setting, peer, hashing, plan))

    sign_ups: dict[int, int] = {}  # of each server: each name is good once

    def next_sign_ups(served: ServedPeer) -> Plan | None:
        first = sign_ups.get(served.pid, 0)
        sign_ups[served.pid] = first + _SIGN_UPS_AT_ONCE
        return dealt(served.port, served.sign_up[first : first + _SIGN_UPS_AT_ONCE], connections=CONNECTIONS)

    return [
        of("caller", FLOOR, lambda served: _drawn(served, served.me)),
        of("refresh", FLOOR, lambda served: _drawn(served, served.refresh)),
        of("log-in, equal hash", FLOOR, lambda served: _drawn(served, served.log_in)),
        of("log-in, its default", None, lambda served: _drawn(served, served.log_in)),
        of("sign-up, equal hash", FLOOR, next_sign_ups),
        of("sign-up, its default", None, next_sign_ups),
    ]


_SIGN_UPS_AT_ONCE = 1000


def _drawn(served: ServedPeer, pool: Sequence[bytes]) -> Plan | None:
    return drawn(served.port, pool, connections=CONNECTIONS) if pool else None


async def _peer(
    setting: Setting, peer: Peer, hashing: Argon2 | None, plan: Callable[[ServedPeer], Plan | None], seconds: float
) -> Measured:
    try:
        served = await setting.peer(peer, hashing)
    except PeerMissing as reason:
        return Measured(note=str(reason))
    asked = plan(served)
    if asked is None:
        return Measured(note="it has none")
    database = setting.postgresql.postmaster()
    measured = under_load(asked, seconds=seconds, server=served.pid, database=database)
    return replace(measured, note=served.hashing)
