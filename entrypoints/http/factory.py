"""Each server process starts here."""

import asyncio
import gc
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from functools import partial
from typing import Any

import structlog
from fastapi import FastAPI

from application.audit.enter_trips import EnterTrips
from application.audit.gather_failures import GatherFailures
from application.audit.seal_record import SealRecord
from application.keys.follow_key_ring import FollowKeyRing
from application.keys.prepare_signing_key import PrepareSigningKey
from application.keys.retire_signing_keys import RetireSigningKeys
from application.keys.rotate_due_signing_key import RotateDueSigningKey
from application.sessions.store_sightings import StoreSightings
from application.upkeep.purge_expired import PurgeExpired
from domain.errors import Unavailable
from domain.session import SEEN_EVERY
from entrypoints.container.root import Portunus, build, store_of, use_cases_of
from entrypoints.http.app import create_app
from entrypoints.logs import configure_logs
from entrypoints.schedule import Job, finish, purge_by, repeat, seal_by, unless_elsewhere
from entrypoints.settings import Settings

_SECONDS_BETWEEN_TRIES = 0.5
_BETWEEN_SEALS = timedelta(seconds=1)
_TO_FINISH = timedelta(seconds=3)  # supervisors kill after ten
_BEFORE_THE_FIRST_PURGE = timedelta(minutes=1)  # else who restarts often would never come to it
_NEW_OBJECTS_WITHOUT_A_LOOK = 20_000  # a few MiB
_KEEPING_KEYS = (RotateDueSigningKey, RetireSigningKeys, FollowKeyRing)


def make_app(settings: Settings | None = None) -> FastAPI:
    """Wire everything and serve, whether the database is there or not. Raises `UnsafeSettings`."""
    settings = settings or Settings.read()
    configure_logs(settings.log_level)
    return app_on(build(settings), settings)


def app_on(container: Portunus, settings: Settings) -> FastAPI:
    """For whoever wires another adapter behind some port."""
    use_cases = use_cases_of(container)
    prepare: PrepareSigningKey = use_cases[PrepareSigningKey]
    enter_trips: EnterTrips = use_cases[EnterTrips]

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        preparing = asyncio.create_task(_until_ready(prepare))
        await asyncio.wait({preparing}, timeout=_SECONDS_BETWEEN_TRIES)
        tasks = [preparing, *(asyncio.create_task(repeat(job)) for job in jobs_of(use_cases, settings))]
        _look_for_garbage_less()
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task
            await finish(partial(enter_trips, last=True), name=EnterTrips.__name__, within=_TO_FINISH)
            await store_of(container).close()

    return create_app(
        use_cases,
        cors_origins=settings.cors_origins,
        trusted_proxies=settings.trusted_proxies,
        https=settings.issuer.startswith("https://"),
        refresh_token_in_query=settings.refresh_token_in_query,
        docs=settings.docs,
        max_requests=settings.max_requests,
        request_timeout=settings.request_timeout,
        lifespan=lifespan,
    )


def jobs_of(use_cases: Mapping[type, Any], settings: Settings) -> Iterator[Job]:
    yield Job(acts=tuple(use_cases[act] for act in _KEEPING_KEYS), every=settings.key_reload)
    yield Job(acts=(use_cases[StoreSightings],), every=SEEN_EVERY)
    record = (use_cases[EnterTrips], unless_elsewhere(use_cases[GatherFailures]), seal_by(use_cases[SealRecord]))
    yield Job(acts=record, every=_BETWEEN_SEALS)
    if settings.purge_every:
        purge = purge_by(use_cases[PurgeExpired])
        yield Job(acts=(purge,), every=settings.purge_every, first_after=_BEFORE_THE_FIRST_PURGE)


def _look_for_garbage_less() -> None:
    """Not again among what is there from the start, which is most; and among the rest not after every second request.

    Requests that wait for storage survive such a look, and are then taken for what stays, which makes the next ones longer.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_NEW_OBJECTS_WITHOUT_A_LOOK)


async def _until_ready(prepare: PrepareSigningKey) -> None:
    log = structlog.get_logger("portunus.start")
    said = ""
    while True:
        try:
            await prepare()
        except Unavailable as reason:
            if reason.code != said:
                log.warning("not_ready", code=reason.code, detail=reason.detail)
            said = reason.code
        else:
            log.info("ready")
            return
        await asyncio.sleep(_SECONDS_BETWEEN_TRIES)
