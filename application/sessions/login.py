"""Log in with a password."""

from dataclasses import dataclass
from typing import final

from application.ports.devices import Devices
from application.ports.ids import Ids
from application.ports.passwords import PasswordHasher
from application.ports.throttle import Throttle
from application.ports.tokens import AccessTokens, RefreshTokens
from application.ports.unit_of_work import Store
from application.steps.check_password import check_password
from application.steps.room_for_log_in import room_for_log_in
from domain.audit import Act, Action, Agent
from domain.audit_failures import Failure
from domain.origin import NOWHERE, Origin
from domain.password import PasswordHash, PlainPassword
from domain.session import AuthenticationMethod, Lifetimes, NewSession, Opened, TokenPair
from domain.turn import Line, Turn
from domain.user import InvalidCredentials, User
from domain.username import InvalidUsername, Username


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """Open a session for whoever knows the name and its password, or raise `InvalidCredentials`.

    Every failure takes as long as a wrong password does. A password that is changed, or a user who is disabled, while the
    password is being checked opens nothing. One session too many ends the user's oldest.
    """

    store: Store
    hasher: PasswordHasher
    throttle: Throttle
    access_tokens: AccessTokens
    refresh_tokens: RefreshTokens
    devices: Devices
    ids: Ids
    lifetimes: Lifetimes

    async def __call__(self, *, identifier: str, password: PlainPassword, origin: Origin = NOWHERE) -> TokenPair:
        await self.throttle.turn_away_from(identifier=identifier, origin=origin)
        with room_for_log_in(origin, spared=self.throttle.is_of_a_device(origin), hasher=self.hasher):
            user = await self._find(identifier)
        with room_for_log_in(origin, spared=self.throttle.is_spared(user, origin), hasher=self.hasher):
            checked = await check_password(
                password, user, identifier=identifier, origin=origin, hasher=self.hasher, throttle=self.throttle
            )
        if user is None or not checked.matches:
            failure = Failure(action=Action.LOGIN, user_id=user.id if user else None, origin=origin)
            await self.store.live.note_failure(failure)
            raise InvalidCredentials

        secret = self.refresh_tokens.new_secret()
        new = NewSession(
            id=self.ids.session(),
            user_id=user.id,
            generation=user.generation,
            secret_digest=secret.digest,
            authenticated_by=AuthenticationMethod.PASSWORD,
            device=self.devices.recognise(origin),
            network=origin.network,
            made_by=self.refresh_tokens.key_ids[0],
        )
        act = Act(action=Action.LOGIN, by=Agent.USER, origin=origin)
        better_hash, opened = await self._better_hash(user, password, origin), None
        if not better_hash:
            opened = await self.store.live.open_session(new, most=self.lifetimes.most_sessions, act=act)
        opened = opened or await self._open(user, new, act, better_hash)
        session, expires_at = opened.session, opened.session.access_expires_at(self.lifetimes)
        return TokenPair(
            access_token=await self.access_tokens.issue(session, expires_at=expires_at, ring_generation=opened.ring_generation),
            refresh_token=self.refresh_tokens.seal(session_id=session.id, counter=session.counter, secret=secret),
            expires_in=expires_at - session.rotated_at,
            device_token=self.throttle.device_token(user, checked.device),
        )

    async def _better_hash(self, user: User, password: PlainPassword, origin: Origin) -> PasswordHash | None:
        if not self.hasher.is_outdated(user.password_hash):
            return None
        return await self.hasher.hash(password, turn=Turn.of_address(Line.LOG_INS, origin))

    async def _find(self, identifier: str) -> User | None:
        """A user name; with an `@` it is an e-mail address, and only a verified one, of which there are none yet."""
        try:
            username = Username.parse(identifier)
        except InvalidUsername:
            return None
        return await self.store.live.find_by_username(username)

    async def _open(self, user: User, new: NewSession, act: Act, better_hash: PasswordHash | None) -> Opened:
        async with self.store.begin() as work:
            # Before the opening: after it, parallel log-ins would wait for each other's share of the user's row.
            if better_hash:
                await work.users.upgrade_password(user.id, old=user.password_hash, new=better_hash)
            opened = await work.sessions.open(new, act=act)
            if opened is None:
                raise InvalidCredentials
            limit = Act(action=Action.SESSION_LIMIT, by=Agent.SERVICE)
            await work.sessions.end_oldest_of(user.id, opened=new.id, most=self.lifetimes.most_sessions, act=limit)
            await work.commit()
        return opened
