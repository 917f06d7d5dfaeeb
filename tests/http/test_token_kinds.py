"""Every kind of token, at every route and every place where one could be given: what is meant for it, and nothing else.

The routes are those that the API describes, so that a new one is tried by itself.
"""

import base64
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import jwt
import pytest

from adapters.security.refresh_tokens import MacRefreshTokens
from adapters.security.secret_key import SecretKey
from tests.examples import PASSWORD
from tests.forge import Forge
from tests.hostile_tokens import ANOTHER_KEY
from tests.http.api import SIGN_UP, Api
from tests.http.operations import FORM, Operation, operations

ACCESS, REFRESH = "access token", "refresh token"
EXPIRED, ENDED_ACCESS = "expired access token", "access token of an ended session"
SPENT, ENDED_REFRESH = "refresh token spent long ago", "refresh token of an ended session"

# Whoever asks here is asked for no token. A route that is in neither list is held to the general rule.
WITHOUT_A_TOKEN = {
    "POST /signup",
    "GET /.well-known/jwks.json",
    "GET /.well-known/revocations",
    "GET /health/live",
    "GET /health/ready",
}
# What else a place takes than an access token as Bearer, and a refresh token as `refresh_token`.
TAKES = {
    ("POST /token", "bearer"): set[str](),
    ("POST /refresh", "bearer"): set[str](),
    ("POST /introspect", "bearer"): set[str](),  # these two ask which client it is, and no user is one
    ("POST /revoke", "bearer"): set[str](),
    ("POST /logout", "bearer"): {ACCESS, EXPIRED, ENDED_ACCESS},
    ("POST /logout", "refresh_token"): {REFRESH, SPENT, ENDED_REFRESH},
}
BY_RULE = {"bearer": {ACCESS}, "refresh_token": {REFRESH}}


@dataclass(frozen=True, slots=True)
class Place:
    operation: Operation
    name: str
    media_type: str = ""

    def __str__(self) -> str:
        return f"{self.operation} {self.name} {self.media_type}".strip()

    @property
    def takes(self) -> set[str]:
        return TAKES.get((str(self.operation), self.name), BY_RULE.get(self.name, set()))

    def request(self, token: str) -> dict[str, Any]:
        match self.name:
            case "bearer":
                return {"headers": {"Authorization": f"Bearer {token}"}}
            case "basic":
                pair = base64.b64encode(f"{token}:".encode()).decode()
                return {"headers": {"Authorization": f"Basic {pair}"}}
            case "cookie":
                return {"headers": {"Cookie": f"access_token={token}; refresh_token={token}"}}
            case "query":
                return {"params": {"access_token": token, "refresh_token": token, "token": token}}
            case _:
                return self._in_body(token)

    def _in_body(self, token: str) -> dict[str, Any]:
        members = {name: "wrong" if "password" in name else value for name, value in self._members().items()}
        if self.name == "refresh_token" and "grant_type" in members:
            members = {"grant_type": "refresh_token"}
        return {"data" if self.media_type == FORM else "json": {**members, self.name: token}}

    def _members(self) -> dict[str, Any]:
        members = self.operation.bodies[self.media_type]
        return {name: value for name, value in members.items() if "token" not in name and "secret" not in name}


def places() -> Iterator[Place]:
    for operation in operations():
        if str(operation) not in WITHOUT_A_TOKEN:
            for name in ("bearer", "basic", "cookie", "query"):
                yield Place(operation, name)
            for media_type, members in operation.bodies.items():
                for name in members:
                    yield Place(operation, name, media_type)


async def every_kind(api: Api) -> dict[str, str]:
    await api.sign_up()
    await api.sign_up(username="bystander")
    live, ended, spent = [await _log_in(api) for _ in range(3)]
    await api.http.post("/logout", json={"refresh_token": ended["refresh_token"]})
    await api.refresh((await api.refresh(spent["refresh_token"])).json()["refresh_token"])

    claims, bystanders = _claims(live), _claims(await _log_in(api, "bystander"))
    adapters = api.container.adapters
    key = await adapters.key_ring().signing()
    forge = Forge(
        key=key,
        now=adapters.clock().now,
        user_id=UUID(claims["sub"]),
        session_id=UUID(claims["sid"]),
        issuer=claims["iss"],
    )
    presented = adapters.refresh_tokens().open(live["refresh_token"])
    elsewhere = MacRefreshTokens(SecretKey.parse(secrets.token_hex(32)))
    header, payload, signature = live["access_token"].split(".")
    return {
        ACCESS: live["access_token"],
        REFRESH: live["refresh_token"],
        EXPIRED: forge.with_claims(iat=claims["iat"] - 2000, exp=claims["exp"] - 2000),
        ENDED_ACCESS: ended["access_token"],
        SPENT: spent["refresh_token"],
        ENDED_REFRESH: ended["refresh_token"],
        "access token for another audience": forge.with_claims(aud="https://other.example.com"),
        "access token of another issuer": forge.with_claims(iss="https://other.example.com"),
        "ID token": forge.with_header(typ="JWT"),
        "ID token, typed": forge.with_header(typ="id+jwt"),
        "log-out token": forge.with_header(typ="logout+jwt"),
        "refresh token as a JWT": forge.with_header(typ="rt+jwt"),
        "token of another service": jwt.encode(forge.claims(), ANOTHER_KEY, algorithm="ES256", headers=forge.header()),
        "refresh token of another service": elsewhere.seal(
            session_id=presented.session_id, counter=presented.counter, secret=presented.secret
        ),
        "access token in a refresh token's dress": f"prt_{live['access_token']}",
        "refresh token undressed": live["refresh_token"].removeprefix("prt_"),
        "secret of the session": base64.urlsafe_b64encode(presented.secret.value).decode(),
        "digest in the row": presented.secret.digest.hex(),
        "session id": bystanders["sid"],  # of whom nothing happens that would be logged, by these ids
        "user id": bystanders["sub"],
        "token id": bystanders["jti"],
        "key id": key.kid,
        "signature": signature,
        "unsigned": f"{header}.{payload}.",
        "name": SIGN_UP["username"],
        "garbage": "garbage",
        "empty": "",
    }


async def _log_in(api: Api, name: str = "johndoe") -> dict[str, str]:
    tokens: dict[str, str] = (await api.token(username=name, password=PASSWORD)).json()
    return tokens


def _claims(tokens: dict[str, str]) -> dict[str, Any]:
    claims: dict[str, Any] = jwt.decode(tokens["access_token"], options={"verify_signature": False})
    return claims


@pytest.mark.parametrize("place", list(places()), ids=str)
async def test_rt08_tk11_token_type_matrix(api: Api, place: Place) -> None:
    kinds = await every_kind(api)
    taken, turned_away = set(), set()

    for kind in kinds:
        token = (await every_kind(api))[kind] if place.takes else kinds[kind]
        answer = await api.http.request(place.operation.method, place.operation.target.decode(), **place.request(token))
        assert answer.status_code < 500, kind
        if answer.is_success:
            taken.add(kind)
        if answer.status_code == 401 or "invalid_grant" in answer.text:
            turned_away.add(kind)

    assert taken <= place.takes
    assert place.takes.isdisjoint(turned_away)
    assert taken == place.takes or "{" in place.operation.path or place.operation.bodies


def test_every_route_that_asks_for_a_token_says_so() -> None:
    silent = {str(operation) for operation in operations() if not operation.secured}

    assert silent == {*WITHOUT_A_TOKEN, "POST /token", "POST /refresh"}
