"""What people do to their own sessions and passwords, in any order with all the rest."""

import sys
from itertools import count
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from application.passwords.change_password import ChangePassword
from application.sessions.authenticate import Authenticate
from application.sessions.login import Login
from application.sessions.refresh_access import RefreshAccess
from application.sessions.revoke_all_sessions import RevokeAllSessions
from application.sessions.revoke_other_sessions import RevokeOtherSessions
from application.sessions.revoke_session import RevokeSession
from domain.actor import Actor, InvalidAccessToken
from domain.password import PlainPassword
from domain.session import EndReason, InvalidRefreshToken, SessionId, SessionUnknown
from domain.user import CurrentPasswordWrong, InvalidCredentials
from tests.examples import PASSWORD
from tests.properties.families import PICK, Families, Family


class Owners(Families):
    """`self.live` is the model's set of sessions whose tokens work: after each example every token is held to it."""

    def __init__(self, make_world: Any) -> None:
        super().__init__(make_world)
        self.numbers = count(1)
        self.former: list[tuple[str, str]] = []  # names, and passwords that they no longer have

    def teardown(self) -> None:
        try:
            if sys.exception() is None:  # else that is what is to be told
                self.present_every_access_token()
                self.present_every_newest_refresh_token()
        finally:
            super().teardown()

    @property
    def live(self) -> list[Family]:
        return [family for family in self.families if family.is_live(self.now)]

    @precondition(lambda self: self.live)
    @rule(pick=PICK, other=PICK)
    def revoke_one(self, pick: int, other: int) -> None:
        """One's own, which may be the one in use, or have idled out; or somebody else's, or one that has ended."""
        caller, family = self.some_family(pick, self.live), self.some_family(other)
        asked = {"actor": self.actor(caller), "session_id": self.session_id(family)}
        if family.person is caller.person and family.ended is None:
            self.world.run(RevokeSession, **asked)
            family.end(EndReason.REVOKED)
        else:
            self.refused(SessionUnknown, RevokeSession, **asked)

    @precondition(lambda self: len(self.live) > 1)
    @rule(pick=PICK)
    def revoke_others(self, pick: int) -> None:
        caller = self.some_family(pick, self.live)
        self.world.run(RevokeOtherSessions, actor=self.actor(caller))
        self.end_others_of(caller, EndReason.REVOKED)

    @precondition(lambda self: len(self.live) > 2)
    @rule(pick=PICK)
    def revoke_all(self, pick: int) -> None:
        caller = self.some_family(pick, self.live)
        self.world.run(RevokeAllSessions, actor=self.actor(caller))
        self.end_others_of(caller, EndReason.REVOKED)
        caller.end(EndReason.REVOKED)

    @precondition(lambda self: self.live)
    @rule(pick=PICK)
    def change_password(self, pick: int) -> None:
        caller = self.some_family(pick, self.live)
        person, new = caller.person, f"{PASSWORD} {next(self.numbers)}"
        self.world.run(
            ChangePassword,
            actor=self.actor(caller),
            current=PlainPassword.parse(person.password),
            new=PlainPassword.parse(new),
        )
        self.former.append((person.name, person.password))
        person.password = new
        self.end_others_of(caller, EndReason.PASSWORD_CHANGED)

    @precondition(lambda self: self.former and self.live)
    @rule(pick=PICK, which=st.integers(0, 9))
    def use_a_former_password(self, pick: int, which: int) -> None:
        """To log in, and as the current one of whoever it may be: it ends nothing and opens nothing."""
        name, password = self.former[which % len(self.former)]
        self.refused(InvalidCredentials, Login, identifier=name, password=PlainPassword.parse(password))
        caller = self.some_family(pick, self.live)
        self.refused(
            CurrentPasswordWrong,
            ChangePassword,
            actor=self.actor(caller),
            current=PlainPassword.parse("none that anybody has had"),
            new=PlainPassword.parse(f"{PASSWORD} again"),
        )

    def end_others_of(self, caller: Family, reason: EndReason) -> None:
        for family in self.of(caller.person):
            if family is not caller:
                family.end(reason)

    def actor(self, family: Family) -> Actor:
        """By the newest access token: refreshed first where that has expired."""
        if not self.is_good(family, family.access[-1][1]):
            self.refresh_once(family)
        actor: Actor = self.world.run(Authenticate, access_token=family.access[-1][0])
        return actor

    def session_id(self, family: Family) -> SessionId:
        return SessionId(self.world.container.adapters.refresh_tokens().open(family.refresh[0]).session_id)

    def present_every_access_token(self) -> None:
        for family in self.families:
            for token, issued in {family.access[0], family.access[-1]}:
                if self.is_good(family, issued):
                    self.world.run(Authenticate, access_token=token)
                else:
                    self.refused(InvalidAccessToken, Authenticate, access_token=token)

    def present_every_newest_refresh_token(self) -> None:
        for family in self.families:
            if family.is_live(self.now):
                self.refresh_once(family)
            else:
                self.refused(InvalidRefreshToken, RefreshAccess, refresh_token=family.refresh[-1])
