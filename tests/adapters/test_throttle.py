"""Slowing down, by what is shared and by what this process has seen itself."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from ipaddress import ip_address

import pytest

from adapters.memory.throttle import MemoryThrottleState
from adapters.security.refused_accounts import RefusedAccounts
from adapters.security.secret_key import SecretKey
from adapters.security.throttle import SharedThrottle
from adapters.trips import GatheredTrips
from application.ports.throttle import Throttle
from application.ports.throttle_state import Among, Hit, Reservation
from application.ports.unit_of_work import StoreUnavailable
from domain.attempts import FREE, OF_AN_ACCOUNT, LogInClosed, Rule, TooManyFailures
from domain.events import LogInsTightened, ThrottleStateAway
from domain.origin import NOWHERE, Origin
from domain.throttle import Action, Limit, Limits, Per, TooManyRequests, Verdict
from domain.user import User
from tests.examples import SECRET, a_user
from tests.fakes import FakeClock, RecordedEvents

SIGN_UP = Action.SIGN_UP
MINUTE = timedelta(minutes=1)


class Breakable:
    """A shared state that may be away, or hang."""

    def __init__(self, state: MemoryThrottleState) -> None:
        self._state = state
        self.away = False
        self.hangs = False
        self.looked = 0  # for a place

    async def hit(self, hits: Sequence[Hit]) -> Sequence[Verdict]:
        await self._reach()
        return await self._state.hit(hits)

    async def reserve(
        self, account: str, *, hits: Sequence[Hit], rule: Rule = OF_AN_ACCOUNT, among: Among | None = None
    ) -> Reservation:
        self.looked += 1
        await self._reach()
        return await self._state.reserve(account, hits=hits, rule=rule, among=among)

    async def fail(self, account: str) -> None:
        await self._reach()
        await self._state.fail(account)

    async def succeed(self, account: str, *, forgiving: str | None = None) -> None:
        await self._reach()
        await self._state.succeed(account, forgiving=forgiving)

    async def succeed_anew(self, account: str) -> int:
        await self._reach()
        return await self._state.succeed_anew(account)

    async def give_back(self, account: str) -> None:
        await self._reach()
        await self._state.give_back(account)

    async def forget_idle(self, *, limit: int) -> int:
        await self._reach()
        return await self._state.forget_idle(limit=limit)

    async def _reach(self) -> None:
        if self.hangs:
            await asyncio.sleep(60)
        if self.away:
            raise StoreUnavailable


class Processes:
    """Any number of processes that share a state."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.events = RecordedEvents()
        self.trips = GatheredTrips(self.clock)
        self.shared = Breakable(MemoryThrottleState(self.clock))

    def another(self, *, patience: timedelta = timedelta(seconds=0.1), **limits: Limit) -> SharedThrottle:
        return SharedThrottle(
            shared=self.shared,
            own=MemoryThrottleState(self.clock),
            secret=SecretKey.parse(SECRET),
            limits=Limits(**limits),
            clock=self.clock,
            events=self.events,
            trips=self.trips,
            patience=patience,
        )


@pytest.fixture
def processes() -> Processes:
    return Processes()


def at(address: str) -> Origin:
    return Origin(address=ip_address(address))


async def refusals(throttle: Throttle, action: Action, *addresses: str) -> list[TooManyRequests]:
    refused = []
    for address in addresses:
        try:
            await throttle.admit(action, at(address))
        except TooManyRequests as refusal:
            refused.append(refusal)
    return refused


async def guess(throttle: Throttle, name: str = "johndoe", origin: Origin = NOWHERE) -> bool:
    """Whether the guess was evaluated."""
    try:
        place = await throttle.reserve(None, identifier=name, origin=origin)
    except (TooManyFailures, TooManyRequests):
        return False
    await throttle.fail(place)
    return True


async def exhaust(throttle: Throttle, user: User | None) -> None:
    """Guess until a guess is refused."""
    for _ in range(FREE):
        await throttle.fail(await throttle.reserve(user, identifier="johndoe", origin=NOWHERE))
    with pytest.raises(TooManyFailures):
        await throttle.reserve(user, identifier="johndoe", origin=NOWHERE)


async def guess_a_hundred_times(throttle: Throttle, clock: FakeClock) -> None:
    for _ in range(100):
        assert await guess(throttle)
        clock.advance(timedelta(hours=1))


async def test_ac07_processes_count_together(processes: Processes) -> None:
    one, other = processes.another(sign_up=Limit(4, MINUTE)), processes.another(sign_up=Limit(4, MINUTE))

    refused = [await refusals(throttle, SIGN_UP, "203.0.113.7") for throttle in [one, other] * 3]

    assert [len(each) for each in refused] == [0, 0, 0, 0, 1, 1]
    assert refused[-1][0].retry_after == timedelta(seconds=15)


async def test_what_is_known_to_be_beyond_the_limit_is_refused_without_asking(processes: Processes) -> None:
    throttle = processes.another(sign_up=Limit(2, MINUTE))
    await refusals(throttle, SIGN_UP, *["203.0.113.7"] * 2)
    processes.shared.away = True

    assert len(await refusals(throttle, SIGN_UP, "203.0.113.7")) == 1
    assert processes.events.all == []


@pytest.mark.parametrize(("neighbours", "let_through"), [("2001:db8:1:2::{:x}", 4), ("2001:db8:1:{:x}::1", 40)])
async def test_ac07_a_64_is_one_address_and_a_48_is_ten(processes: Processes, neighbours: str, let_through: int) -> None:
    throttle = processes.another(sign_up=Limit(4, MINUTE))
    addresses = [neighbours.format(number) for number in range(1, 60)]

    refused = await refusals(throttle, SIGN_UP, *addresses)

    assert len(addresses) - len(refused) == let_through


async def test_an_address_is_counted_for_each_action_apart(processes: Processes) -> None:
    throttle = processes.another(sign_up=Limit(1, MINUTE), introspection=Limit(1, MINUTE))

    assert not await refusals(throttle, SIGN_UP, "203.0.113.7")
    assert not await refusals(throttle, Action.INTROSPECTION, "203.0.113.7")
    assert await guess(throttle, origin=at("203.0.113.7"))


async def test_who_has_no_address_is_not_counted_by_it(processes: Processes) -> None:
    throttle = processes.another(sign_up=Limit(1, MINUTE))

    for _ in range(3):
        await throttle.admit(SIGN_UP, NOWHERE)
        await throttle.admit(Action.REFRESH, NOWHERE)


async def test_rl12_while_the_state_is_away_each_process_keeps_the_limits_by_what_it_saw(processes: Processes) -> None:
    throttle = processes.another(sign_up=Limit(3, MINUTE))
    await refusals(throttle, SIGN_UP, "203.0.113.7")
    evaluated = [await guess(throttle) for _ in range(2)]
    processes.shared.away = True

    refused = await refusals(throttle, SIGN_UP, *["203.0.113.7"] * 4)
    evaluated += [await guess(throttle) for _ in range(10)]

    assert len(refused) == 2
    assert sum(evaluated) == FREE
    assert processes.events.all == [ThrottleStateAway(decided_alone=0)]


async def test_rl12_a_state_that_hangs_holds_nobody_up_for_long_and_the_next_not_at_all(processes: Processes) -> None:
    throttle = processes.another()
    processes.shared.hangs = True
    loop = asyncio.get_running_loop()
    began = loop.time()

    evaluated = [await guess(throttle, f"name{number}") for number in range(20)]

    assert all(evaluated)
    assert loop.time() - began < 5
    assert processes.events.all == [ThrottleStateAway(decided_alone=0)]


async def test_ac08_parallel_guesses_are_evaluated_only_as_far_as_there_are_places(processes: Processes) -> None:
    throttles = [processes.another(), processes.another()] * 25

    evaluated = await asyncio.gather(*(guess(throttle) for throttle in throttles))

    assert sum(evaluated) == FREE


async def test_ac09_attempts_beyond_the_places_wait_and_all_that_are_right_get_in(processes: Processes) -> None:
    patience = timedelta(seconds=10)
    throttles = [processes.another(patience=patience), processes.another(patience=patience)] * 10

    async def log_in(throttle: Throttle) -> None:
        place = await throttle.reserve(None, identifier="johndoe", origin=NOWHERE)
        await asyncio.sleep(0.01)
        await throttle.succeed(place)

    await asyncio.gather(*(log_in(throttle) for throttle in throttles))


async def test_however_many_wait_for_a_place_one_of_them_looks_for_it(processes: Processes) -> None:
    throttle = processes.another(patience=timedelta(seconds=0.5))
    held = [await throttle.reserve(None, identifier="johndoe", origin=NOWHERE) for _ in range(FREE)]
    rivals = [asyncio.create_task(guess(throttle)) for _ in range(200)]
    await asyncio.sleep(0.2)
    looked = processes.shared.looked

    for place in held:
        await throttle.give_back(place)

    assert sum(await asyncio.gather(*rivals)) == FREE
    assert looked < FREE + 200 + 20  # each once, and then one of them every now and then
    assert processes.shared.looked < FREE + 2 * 200 + 40


async def test_who_goes_away_while_waiting_leaves_nothing_behind(processes: Processes) -> None:
    throttle = processes.another(patience=timedelta(seconds=5))
    held = [await throttle.reserve(None, identifier="johndoe", origin=NOWHERE) for _ in range(FREE)]
    rivals = [asyncio.create_task(guess(throttle)) for _ in range(20)]
    await asyncio.sleep(0.01)

    for rival in rivals[::2]:
        rival.cancel()
    for place in held:
        await throttle.give_back(place)

    evaluated = await asyncio.gather(*rivals, return_exceptions=True)
    assert evaluated.count(True) == FREE
    assert throttle._waiting == {}


async def test_who_waited_in_vain_is_told_to_come_again(processes: Processes) -> None:
    throttle = processes.another()
    for _ in range(FREE):
        await throttle.reserve(None, identifier="johndoe", origin=NOWHERE)

    with pytest.raises(TooManyFailures) as refused:
        await throttle.reserve(None, identifier="johndoe", origin=NOWHERE)

    assert refused.value.retry_after == timedelta(seconds=1)


@pytest.mark.parametrize("user", [None, a_user()])
async def test_ac12_an_account_that_refused_a_guess_refuses_the_next_for_a_second_without_asking(
    processes: Processes, user: User | None
) -> None:
    throttle = processes.another()
    await exhaust(throttle, user)
    looked = processes.shared.looked

    processes.clock.advance(timedelta(seconds=0.9))
    with pytest.raises(TooManyFailures) as refused:
        await throttle.turn_away_from(identifier="JohnDoe", origin=NOWHERE)
    await throttle.turn_away_from(identifier="somebody else", origin=NOWHERE)
    processes.clock.advance(timedelta(seconds=0.1))
    await throttle.turn_away_from(identifier="johndoe", origin=NOWHERE)

    assert refused.value.retry_after == timedelta(seconds=29.1)
    assert processes.shared.looked == looked


async def test_ac12_an_account_that_takes_no_more_guesses_refuses_likewise(processes: Processes) -> None:
    throttle = processes.another()
    await guess_a_hundred_times(throttle, processes.clock)
    with pytest.raises(LogInClosed):
        await throttle.reserve(None, identifier="johndoe", origin=NOWHERE)

    with pytest.raises(LogInClosed):
        await throttle.turn_away_from(identifier="johndoe", origin=NOWHERE)


async def test_an_account_whose_places_are_only_taken_is_looked_at_by_everybody(processes: Processes) -> None:
    throttle = processes.another()
    for _ in range(FREE):
        await throttle.reserve(None, identifier="johndoe", origin=NOWHERE)
    with pytest.raises(TooManyFailures):
        await throttle.reserve(None, identifier="johndoe", origin=NOWHERE)

    await throttle.turn_away_from(identifier="johndoe", origin=NOWHERE)


async def test_who_is_turned_away_from_an_account_is_counted_by_address_and_noted_as_ever(processes: Processes) -> None:
    throttle, user, here = processes.another(log_in=Limit(10, MINUTE)), a_user(), at("203.0.113.7")
    await exhaust(throttle, user)

    refused: list[type[Exception]] = []
    for _ in range(11):
        try:
            await throttle.turn_away_from(identifier="johndoe", origin=here)
        except (TooManyFailures, TooManyRequests) as refusal:
            refused.append(type(refusal))

    assert refused == [TooManyFailures] * 10 + [TooManyRequests]
    noted = [act for act in processes.trips.due(most=10, last=True) if act.origin == here]
    assert [(act.target, act.user_id, act.times) for act in noted] == [("account", user.id, 10), ("log_in", user.id, 1)]


async def test_a_device_of_the_account_is_never_turned_away_and_its_log_in_opens_the_account_at_once(
    processes: Processes,
) -> None:
    throttle, user, here = processes.another(), a_user(), at("203.0.113.7")
    device = await throttle.succeed(await throttle.reserve(user, identifier="johndoe", origin=here))
    known = replace(here, device_token=throttle.device_token(user, device))
    await exhaust(throttle, user)

    await throttle.turn_away_from(identifier="johndoe", origin=known)
    await throttle.succeed(await throttle.reserve(user, identifier="johndoe", origin=known))

    await throttle.turn_away_from(identifier="johndoe", origin=here)
    assert not (await throttle.reserve(user, identifier="johndoe", origin=here)).forgiven


async def test_an_account_that_is_opened_again_is_so_at_once(processes: Processes) -> None:
    throttle, user = processes.another(), a_user()
    await exhaust(throttle, user)

    await throttle.reopen(user.id)

    await throttle.turn_away_from(identifier="johndoe", origin=NOWHERE)


async def test_of_refused_accounts_no_more_are_known_than_there_is_room_for() -> None:
    clock, refused = FakeClock(), RefusedAccounts()
    for number in range(10_001):
        refused.add(f"name{number}", f"account{number}", LogInClosed(), user_id=None, now=clock.now())

    assert refused.find("name0", clock.now()) is None
    assert refused.find("name1", clock.now())
    assert refused.find("name10000", clock.now())


@pytest.mark.parametrize("spelling", ["JohnDoe", " johndoe ", "JOHNDOE"])
async def test_en06_a_name_that_nobody_has_is_one_name_however_it_is_written(processes: Processes, spelling: str) -> None:
    throttle = processes.another()
    for _ in range(FREE):
        await guess(throttle, "johndoe")

    assert not await guess(throttle, spelling)
    assert await guess(throttle, "somebody else")


async def test_ac10_ten_addresses_do_not_close_the_house(processes: Processes) -> None:
    throttle = processes.another(log_in=Limit(20, MINUTE), log_ins_of_all=Limit(100, MINUTE, Per.PROCESS))
    attackers = [at(f"198.51.100.{number}") for number in range(10)]
    for number in range(400):
        await guess(throttle, f"name{number}", attackers[number % 10])

    honest = [await guess(throttle, f"honest{number}", at(f"203.0.113.{number}")) for number in range(100)]
    attacks = [await guess(throttle, f"other{number}", attackers[number % 10]) for number in range(100)]

    assert all(honest)
    assert not any(attacks)
    assert processes.events.all == [LogInsTightened()]


async def test_devices_of_an_account_log_in_ten_times_as_often_as_an_address_and_then_are_like_any_other(
    processes: Processes,
) -> None:
    throttle, user, here = processes.another(log_in=Limit(2, MINUTE)), a_user(), at("203.0.113.7")
    device = await throttle.succeed(await throttle.reserve(user, identifier="johndoe", origin=here))
    token = throttle.device_token(user, device)
    known = replace(here, device_token=token)
    for _ in range(9):
        await throttle.fail(await throttle.reserve(user, identifier="johndoe", origin=known))  # who guesses takes nothing of it

    through, devices = [], []
    for _ in range(21):
        place = await throttle.reserve(user, identifier="johndoe", origin=known)
        through.append(place.forgiven is not None)
        devices.append(await throttle.succeed(place))

    assert through == [True] * 20 + [False]
    assert devices == [device] * 21  # it is no new one, which would leave others behind
    with pytest.raises(TooManyRequests):  # by its address
        await throttle.reserve(user, identifier="johndoe", origin=known)
    processes.clock.advance(MINUTE)
    assert (await throttle.reserve(user, identifier="johndoe", origin=known)).forgiven


async def test_while_very_many_try_an_address_is_let_through_for_a_tenth_and_one_address_alone_tightens_nothing(
    processes: Processes,
) -> None:
    throttle = processes.another(log_in=Limit(20, MINUTE), log_ins_of_all=Limit(30, MINUTE, Per.PROCESS))
    alone = [await guess(throttle, f"a{number}", at("198.51.100.1")) for number in range(100)]
    before = list(processes.events.all)
    for number in range(40):
        await guess(throttle, f"b{number}", at(f"198.51.100.{number}"))

    tight = [await guess(throttle, f"c{number}", at("203.0.113.1")) for number in range(10)]
    processes.clock.advance(2 * MINUTE)
    later = [await guess(throttle, f"d{number}", at("203.0.113.2")) for number in range(30)]

    assert (sum(alone), before, sum(tight), sum(later)) == (20, [], 2, 20)


async def test_ac07_after_a_hundred_failures_in_a_row_no_more_are_taken(processes: Processes) -> None:
    throttle = processes.another()
    await guess_a_hundred_times(throttle, processes.clock)

    with pytest.raises(LogInClosed):
        await throttle.reserve(None, identifier="johndoe", origin=NOWHERE)


async def test_no_address_and_no_name_that_was_typed_is_kept_as_it_was(processes: Processes) -> None:
    state = MemoryThrottleState(processes.clock)
    throttle = SharedThrottle(
        shared=state,
        own=MemoryThrottleState(processes.clock),
        secret=SecretKey.parse(SECRET),
        limits=Limits(),
        clock=processes.clock,
        events=processes.events,
        trips=GatheredTrips(processes.clock),
    )

    await guess(throttle, "hunter2 my password", at("203.0.113.7"))

    assert not any(part in str(vars(state)) for part in ("hunter2", "203.0.113"))
