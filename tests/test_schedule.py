"""What server processes do by themselves."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest
from dependency_injector import providers
from pydantic import SecretStr, ValidationError

from application.audit.enter_trips import MOST_AT_ONCE, EnterTrips
from application.audit.seal_record import SealRecord
from application.keys.follow_key_ring import FollowKeyRing
from application.ports.audit import Wanted
from application.ports.unit_of_work import Store, StoreUnavailable
from application.sessions.store_sightings import StoreSightings
from application.upkeep.purge_expired import PurgeExpired
from domain.audit import Act, Action, Agent
from domain.audit_failures import Failure
from domain.origin import NOWHERE
from domain.session import EndReason
from entrypoints.container.root import Portunus, build, store_of, use_cases_of
from entrypoints.http.factory import app_on, jobs_of
from entrypoints.schedule import Job, finish, purge_by, repeat, seal_by
from entrypoints.settings import Settings
from tests.databases import Databases
from tests.examples import SECRET, a_stored_session, a_stored_user
from tests.leaks import Run

OFTEN = timedelta(milliseconds=1)


def _settings(url: str, **more: Any) -> Settings:
    return Settings(env="development", database_url=SecretStr(url), secret_key=SecretStr(SECRET), **more).with_defaults()


async def _until(*acts: Callable[[], Awaitable[Any]], done: asyncio.Event) -> None:
    repeating = asyncio.create_task(repeat(Job(acts=acts, every=OFTEN)))
    await asyncio.wait_for(done.wait(), timeout=30)
    repeating.cancel()
    with pytest.raises(asyncio.CancelledError):
        await repeating


@pytest.mark.parametrize(
    ("away", "says"), [(StoreUnavailable(), "given_up"), (None, "given_up"), (RuntimeError("a bug"), "failed")]
)
async def test_nothing_holds_up_a_process_that_stops(away: Exception | None, says: str, run: Run) -> None:
    async def act() -> None:
        if away:
            raise away
        await asyncio.sleep(3600)

    before = run.log.stat().st_size
    await finish(act, name="Act", within=OFTEN)

    assert [line["act"] for line in _told(run, before, says)] == ["Act"]


async def test_a_server_that_stops_enters_what_it_refused_in_the_minute_that_is_not_over(databases: Databases) -> None:
    url = await databases.make()
    settings = _settings(url)
    container = build(settings)
    app, trips = app_on(container, settings), container.adapters.trips()

    async with app.router.lifespan_context(app):
        for number in range(MOST_AT_ONCE + 1):
            trips.note(f"limit-{number}", user_id=None, origin=NOWHERE)
        trips.note("log_in", user_id=None, origin=NOWHERE)
        await use_cases_of(container)[EnterTrips]()
        for number in range(7):
            trips.note("log_in" if number else "account", user_id=None, origin=NOWHERE)

    told = await databases.fetch(
        url, "SELECT target, sum(times) AS times FROM audit_entries WHERE action = 'throttle' GROUP BY target"
    )
    assert len(told) == MOST_AT_ONCE + 3
    assert {row["target"]: row["times"] for row in told if row["times"] > 1 or row["target"] == "account"} == {
        "log_in": 7,
        "account": 1,
    }


@pytest.mark.parametrize("reason", [StoreUnavailable(), RuntimeError("a bug")])
async def test_an_act_that_fails_is_tried_again_and_the_next_one_is_done_all_the_same(reason: Exception, run: Run) -> None:
    tries, others, done = 0, 0, asyncio.Event()

    async def fail_twice() -> None:
        nonlocal tries
        tries += 1
        if tries <= 2:
            raise reason
        done.set()

    async def do_another() -> None:
        nonlocal others
        others += 1

    before = run.log.stat().st_size
    await _until(fail_twice, do_another, done=done)

    told = [line for line in _lines(run, before) if line.get("act") == "fail_twice"]
    assert others >= 2
    assert [line["event"] for line in told] == [{"StoreUnavailable": "postponed"}.get(type(reason).__name__, "failed")] * 2


async def test_a_purge_of_storage_that_is_away_is_postponed(run: Run) -> None:
    container = build(_settings("postgresql://portunus@127.0.0.1:1/nowhere"))
    purge, tried = purge_by(use_cases_of(container)[PurgeExpired]), asyncio.Event()

    async def see() -> None:
        tried.set()

    before = run.log.stat().st_size
    await _until(purge, see, done=tried)
    await store_of(container).close()

    assert {"act": "purge", "code": "storage_unavailable"}.items() <= _told(run, before, "postponed")[0].items()


async def _sessions_that_are_over(store: Store, number: int) -> None:
    user = await a_stored_user(store)
    opened = [(await a_stored_session(store, user))[0].id for _ in range(number)]
    for each in opened[::2]:
        await store.live.end_session(each, reason=EndReason.LOGOUT)


async def test_a_server_purges_by_itself_and_says_so(databases: Databases, run: Run) -> None:
    url = await databases.make()
    settings = _settings(url, purge_every=timedelta(seconds=1))
    container = build(settings)
    await _sessions_that_are_over(store_of(container), 4)
    await databases.age(url, timedelta(days=61))
    before, told = run.log.stat().st_size, list[dict[str, Any]]()
    app = app_on(container, settings)

    async with app.router.lifespan_context(app):
        for _ in range(600):
            if told := _told(run, before, "purged"):
                break
            await asyncio.sleep(0.05)

    assert {"sessions": 4, "signing_keys": 0}.items() <= told[0].items()
    assert await databases.fetch(url, "SELECT FROM sessions") == []


async def test_a_server_that_is_told_not_to_purge_does_not(databases: Databases) -> None:
    url = await databases.make()
    settings = _settings(url, purge_every=timedelta(0))
    container = build(settings)
    await _sessions_that_are_over(store_of(container), 1)
    await databases.age(url, timedelta(days=61))
    app = app_on(container, settings)

    async with app.router.lifespan_context(app):
        await asyncio.sleep(1.5)

    assert len(await databases.fetch(url, "SELECT FROM sessions")) == 1


async def test_a_server_stores_sightings_every_minute_and_follows_its_keys() -> None:
    settings = _settings("memory://", key_reload=timedelta(seconds=7))
    use = use_cases_of(build(settings))

    jobs = {act: job.every for job in jobs_of(use, settings) for act in job.acts}

    assert jobs[use[StoreSightings]] == timedelta(minutes=1)
    assert jobs[use[FollowKeyRing]] == timedelta(seconds=7)


def test_a_purge_all_the_time_is_no_setting() -> None:
    with pytest.raises(ValidationError, match="it is 0, or 1 second at least"):
        _settings("memory://", purge_every=timedelta(milliseconds=1))


class Watched:
    """A store that counts how many works of all processes are at the act that they have claimed."""

    inside = most = 0

    def __init__(self, store: Store) -> None:
        self.live, self.throttle, self.require_ready, self.close = store.live, store.throttle, store.require_ready, store.close
        self._store = store
        self.batches = 0

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[Any]:
        async with self._store.begin() as work:
            watched = _WatchedWork(work, self)
            try:
                yield watched
            finally:
                watched.leave()


class _WatchedWork:
    def __init__(self, work: Any, watched: Watched) -> None:
        self._work, self._watched, self._inside = work, watched, False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._work, name)

    async def claim(self, act: str) -> None:
        await self._work.claim(act)
        self._inside = True
        self._watched.batches += 1
        Watched.inside += 1
        Watched.most = max(Watched.most, Watched.inside)
        await asyncio.sleep(0.01)  # which gives the other process time to come in, if anything lets it

    async def commit(self) -> None:
        self.leave()  # before it lets go of the claim
        await self._work.commit()

    def leave(self) -> None:
        Watched.inside -= self._inside
        self._inside = False


async def test_of_two_processes_that_purge_one_is_at_it_at_a_time(databases: Databases) -> None:
    url = await databases.make()
    containers: list[Portunus] = [build(_settings(url)) for _ in range(2)]
    await _sessions_that_are_over(store_of(containers[0]), 20)
    await databases.age(url, timedelta(days=61))
    stores = [Watched(store_of(container)) for container in containers]
    runs = []
    for container, store in zip(containers, stores, strict=True):
        container.adapters.store.override(providers.Object(store))
        runs.append(purge_by(use_cases_of(container)[PurgeExpired]))
    turns, done = 0, asyncio.Event()

    async def left() -> list[dict[str, Any]]:
        return await databases.fetch(url, "SELECT FROM sessions")

    async def count() -> None:
        nonlocal turns
        turns += 1
        if turns >= 20 and all(store.batches for store in stores) and not await left():
            done.set()

    await asyncio.gather(*(_until(run, count, done=done) for run in runs))
    for store in stores:
        await store.close()

    assert Watched.most == 1
    assert await left() == []


def _lines(run: Run, since: int) -> list[dict[str, Any]]:
    with run.log.open(encoding="utf-8") as log:
        log.seek(since)
        return [json.loads(line) for line in log]


def _told(run: Run, since: int, event: str) -> list[dict[str, Any]]:
    return [line for line in _lines(run, since) if line["event"] == event]


async def test_a_server_enters_refusals_gathers_failures_and_seals_the_record_every_second() -> None:
    settings = _settings("memory://")
    container = build(settings)
    use, store = use_cases_of(container), store_of(container)
    await store.live.note_failure(Failure(action=Action.LOGIN, origin=NOWHERE))
    container.adapters.trips().note("log_in", user_id=None, origin=NOWHERE)
    [job] = [job for job in jobs_of(use, settings) if job.every == timedelta(seconds=1)]

    for act in job.acts:
        await act()

    async with store.begin() as work:
        assert [one.entry.action for one in await work.audit.find(Wanted(), limit=9)] == [Action.LOGIN, Action.THROTTLE]
        assert [seal.count for seal in await work.audit.seals_after(0, limit=9)] == [2]


async def test_the_log_has_where_the_record_ends_once_an_hour(run: Run) -> None:
    container = build(_settings("memory://"))
    use, store = use_cases_of(container), store_of(container)
    often, seldom = seal_by(use[SealRecord], told_every=timedelta(0)), seal_by(use[SealRecord])
    before, heads = run.log.stat().st_size, []

    for seal in (often, often, seldom, often, seldom):
        await seal()  # nothing new: nothing is told
        async with store.begin() as work:
            await work.audit.add(Act(action=Action.LOGIN, by=Agent.USER))
            await work.commit()
        await seal()
        async with store.begin() as work:
            newest = (await work.audit.seals_after(0, limit=9))[-1]
        heads.append(f"{newest.ordinal}:{newest.link.hex()}")

    assert [line["head"] for line in _told(run, before, "audit_head")] == heads[:4]
