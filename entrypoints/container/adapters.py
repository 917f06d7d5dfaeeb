"""Port by port, the adapter that stands behind it."""

from urllib.parse import urlsplit

from dependency_injector import containers, providers

from adapters.clock import SystemClock
from adapters.devices import UserAgentDevices
from adapters.events import LoggedEvents
from adapters.ids import Uuid7Ids
from adapters.memory.store import MemoryStore
from adapters.memory.throttle import MemoryThrottleState
from adapters.security.argon2 import Argon2PasswordHasher
from adapters.security.audit_macs import KeyedAuditMacs
from adapters.security.breach_file import BreachFile, UnusableBreachFile
from adapters.security.breach_service import BreachService
from adapters.security.breaches import NoBreaches, PatientBreaches
from adapters.security.client_secrets import RandomClientSecrets
from adapters.security.common_passwords import read_common_passwords
from adapters.security.cursors import MacCursors
from adapters.security.feed_cursors import SealedFeedCursors
from adapters.security.hashing_pool import HashingPool
from adapters.security.hashing_times import Argon2Times
from adapters.security.jwt import JwtAccessTokens
from adapters.security.key_ring import KeyRing
from adapters.security.origins import KeyedOrigins
from adapters.security.refresh_tokens import MacRefreshTokens
from adapters.security.secret_key import SecretKey, UnusableSecret
from adapters.security.throttle import SharedThrottle
from adapters.security.unthrottled import Unthrottled
from adapters.sightings import GatheredSightings
from adapters.sql.database_url import UnusableDatabaseUrl
from adapters.sql.engines import open_engine
from adapters.sql.store import SqlStore
from adapters.trips import GatheredTrips
from application.ports.audit_macs import AuditMacs
from application.ports.breaches import Breaches
from application.ports.clients import ClientSecrets
from application.ports.clock import Clock
from application.ports.cursors import Cursors, FeedCursors
from application.ports.devices import Devices
from application.ports.events import Events
from application.ports.ids import Ids
from application.ports.origins import Origins
from application.ports.passwords import HashingTimes, PasswordHasher
from application.ports.sightings import Sightings
from application.ports.throttle import Throttle
from application.ports.tokens import AccessTokens, RefreshTokens, SigningKeys
from application.ports.trips import Trips
from application.ports.unit_of_work import Store
from domain.hashing_cost import HashingCost
from domain.password import PasswordPolicy
from domain.session import Lifetimes
from domain.signing_key import KeyPolicy
from domain.throttle import Limits
from entrypoints.secret_file import read_secret_file
from entrypoints.settings import NEW_SECRET, Settings, UnsafeSettings


def _open_store(settings: Settings, clock: Clock, lifetimes: Lifetimes) -> Store:
    url = settings.database_url.get_secret_value()
    if url == "memory://":
        return MemoryStore(clock, lifetimes)
    try:
        return SqlStore(open_engine(url, pool_size=settings.database_pool_size), clock, lifetimes)
    except UnusableDatabaseUrl as error:
        raise UnsafeSettings(f"PORTUNUS_DATABASE_URL cannot be used. {error}") from None


def _read_secret(settings: Settings) -> SecretKey:
    path = settings.secret_key_file
    text = read_secret_file(path) if path else settings.secret_key.get_secret_value()
    try:
        return SecretKey.parse(text)
    except UnusableSecret as error:
        raise UnsafeSettings(f"PORTUNUS_SECRET_KEY cannot be used. {error} Make one with: {NEW_SECRET}") from None


def _lifetimes(settings: Settings) -> Lifetimes:
    return Lifetimes(
        access=settings.access_token_lifetime,
        idle=settings.session_idle_lifetime,
        absolute=settings.session_absolute_lifetime,
        grace=settings.refresh_grace,
        most_sessions=settings.sessions_per_user,
        kept=settings.retention,
    )


def _policy(settings: Settings) -> PasswordPolicy:
    host = urlsplit(settings.issuer).hostname or ""
    return PasswordPolicy(
        minimum=settings.password_min_length,
        common=read_common_passwords(),
        context=frozenset({"portunus", *host.split(".")}),
    )


def _breaches(settings: Settings, events: Events) -> Breaches:
    if settings.breached_passwords_file:
        try:
            return PatientBreaches(BreachFile(settings.breached_passwords_file), events)
        except UnusableBreachFile as error:
            raise UnsafeSettings(f"PORTUNUS_BREACHED_PASSWORDS_FILE cannot be used. {error}") from None
    if settings.breached_passwords_url:
        return PatientBreaches(BreachService(settings.breached_passwords_url), events)
    return NoBreaches()


def _key_policy(settings: Settings) -> KeyPolicy:
    return KeyPolicy(
        max_age=settings.key_set_max_age,
        reload=settings.key_reload,
        signs_for=settings.key_rotation,
        access=settings.access_token_lifetime,
    )


def _hashing_cost(settings: Settings) -> HashingCost:
    return HashingCost(memory=settings.argon2_memory, time=settings.argon2_time, parallelism=settings.argon2_parallelism)


def _hasher(cost: HashingCost, events: Events) -> PasswordHasher:
    return Argon2PasswordHasher(HashingPool(), cost, events)


def _limits(settings: Settings) -> Limits:
    return Limits(
        sign_up=settings.limit_sign_up,
        log_in=settings.limit_log_in,
        log_ins_of_all=settings.limit_log_ins_of_all,
        refresh_failures=settings.limit_refresh_failures,
        introspection=settings.limit_introspection,
        feed=settings.limit_feed,
    )


def _throttle(
    *, settings: Settings, store: Store, secret: SecretKey, limits: Limits, clock: Clock, events: Events, trips: Trips
) -> Throttle:
    if settings.throttle == "off":
        return Unthrottled()
    own = MemoryThrottleState(clock)
    return SharedThrottle(shared=store.throttle, own=own, secret=secret, limits=limits, clock=clock, events=events, trips=trips)


def _signing_keys(key_ring: KeyRing) -> SigningKeys:
    return key_ring


def _access_tokens(settings: Settings, key_ring: KeyRing, clock: Clock) -> AccessTokens:
    return JwtAccessTokens(key_ring, clock, issuer=settings.issuer, audience=settings.audience)


class Adapters(containers.DeclarativeContainer):
    """Each provider is annotated with its port, so that the type checker holds the adapter to it. All are singletons."""

    settings: providers.Provider[Settings] = providers.Dependency(instance_of=Settings)

    clock: providers.Provider[Clock] = providers.Singleton(SystemClock)
    ids: providers.Provider[Ids] = providers.Singleton(Uuid7Ids)
    events: providers.Provider[Events] = providers.Singleton(LoggedEvents)
    lifetimes: providers.Provider[Lifetimes] = providers.Singleton(_lifetimes, settings)
    key_policy: providers.Provider[KeyPolicy] = providers.Singleton(_key_policy, settings)
    policy: providers.Provider[PasswordPolicy] = providers.Singleton(_policy, settings)
    store: providers.Provider[Store] = providers.Singleton(_open_store, settings, clock, lifetimes)
    hashing_cost: providers.Provider[HashingCost] = providers.Singleton(_hashing_cost, settings)
    hashing_times: providers.Provider[HashingTimes] = providers.Singleton(Argon2Times)
    hasher: providers.Provider[PasswordHasher] = providers.Singleton(_hasher, hashing_cost, events)
    breaches: providers.Provider[Breaches] = providers.Singleton(_breaches, settings, events)
    secret: providers.Provider[SecretKey] = providers.Singleton(_read_secret, settings)
    key_ring: providers.Provider[KeyRing] = providers.Singleton(
        KeyRing, store, secret, events, clock, algorithm=settings.provided.signing_algorithm
    )
    limits: providers.Provider[Limits] = providers.Singleton(_limits, settings)
    trips: providers.Provider[Trips] = providers.Singleton(GatheredTrips, clock)
    throttle: providers.Provider[Throttle] = providers.Singleton(
        _throttle, settings=settings, store=store, secret=secret, limits=limits, clock=clock, events=events, trips=trips
    )
    signing_keys: providers.Provider[SigningKeys] = providers.Singleton(_signing_keys, key_ring)
    access_tokens: providers.Provider[AccessTokens] = providers.Singleton(_access_tokens, settings, key_ring, clock)
    devices: providers.Provider[Devices] = providers.Singleton(UserAgentDevices)
    sightings: providers.Provider[Sightings] = providers.Singleton(GatheredSightings)
    cursors: providers.Provider[Cursors] = providers.Singleton(MacCursors, secret)
    feed_cursors: providers.Provider[FeedCursors] = providers.Singleton(SealedFeedCursors, secret)
    origins: providers.Provider[Origins] = providers.Singleton(KeyedOrigins, secret)
    client_secrets: providers.Provider[ClientSecrets] = providers.Singleton(RandomClientSecrets)
    audit_macs: providers.Provider[AuditMacs] = providers.Singleton(KeyedAuditMacs, secret)
    refresh_tokens: providers.Provider[RefreshTokens] = providers.Singleton(MacRefreshTokens, secret)
