"""Use cases over the memory store and fakes: no framework, no database."""

from dataclasses import dataclass
from datetime import timedelta

import pytest

from adapters.devices import UserAgentDevices
from adapters.ids import Uuid7Ids
from adapters.memory.store import MemoryStore
from adapters.memory.throttle import MemoryThrottleState
from adapters.security.breaches import NoBreaches
from adapters.security.client_secrets import RandomClientSecrets
from adapters.security.cursors import MacCursors
from adapters.security.jwt import JwtAccessTokens
from adapters.security.key_ring import KeyRing
from adapters.security.origins import KeyedOrigins
from adapters.security.refresh_tokens import MacRefreshTokens
from adapters.security.secret_key import SecretKey
from adapters.security.throttle import SharedThrottle
from adapters.sightings import GatheredSightings
from adapters.trips import GatheredTrips
from application.accounts.get_current_user import GetCurrentUser
from application.accounts.import_user import ImportUser
from application.accounts.register_user import RegisterUser
from application.clients.add_client import AddClient
from application.clients.authenticate_client import AuthenticateClient
from application.clients.list_clients import ListClients
from application.clients.remove_client import RemoveClient
from application.directory.disable_user import DisableUser
from application.directory.enable_user import EnableUser
from application.directory.get_user import GetUser
from application.directory.list_users import ListUsers
from application.directory.unlock_user import UnlockUser
from application.keys.prepare_signing_key import PrepareSigningKey
from application.keys.publish_key_set import PublishKeySet
from application.limits.admit_request import AdmitRequest
from application.passwords.change_password import ChangePassword
from application.sessions.authenticate import Authenticate
from application.sessions.list_ended_sessions import ListEndedSessions
from application.sessions.list_sessions import ListSessions
from application.sessions.login import Login
from application.sessions.logout import Logout
from application.sessions.refresh_access import RefreshAccess
from application.sessions.revoke_all_sessions import RevokeAllSessions
from application.sessions.revoke_other_sessions import RevokeOtherSessions
from application.sessions.revoke_session import RevokeSession
from application.sessions.store_sightings import StoreSightings
from application.upkeep.check_readiness import CheckReadiness
from domain.email import EmailAddress
from domain.password import PasswordPolicy, PlainPassword
from domain.session import Lifetimes, TokenPair
from domain.signing_key import KeyPolicy
from domain.throttle import Limits
from domain.user import User
from domain.username import Username
from tests.examples import PASSWORD, SECRET
from tests.fakes import FakeClock, FakePasswordHasher, RecordedEvents

LIFETIMES = Lifetimes()
KEY_POLICY = KeyPolicy()


@dataclass(frozen=True, slots=True, kw_only=True)
class InMemory:
    """Portunus, whole, in one process and at a time of the test's choosing."""

    clock: FakeClock
    hasher: FakePasswordHasher
    events: RecordedEvents
    store: MemoryStore
    key_ring: KeyRing
    register_user: RegisterUser
    import_user: ImportUser
    get_current_user: GetCurrentUser
    login: Login
    refresh_access: RefreshAccess
    authenticate: Authenticate
    store_sightings: StoreSightings
    logout: Logout
    change_password: ChangePassword
    list_sessions: ListSessions
    list_ended_sessions: ListEndedSessions
    revoke_session: RevokeSession
    revoke_other_sessions: RevokeOtherSessions
    revoke_all_sessions: RevokeAllSessions
    prepare_signing_key: PrepareSigningKey
    publish_key_set: PublishKeySet
    disable_user: DisableUser
    enable_user: EnableUser
    unlock_user: UnlockUser
    admit_request: AdmitRequest
    get_user: GetUser
    list_users: ListUsers
    check_readiness: CheckReadiness
    add_client: AddClient
    remove_client: RemoveClient
    list_clients: ListClients
    authenticate_client: AuthenticateClient

    async def sign_up(self, name: str = "johndoe", password: str = PASSWORD) -> User:
        return await self.register_user(
            username=Username(name), email=EmailAddress(f"{name}@example.com"), password=PlainPassword.parse(password)
        )

    async def log_in(self, name: str = "johndoe", password: str = PASSWORD) -> TokenPair:
        return await self.login(identifier=name, password=PlainPassword.parse(password))


@pytest.fixture
def bare() -> InMemory:
    """As on the first start of a new store: there is no signing key yet."""
    clock, hasher, events, ids = FakeClock(), FakePasswordHasher(), RecordedEvents(), Uuid7Ids()
    store = MemoryStore(clock, LIFETIMES)
    secret = SecretKey.parse(SECRET)
    throttle = SharedThrottle(
        shared=store.throttle,
        own=MemoryThrottleState(clock),
        secret=secret,
        limits=Limits(),
        clock=clock,
        events=events,
        trips=GatheredTrips(clock),
        patience=timedelta(seconds=0.2),
    )
    key_ring = KeyRing(store, secret, events, clock)
    access_tokens = JwtAccessTokens(key_ring, clock, issuer="https://id.example.com", audience="https://id.example.com")
    refresh_tokens, sightings = MacRefreshTokens(secret), GatheredSightings()
    return InMemory(
        clock=clock,
        hasher=hasher,
        events=events,
        store=store,
        key_ring=key_ring,
        register_user=RegisterUser(
            store=store, hasher=hasher, breaches=NoBreaches(), ids=ids, clock=clock, policy=PasswordPolicy()
        ),
        import_user=ImportUser(store=store, hasher=hasher, ids=ids, clock=clock),
        get_current_user=GetCurrentUser(),
        login=Login(
            store=store,
            hasher=hasher,
            throttle=throttle,
            access_tokens=access_tokens,
            refresh_tokens=refresh_tokens,
            devices=UserAgentDevices(),
            ids=ids,
            lifetimes=LIFETIMES,
        ),
        refresh_access=RefreshAccess(
            store=store,
            refresh_tokens=refresh_tokens,
            access_tokens=access_tokens,
            origins=KeyedOrigins(secret),
            events=events,
            throttle=throttle,
            lifetimes=LIFETIMES,
        ),
        authenticate=Authenticate(store=store, access_tokens=access_tokens, sightings=sightings),
        store_sightings=StoreSightings(store=store, sightings=sightings),
        logout=Logout(store=store, access_tokens=access_tokens, refresh_tokens=refresh_tokens),
        prepare_signing_key=PrepareSigningKey(store=store, signing_keys=key_ring, key_policy=KEY_POLICY),
        publish_key_set=PublishKeySet(signing_keys=key_ring, key_policy=KEY_POLICY),
        change_password=ChangePassword(
            store=store, hasher=hasher, breaches=NoBreaches(), throttle=throttle, policy=PasswordPolicy()
        ),
        list_sessions=ListSessions(store=store, cursors=MacCursors(secret)),
        list_ended_sessions=ListEndedSessions(store=store, cursors=MacCursors(secret), lifetimes=LIFETIMES),
        revoke_session=RevokeSession(store=store),
        revoke_other_sessions=RevokeOtherSessions(store=store),
        revoke_all_sessions=RevokeAllSessions(store=store),
        disable_user=DisableUser(store=store, clock=clock),
        enable_user=EnableUser(store=store),
        unlock_user=UnlockUser(store=store, throttle=throttle),
        admit_request=AdmitRequest(throttle=throttle, hasher=hasher),
        get_user=GetUser(store=store),
        list_users=ListUsers(store=store),
        check_readiness=CheckReadiness(store=store, signing_keys=key_ring),
        add_client=AddClient(store=store, client_secrets=RandomClientSecrets(), clock=clock),
        remove_client=RemoveClient(store=store),
        list_clients=ListClients(store=store),
        authenticate_client=AuthenticateClient(store=store),
    )


@pytest.fixture
async def portunus(bare: InMemory) -> InMemory:
    await bare.prepare_signing_key()
    return bare
