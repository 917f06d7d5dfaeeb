"""What must become of sessions and their tokens, whatever is done to them in whatever order: a model, and rules to try it.

A family is a session and the refresh tokens that it has had, in order: the last is the newest, the one before it its parent.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import uuid4

from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, multiple, precondition, rule

from application.accounts.register_user import RegisterUser
from application.directory.disable_user import DisableUser
from application.directory.enable_user import EnableUser
from application.sessions.authenticate import Authenticate
from application.sessions.login import Login
from application.sessions.logout import Logout
from application.sessions.refresh_access import RefreshAccess
from domain.actor import InvalidAccessToken
from domain.email import EmailAddress
from domain.errors import Refusal
from domain.password import PlainPassword
from domain.session import EndReason, InvalidRefreshToken, Lifetimes, Session, TokenPair
from domain.user import InvalidCredentials
from domain.username import Username
from entrypoints.container.root import store_of
from tests.examples import PASSWORD
from tests.properties.worlds import World

LIFETIMES = Lifetimes()
SECONDS = st.sampled_from([timedelta(seconds=8), timedelta(seconds=40)])  # no sum of them is close to a bound
LONGER = st.sampled_from([timedelta(minutes=20), timedelta(days=5, hours=1)])
PICK = st.integers(0, 5)
A_USER = Bundle("users")


@dataclass(slots=True, eq=False)
class Person:
    name: str
    password: str = PASSWORD
    disabled: bool = False


@dataclass(slots=True, eq=False)
class Family:
    person: Person
    refresh: list[str]
    access: list[tuple[str, timedelta]]  # with when it was issued
    opened: timedelta
    rotated: timedelta
    ended: EndReason | None = None
    answers: dict[str, str] = field(default_factory=dict)  # token presented: successor

    def is_live(self, now: timedelta) -> bool:
        expired = now - self.opened >= LIFETIMES.absolute or now - self.rotated >= LIFETIMES.idle
        return self.ended is None and not expired and not self.person.disabled

    def end(self, reason: EndReason) -> None:
        self.ended = self.ended or reason


class Families(RuleBasedStateMachine):
    """Subclass it to add rules: `self.families` has every session there is, and `self.now` the time of the model."""

    def __init__(self, make_world: Callable[[], World]) -> None:
        super().__init__()
        self.world = make_world()
        self.now = timedelta()
        self.families: list[Family] = []
        self.anybody_is_disabled = False
        self.done_since_start = 0

    def teardown(self) -> None:
        self.world.close()

    @initialize(target=A_USER)
    def two_people(self) -> Any:
        people = [Person(f"user-{uuid4().hex[:16]}") for _ in range(2)]
        for person in people:
            self.world.run(
                RegisterUser,
                username=Username(person.name),
                email=EmailAddress("someone@example.com"),
                password=PlainPassword.parse(PASSWORD),
            )
        return multiple(*people)

    @rule(person=A_USER)
    def log_in(self, person: Person) -> None:
        asked = {"identifier": person.name, "password": PlainPassword.parse(person.password)}
        if person.disabled:
            self.refused(InvalidCredentials, Login, **asked)
            return
        pair: TokenPair = self.world.run(Login, **asked)
        self.families.append(Family(person, [pair.refresh_token], [(pair.access_token, self.now)], self.now, self.now))

    @precondition(lambda self: self.families)
    @rule(pick=PICK, times=st.integers(1, 3))
    def refresh(self, pick: int, times: int) -> None:
        family = self.some_family(pick)
        for _ in range(times):
            self.refresh_once(family)

    def refresh_once(self, family: Family) -> None:
        token = family.refresh[-1]
        if not family.is_live(self.now):
            self.refused(InvalidRefreshToken, RefreshAccess, refresh_token=token)
            return
        pair = self.world.run(RefreshAccess, refresh_token=token)
        family.refresh.append(pair.refresh_token)
        family.rotated = self.now
        self.answered(family, token, pair)

    @precondition(lambda self: self.families)
    @rule(pick=PICK, times=st.integers(1, 6))
    def refresh_week_by_week(self, pick: int, times: int) -> None:
        family = self.some_family(pick)
        for _ in range(times):
            self.let_time_pass(timedelta(days=5, hours=1))
            self.refresh_once(family)

    @precondition(lambda self: any(family.answers for family in self.families))
    @rule(pick=PICK, back=st.sampled_from([1, 1, 2, 3, 4]), after=st.none() | SECONDS)
    def replay(self, pick: int, back: int, after: timedelta | None) -> None:
        """A token that was spent: the parent, or an older one."""
        self.let_time_pass(after or timedelta())
        family = self.some_family(pick, [family for family in self.families if len(family.refresh) > 1])
        back = min(back, len(family.refresh) - 1)
        token = family.refresh[-1 - back]
        if family.is_live(self.now) and back == 1 and self.now - family.rotated < LIFETIMES.grace:
            self.answered(family, token, self.world.run(RefreshAccess, refresh_token=token))
            return
        spent = family.is_live(self.now)
        self.refused(InvalidRefreshToken, RefreshAccess, refresh_token=token)
        if spent:
            family.end(EndReason.REFRESH_REUSE)

    @precondition(lambda self: self.families)
    @rule(pick=PICK, back=st.integers(0, 4))
    def ask_who_it_is(self, pick: int, back: int) -> None:
        family = self.some_family(pick)
        token, issued = family.access[max(-1 - back, -len(family.access))]
        if self.is_good(family, issued):
            assert self.world.run(Authenticate, access_token=token).user.username.key == family.person.name
        else:
            self.refused(InvalidAccessToken, Authenticate, access_token=token)

    @precondition(lambda self: len(self.families) > 1)
    @rule(pick=PICK, back=st.integers(0, 4), by_refresh_token=st.booleans())
    def log_out(self, pick: int, back: int, by_refresh_token: bool) -> None:
        """By the newest token or an older one: which, does not matter."""
        family = self.some_family(pick)
        if by_refresh_token:
            self.world.run(Logout, refresh_token=family.refresh[max(-1 - back, -len(family.refresh))])
        else:
            self.world.run(Logout, access_token=family.access[max(-1 - back, -len(family.access))][0])
        family.end(EndReason.LOGOUT)

    @precondition(lambda self: len(self.families) > 2)
    @rule(person=A_USER)
    def disable(self, person: Person) -> None:
        self.world.run(DisableUser, username=Username(person.name))
        person.disabled = True
        self.anybody_is_disabled = True
        for family in self.of(person):
            family.end(EndReason.USER_DISABLED)

    @precondition(lambda self: self.anybody_is_disabled)
    @rule(person=A_USER)
    def enable(self, person: Person) -> None:
        self.world.run(EnableUser, username=Username(person.name))
        person.disabled = False

    @precondition(lambda self: self.families)
    @rule(by=SECONDS)
    def wait_a_little(self, by: timedelta) -> None:
        self.let_time_pass(by)

    @precondition(lambda self: self.families)
    @rule(by=LONGER)
    def wait_longer(self, by: timedelta) -> None:
        self.let_time_pass(by)

    def let_time_pass(self, by: timedelta) -> None:
        self.world.wait_for(self.world.data.age(by))
        self.now += by

    @precondition(lambda self: self.done_since_start > 8)
    @rule()
    def restart(self) -> None:
        self.world.restart()
        self.done_since_start = 0

    @invariant()
    def the_store_holds_what_the_model_does(self) -> None:
        self.done_since_start += 1
        for family, session in zip(self.families, self.world.wait_for(self._stored()), strict=True):
            assert session.counter == len(family.refresh) - 1
            assert session.end_reason == family.ended

    def some_family(self, pick: int, among: list[Family] | None = None) -> Family:
        """A live one five times of six, and rather an old one: it has more to remember."""
        among = among or self.families
        live = [family for family in among if family.is_live(self.now)]
        found = live if live and pick else among
        return found[pick // 2 % len(found)]

    def is_good(self, family: Family, issued: timedelta) -> bool:
        """Of an access token of that family."""
        return family.is_live(self.now) and (self.now - issued < LIFETIMES.access or not self.world.tokens_grow_old)

    def of(self, person: Person) -> list[Family]:
        return [family for family in self.families if family.person is person]

    def answered(self, family: Family, token: str, pair: TokenPair) -> None:
        """A token has one successor, ever, and it is the newest."""
        assert pair.refresh_token == family.answers.setdefault(token, pair.refresh_token) == family.refresh[-1]
        family.access.append((pair.access_token, family.rotated))

    def refused(self, refusal: type[Refusal], use_case: type, **arguments: Any) -> None:
        try:
            answer = self.world.run(use_case, **arguments)
        except refusal:
            return
        raise AssertionError(f"{use_case.__name__} answered {answer}")

    async def _stored(self) -> list[Session]:
        container = self.world.container
        opened = [container.adapters.refresh_tokens().open(family.refresh[0]) for family in self.families]
        async with store_of(container).begin() as work:
            found = [await work.sessions.get(presented.session_id) for presented in opened]
        return [session for session in found if session is not None]
