"""Hostile access tokens, presented over HTTP."""

import json
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx2
import jwt
import pytest
from pydantic import SecretStr

from application.keys.prepare_signing_key import PrepareSigningKey
from entrypoints.container.root import build, use_cases_of
from entrypoints.http.app import create_app
from entrypoints.settings import Settings
from tests.examples import PASSWORD, SECRET
from tests.forge import Forge
from tests.hostile_tokens import (
    CATALOGUE,
    tk03_another_algorithm,
    tk04_the_public_key_as_a_secret,
    tk05_a_key_of_its_own,
    tk07_critical_extensions,
)

_SPACES = {"space before", "space after"}  # around a credential HTTP allows them


@dataclass(frozen=True, slots=True)
class Api:
    http: httpx2.AsyncClient
    container: Any

    async def me(self, token: str) -> httpx2.Response:
        return await self.http.get("/users/me", headers={b"authorization": b"Bearer " + token.encode(errors="surrogatepass")})

    async def log_in(self, name: str) -> str:
        body = {"username": name, "email": f"{name}@example.com", "password": PASSWORD}
        await self.http.post("/signup", json=body)
        answer = await self.http.post("/token", data={"username": name, "password": PASSWORD})
        token: str = answer.json()["access_token"]
        return token

    async def forge(self, token: str) -> Forge:
        """One who makes tokens of that token's session."""
        claims = jwt.decode(token, options={"verify_signature": False})
        key_ring, clock = self.container.adapters.key_ring(), self.container.adapters.clock()
        return Forge(
            key=await key_ring.signing(),
            now=clock.now,
            user_id=UUID(claims["sub"]),
            session_id=UUID(claims["sid"]),
            issuer=claims["iss"],
        )


async def _api(algorithm: Any) -> AsyncIterator[Api]:
    settings = Settings(
        env="development",
        database_url=SecretStr("memory://"),
        secret_key=SecretStr(SECRET),
        argon2_memory=64,
        argon2_time=1,
        signing_algorithm=algorithm,
    ).with_defaults()
    container = build(settings)
    use_cases = use_cases_of(container)
    await use_cases[PrepareSigningKey]()
    transport = httpx2.ASGITransport(app=create_app(use_cases))
    async with httpx2.AsyncClient(transport=transport, base_url="http://portunus") as http:
        yield Api(http, container)


@pytest.fixture(params=["ES256", "EdDSA", "RS256", "HS256"])
async def api(request: pytest.FixtureRequest) -> AsyncIterator[Api]:
    async for made in _api(request.param):
        yield made


@pytest.fixture(params=["ES256", "EdDSA", "RS256"])
async def publishing_api(request: pytest.FixtureRequest) -> AsyncIterator[Api]:
    async for made in _api(request.param):
        yield made


async def _all_answered_alike(api: Api, hostile: Iterator[tuple[str, str]]) -> None:
    plainly_bad = _said(await api.me("x"))
    tried = 0
    for name, token in hostile:
        if name not in _SPACES:
            tried += 1
            assert _said(await api.me(token)) == plainly_bad, name

    assert tried
    status, headers, body = plainly_bad
    assert (status, headers["www-authenticate"]) == (401, 'Bearer error="invalid_token"')
    assert json.loads(body)["detail"] == "Could not validate credentials"


def _said(answer: httpx2.Response) -> tuple[int, dict[str, str], bytes]:
    headers = {name: value for name, value in answer.headers.items() if name != "x-request-id"}
    return answer.status_code, headers, answer.content


async def test_tk03_tk05_tk07_tk16_every_bad_token_is_answered_alike(api: Api) -> None:
    token = await api.log_in("johndoe")
    forge = await api.forge(token)

    for table in CATALOGUE:
        await _all_answered_alike(api, table(forge))
    assert (await api.me(token)).status_code == 200


async def test_tk16_without_a_token_the_challenge_names_no_error(api: Api) -> None:
    answer = await api.http.get("/users/me")

    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")


async def test_cve_hs_confusion(publishing_api: Api) -> None:
    api = publishing_api
    token = await api.log_in("johndoe")

    await _all_answered_alike(api, tk04_the_public_key_as_a_secret(await api.forge(token)))
    assert (await api.me(token)).status_code == 200


async def test_header_allowlist(api: Api) -> None:
    token = await api.log_in("johndoe")
    forge = await api.forge(token)
    tables: tuple[Callable[[Forge], Iterator[tuple[str, str]]], ...] = (
        tk03_another_algorithm,
        tk05_a_key_of_its_own,
        tk07_critical_extensions,
    )

    for table in tables:
        await _all_answered_alike(api, table(forge))
    for name in ("iat", "exp", "iss", "sub", "aud", "x-anything", "ver", "svt", "ppt", "b65"):
        await _all_answered_alike(api, iter([(name, forge.with_header(**{name: "x"}))]))
    assert (await api.me(forge.make())).status_code == 200


async def test_tk12_a_victims_subject_on_the_attackers_session_is_refused(api: Api) -> None:
    victim, attacker = await api.log_in("victim"), await api.log_in("attacker")
    theirs, own = await api.forge(victim), await api.forge(attacker)
    nobody = str(UUID(int=7))

    crossed = {
        "victim's sub, attacker's sid": own.with_claims(sub=str(theirs.user_id)),
        "attacker's sub, victim's sid": own.with_claims(sid=str(theirs.session_id)),
        "nobody's sub": own.with_claims(sub=nobody),
        "nobody's sid": own.with_claims(sid=nobody),
        "exchanged": own.with_claims(sub=str(own.session_id), sid=str(own.user_id)),
    }
    await _all_answered_alike(api, iter(crossed.items()))
    assert (await api.me(own.make())).json()["username"] == "attacker"


async def test_tk19_the_key_set_has_public_members_unique_kids_and_may_be_kept_five_minutes(publishing_api: Api) -> None:
    answer = await publishing_api.http.get("/.well-known/jwks.json")

    keys = answer.json()["keys"]
    assert answer.headers["cache-control"] == "public, max-age=300"
    assert len({key["kid"] for key in keys}) == len(keys) >= 1
    for key in keys:
        assert key.keys() <= {"kid", "use", "alg", "kty", "crv", "x", "y", "n", "e"}
        assert key["use"] == "sig"


async def test_tk19_a_shared_key_is_never_published() -> None:
    async for api in _api("HS256"):
        answer = await api.http.get("/.well-known/jwks.json")

        assert json.loads(answer.content) == {"keys": []}


async def test_others_verify_a_token_with_the_key_set(publishing_api: Api) -> None:
    token = await publishing_api.log_in("johndoe")
    keys = (await publishing_api.http.get("/.well-known/jwks.json")).json()

    key = jwt.PyJWKSet.from_dict(keys)[jwt.get_unverified_header(token)["kid"]]
    claims = jwt.decode(token, key, algorithms=[key.algorithm_name], options={"verify_aud": False})

    assert claims["client_id"] == "portunus"
