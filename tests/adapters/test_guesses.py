"""How many guesses the throttle takes, as it runs in production, under a clock that does not have to wait."""

from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from ipaddress import ip_address
from itertools import cycle
from pathlib import Path

import pytest

from adapters.memory.throttle import MemoryThrottleState
from adapters.security.secret_key import SecretKey
from adapters.security.throttle import SharedThrottle
from adapters.sql.engines import open_engine
from adapters.sql.migrate import upgrade
from adapters.sql.store import SqlStore
from adapters.trips import GatheredTrips
from application.ports.throttle import Throttle
from application.ports.throttle_state import ThrottleState
from domain.attempts import MOST, LogInClosed
from domain.origin import Origin
from domain.session import Lifetimes
from domain.throttle import Limits, Throttled
from domain.user import User
from tests.examples import SECRET, a_user
from tests.fakes import FakeClock, RecordedEvents

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
NAME = "johndoe"
SOMEBODY = a_user(NAME)

Make = Callable[[], Throttle]


@pytest.fixture(params=["memory", "sqlite"])
async def make(request: pytest.FixtureRequest, tmp_path: Path, clock: FakeClock) -> AsyncIterator[Make]:
    """Another process on the same counts. PostgreSQL has a clock of its own; a contract holds its statements to these."""

    def of(shared: ThrottleState) -> Make:
        return lambda: SharedThrottle(
            shared=shared,
            own=MemoryThrottleState(clock),
            secret=SecretKey.parse(SECRET),
            limits=Limits(),
            clock=clock,
            events=RecordedEvents(),
            trips=GatheredTrips(clock),
        )

    if request.param == "memory":
        yield of(MemoryThrottleState(clock))
        return
    url = f"sqlite:///{tmp_path}/portunus.db"
    await upgrade(url)
    store = SqlStore(open_engine(url, pool_size=1), clock, Lifetimes())
    yield of(store.throttle)
    await store.close()


async def guesses(make: Make, clock: FakeClock, *, addresses: int, span: timedelta, user: User | None = SOMEBODY) -> int:
    """How many are evaluated of one who never rests: from each address in turn, at two processes that are restarted."""
    turns, began, evaluated = cycle(range(addresses)), clock.now(), 0
    throttles, restarted = [make(), make()], clock.now()
    while clock.now() < began + span:
        if clock.now() >= restarted + HOUR:
            throttles, restarted = [throttles[1], make()], clock.now()
        refused = []
        for throttle in throttles:
            number = next(turns)
            origin = Origin(address=ip_address(f"10.0.{number >> 8}.{number % 256}"))
            try:
                place = await throttle.reserve(user, identifier=NAME, origin=origin)
            except LogInClosed:
                return evaluated
            except Throttled as refusal:
                refused.append(refusal.retry_after)
            else:
                await throttle.fail(place)
                evaluated += 1
        if len(refused) == len(throttles):
            clock.advance(min(refused))
    return evaluated


@pytest.mark.parametrize("addresses", [1, 10_000])
@pytest.mark.parametrize("user", [SOMEBODY, None], ids=["somebody", "nobody"])
async def test_ac07_en06_an_account_takes_34_guesses_on_the_first_day_however_many_addresses_there_are(
    make: Make, clock: FakeClock, addresses: int, user: User | None
) -> None:
    assert await guesses(make, clock, addresses=addresses, span=DAY, user=user) == 34


async def test_ac07_an_account_takes_no_more_than_a_hundred_wrong_guesses_in_a_row(make: Make, clock: FakeClock) -> None:
    assert await guesses(make, clock, addresses=10_000, span=3650 * DAY) == MOST == 100
