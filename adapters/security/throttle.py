"""Slowing down by a state that processes share, and by what each has seen itself."""

import asyncio
import hashlib
import hmac
import secrets
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache, partial
from typing import TypeVar, final

from adapters.security.device_tokens import DEVICE_ID_BYTES, MacDeviceTokens
from adapters.security.refused_accounts import REFUSED_FOR, RefusedAccounts
from adapters.security.secret_key import SecretKey
from application.ports.clock import Clock
from application.ports.events import Events
from application.ports.throttle import KnownDevice, Place
from application.ports.throttle_state import DEVICE, UNKNOWN, Among, Hit, Reservation, ThrottleState
from application.ports.trips import Trips
from domain.attempts import OF_A_DEVICE, OF_AN_ACCOUNT, Admission, LogInClosed, Rule, TooManyFailures
from domain.client_address import WIDER_FACTOR, Address, networks_of
from domain.errors import Unavailable
from domain.events import LogInsTightened, ThrottleStateAway
from domain.origin import Origin
from domain.throttle import Action, Limit, Limits, Throttled, TooManyRequests, Verdict
from domain.user import User, UserId
from domain.username import InvalidUsername, Username

T = TypeVar("T")

_SECONDS_FOR_AN_ANSWER = 1  # of the shared state: a log-in does not wait for its throttle for long
_SECONDS_ALONE = 5
_SECONDS_BETWEEN_LOOKS = 0.05
_MOST_KNOWN = 10_000
_MOST_REMEMBERED = 4096
_OF_ALL = "log_ins_of_all"
_BYTES = 20


@dataclass(slots=True)
class _Waiting:
    """For a place at one account."""

    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    settled: asyncio.Event = field(default_factory=asyncio.Event)
    number: int = 0


@final
class SharedThrottle:
    """What is known to be beyond a limit is refused without asking the shared state; what `own` counts along decides alone
    while that is away.

    Addresses, and names that nobody has, are stored as keyed digests only.
    """

    def __init__(
        self,
        *,
        shared: ThrottleState,
        own: ThrottleState,
        secret: SecretKey,
        limits: Limits,
        clock: Clock,
        events: Events,
        trips: Trips,
        patience: timedelta = timedelta(seconds=2),
    ) -> None:
        self._shared = shared
        self._own = own
        self._device_tokens = MacDeviceTokens(secret)
        self._key = secret.derive("throttle")[0].key
        self._limits = limits
        self._clock = clock
        self._events = events
        self._trips = trips
        self._patience = patience.total_seconds()
        self._keys_of = lru_cache(_MOST_REMEMBERED)(self._keys_of_networks)  # a log-in asks more than once
        self._full_until: OrderedDict[str, datetime] = OrderedDict()
        self._refused = RefusedAccounts()
        self._tight_until = clock.now()
        self._waiting: dict[str, _Waiting] = {}
        self._alone_until = 0.0
        self._decided_alone = 0

    async def admit(self, action: Action, origin: Origin) -> None:
        with self._noting(None, origin):
            await self._admit(action, origin)

    async def _admit(self, action: Action, origin: Origin) -> None:
        hits = self._hits(action, self._limits.of(action), origin)
        self._require_not_full(action, hits)
        if action is Action.FEED:
            self._require_allowed(action, hits, await self._own.hit(hits))
        elif hits:
            await self._hit(action, hits)

    def turn_away(self, action: Action, origin: Origin) -> None:
        with self._noting(None, origin):
            self._require_not_full(action, self._hits(action, self._limit_now(action), origin))

    async def turn_away_from(self, *, identifier: str, origin: Origin) -> None:
        now = self._clock.now()
        account = self._refused.find(self._name(identifier), now)
        if account is None or self.is_of_a_device(origin):
            return
        with self._noting(account.user_id, origin):
            await self._hits_of_a_log_in(origin)
            raise account.refusal(now)

    async def reserve(self, user: User | None, *, identifier: str, origin: Origin) -> Place:
        with self._noting(user.id if user else None, origin):
            return await self._place(user, identifier, origin)

    async def _place(self, user: User | None, identifier: str, origin: Origin) -> Place:
        account = self._account(user.id if user else None, identifier)
        device = self._device(user, origin)
        must_rest = device is not None and self._must_rest(account)
        if device and not must_rest:
            found, is_shared = await self._wait_for_a_place(
                DEVICE + device.id.hex(), (), OF_A_DEVICE, Among(account, device.number)
            )
            if found.admission is Admission.RESERVED:
                return Place(DEVICE + device.id.hex(), is_shared, forgiven=account, device=device)
        hits = await self._hits_of_a_log_in(origin)
        found, is_shared = await self._wait_for_a_place(account, hits, OF_AN_ACCOUNT)
        if found.admission is Admission.RESERVED:
            return Place(account, is_shared, device=device if must_rest else None)
        refused = LogInClosed() if found.admission is Admission.CLOSED else TooManyFailures(max(found.retry_after, REFUSED_FOR))
        if found.admission is not Admission.FULL:  # which may be over at any moment
            user_id = user.id if user else None
            self._refused.add(self._name(identifier), account, refused, user_id=user_id, now=self._clock.now())
        raise refused

    def device_token(self, user: User, device: KnownDevice | None) -> str:
        return self._device_tokens.seal(user, device=device, at=self._clock.now()) if device else ""

    def is_of_a_device(self, origin: Origin) -> bool:
        return self._device_tokens.is_authentic(origin.device_token)

    def is_spared(self, user: User | None, origin: Origin) -> bool:
        return user is not None and self._device(user, origin) is not None and not self._must_rest(self._account(user.id, ""))

    def _must_rest(self, account: str) -> bool:
        """Its devices have logged in so often that they are counted like anybody for a while."""
        return self._full_for(self._devices_of(account)) > timedelta()

    def _device(self, user: User | None, origin: Origin) -> KnownDevice | None:
        return self._device_tokens.open(origin.device_token, user=user, at=self._clock.now()) if user else None

    async def _wait_for_a_place(
        self, account: str, hits: Sequence[Hit], rule: Rule, among: Among | None = None
    ) -> tuple[Reservation, bool]:
        found, is_shared = await self._reserve(account, hits, rule, among)
        if found.admission is not Admission.FULL:
            return found, is_shared
        now = asyncio.get_running_loop().time
        deadline = now() + self._patience
        async with self._looking(account, until=deadline) as settled:
            while now() < deadline:
                settled.clear()
                found, is_shared = await self._reserve(account, (), rule, among)
                if found.admission is not Admission.FULL:
                    break
                await _within(_SECONDS_BETWEEN_LOOKS, settled.wait())
        return found, is_shared

    @asynccontextmanager
    async def _looking(self, account: str, *, until: float) -> AsyncIterator[asyncio.Event]:
        """One at a time looks for a place at an account: when one is settled, and now and then, since others may have."""
        waiting = self._waiting.setdefault(account, _Waiting())
        waiting.number += 1
        has_turn = False
        try:
            has_turn = await _within(until - asyncio.get_running_loop().time(), waiting.turn.acquire())
            yield waiting.settled
        finally:
            if has_turn:
                waiting.turn.release()
            waiting.number -= 1
            if not waiting.number:
                self._waiting.pop(account, None)

    async def fail(self, place: Place) -> None:
        await self._own.fail(place.account)
        await self._settle(place, self._shared.fail)

    async def succeed(self, place: Place) -> KnownDevice | None:
        self._refused.forget(place.forgiven or place.account)
        await self._own.succeed(place.account, forgiving=place.forgiven)
        if not place.device:
            number = await self._settle(place, self._shared.succeed_anew)
            return KnownDevice(secrets.token_bytes(DEVICE_ID_BYTES), number) if number else None
        await self._settle(place, partial(self._shared.succeed, forgiving=place.forgiven))
        if place.forgiven:
            hits = [self._devices_of(place.forgiven)]
            mine = await self._own.hit(hits)
            self._learn(hits, await self._ask(lambda: self._shared.hit(hits)) or mine)
        return place.device

    async def give_back(self, place: Place) -> None:
        if not place.is_shared:
            await self._own.give_back(place.account)
        await self._settle(place, self._shared.give_back)

    async def reopen(self, user_id: UserId) -> None:
        account = self._account(user_id, "")
        self._refused.forget(account)
        await self._own.succeed(account)
        await self._shared.succeed(account)

    @contextmanager
    def _noting(self, user_id: UserId | None, origin: Origin) -> Iterator[None]:
        try:
            yield
        except Throttled as refused:
            self._trips.note(refused.policy, user_id=user_id, origin=origin)
            raise

    async def _hits_of_a_log_in(self, origin: Origin) -> Sequence[Hit]:
        """Those that an address is let through for count towards the rate of all: one address alone cannot tighten it."""
        now = self._clock.now()
        hits = self._hits(Action.LOG_IN, self._limit_now(Action.LOG_IN), origin)
        self._require_not_full(Action.LOG_IN, hits)
        self._require_allowed(Action.LOG_IN, hits, await self._own.hit(hits))
        [of_all] = await self._own.hit([Hit(_OF_ALL, self._limits.log_ins_of_all)])
        if not of_all.allowed:
            if now >= self._tight_until:
                self._events.record(LogInsTightened())
            self._tight_until = now + self._limits.log_ins_of_all.period
        return hits

    def _limit_now(self, action: Action) -> Limit:
        limit = self._limits.of(action)
        return limit.tightened if action is Action.LOG_IN and self._clock.now() < self._tight_until else limit

    async def _hit(self, action: Action, hits: Sequence[Hit]) -> None:
        mine = await self._own.hit(hits)
        self._require_allowed(action, hits, mine)
        self._require_allowed(action, hits, await self._ask(lambda: self._shared.hit(hits)) or mine)

    async def _reserve(self, account: str, hits: Sequence[Hit], rule: Rule, among: Among | None) -> tuple[Reservation, bool]:
        found = await self._ask(lambda: self._shared.reserve(account, hits=hits, rule=rule, among=among))
        if found is None:
            return await self._own.reserve(account, hits=(), rule=rule), False
        self._require_allowed(Action.LOG_IN, hits, found.verdicts)
        return found, True

    async def _settle(self, place: Place, settle: Callable[[str], Awaitable[T]]) -> T | None:
        """A place that the shared state is not told of is a failure there after a while."""
        answer = await self._ask(lambda: settle(place.account)) if place.is_shared else None
        if waiting := self._waiting.get(place.account):
            waiting.settled.set()
        return answer

    async def _ask(self, ask: Callable[[], Awaitable[T]]) -> T | None:
        """What the shared state says; `None` while it is away, and for a while after: nobody waits for it then."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        if began < self._alone_until:
            self._decided_alone += 1
            return None
        try:
            async with asyncio.timeout(_SECONDS_FOR_AN_ANSWER):
                return await ask()
        except (Unavailable, TimeoutError):
            if began >= self._alone_until:
                self._events.record(ThrottleStateAway(self._decided_alone))
                self._decided_alone = 0
            self._alone_until = loop.time() + _SECONDS_ALONE
            self._decided_alone += 1
            return None

    def _require_not_full(self, action: Action, hits: Sequence[Hit]) -> None:
        for hit in hits:
            if (full_for := self._full_for(hit)) > timedelta():
                raise TooManyRequests(action, hit.limit, full_for)

    def _full_for(self, hit: Hit) -> timedelta:
        now = self._clock.now()
        return self._full_until.get(hit.key, now) - now

    def _require_allowed(self, action: Action, hits: Sequence[Hit], verdicts: Sequence[Verdict]) -> None:
        self._learn(hits, verdicts)
        for hit, verdict in zip(hits, verdicts, strict=True):
            if not verdict.allowed:
                raise TooManyRequests(action, hit.limit, verdict.retry_after)

    def _learn(self, hits: Sequence[Hit], verdicts: Sequence[Verdict]) -> None:
        now = self._clock.now()
        for hit, verdict in zip(hits, verdicts, strict=True):
            if verdict.retry_after:
                self._full_until[hit.key] = now + verdict.retry_after
                self._full_until.move_to_end(hit.key)
        while len(self._full_until) > _MOST_KNOWN:
            self._full_until.popitem(last=False)

    def _hits(self, action: Action, limit: Limit, origin: Origin) -> Sequence[Hit]:
        if origin.address is None:
            return ()
        nearest, *wider = self._keys_of(action, origin.address)
        return (Hit(nearest, limit), *(Hit(key, limit.widened(WIDER_FACTOR)) for key in wider))

    def _keys_of_networks(self, action: Action, address: Address) -> Sequence[str]:
        return [self._digest(action, network) for network in networks_of(address)]

    def _devices_of(self, account: str) -> Hit:
        """Of those who know its password: two accounts could else have four of five hashes for themselves."""
        return Hit(self._digest("devices", account), self._limits.log_in.widened(WIDER_FACTOR))

    def _account(self, user_id: UserId | None, identifier: str) -> str:
        return str(user_id) if user_id else UNKNOWN + self._name(identifier)

    def _name(self, identifier: str) -> str:
        return self._digest("name", _folded(identifier))

    def _digest(self, kind: str, text: str) -> str:
        return hmac.digest(self._key, f"{kind}\n{text}".encode(errors="surrogatepass"), hashlib.sha256)[:_BYTES].hex()


async def _within(seconds: float, waited_for: Awaitable[bool]) -> bool:
    try:
        async with asyncio.timeout(seconds):
            return await waited_for
    except TimeoutError:
        return False


def _folded(identifier: str) -> str:
    """As an account would be found by it: else an unknown name had a place for each way of writing it."""
    try:
        return Username.parse(identifier).key
    except InvalidUsername:
        return identifier.strip().casefold()
