import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from uuid import UUID

import jwt
import pytest

from adapters.memory.store import MemoryStore
from adapters.security.jwt import JwtAccessTokens
from adapters.security.key_ring import KeyRing
from adapters.security.secret_key import SecretKey
from domain.actor import InvalidAccessToken
from domain.session import Lifetimes, Session, SessionId
from domain.user import UserId
from tests.examples import SECRET, a_stored_key
from tests.fakes import FakeClock, RecordedEvents
from tests.forge import ISSUER, Forge
from tests.hostile_tokens import (
    tk03_another_algorithm,
    tk04_the_public_key_as_a_secret,
    tk05_a_key_of_its_own,
    tk06_another_kid,
    tk07_critical_extensions,
    tk08_numbers,
    tk09_another_time,
    tk10_another_place,
    tk11_another_type,
    tk12_another_subject,
    tk13_another_spelling,
    tk14_said_twice,
    tk15_what_is_dear_to_parse,
)

USER, SESSION = UserId(UUID(int=1)), SessionId(UUID(int=2))
ACCESS = timedelta(minutes=15)
Table = Callable[[Forge], Iterator[tuple[str, str]]]


@pytest.fixture(params=["ES256", "EdDSA", "RS256", "HS256"])
async def ring(request: pytest.FixtureRequest, clock: FakeClock) -> KeyRing:
    return await _ring(clock, algorithm=request.param)


async def _ring(clock: FakeClock, *, algorithm: str) -> KeyRing:
    store = MemoryStore(clock, Lifetimes())
    ring = KeyRing(store, SecretKey.parse(SECRET), RecordedEvents(), clock, algorithm=algorithm)
    await a_stored_key(store, await ring.make(at=clock.now()))
    return ring


@pytest.fixture
def tokens(ring: KeyRing, clock: FakeClock) -> JwtAccessTokens:
    return JwtAccessTokens(ring, clock, issuer=ISSUER, audience=ISSUER)


@pytest.fixture
async def forge(ring: KeyRing, clock: FakeClock) -> Forge:
    return Forge(key=await ring.signing(), now=clock.now, user_id=USER, session_id=SESSION)


async def _issue(tokens: JwtAccessTokens, clock: FakeClock) -> str:
    now = clock.now()
    session = Session(
        id=SESSION,
        user_id=USER,
        generation=0,
        secret_digest=b"",
        created_at=now,
        rotated_at=now,
        access_until=now + ACCESS,
    )
    return await tokens.issue(session, expires_at=session.access_until)


async def _all_refused(tokens: JwtAccessTokens, hostile: Iterator[tuple[str, str]], *, also_expired: bool = True) -> None:
    reads = (tokens.read, tokens.read_expired) if also_expired else (tokens.read,)
    tried, taken = 0, []
    for name, token in hostile:
        for read in reads:
            tried += 1
            try:
                await read(token)
            except InvalidAccessToken:
                continue
            taken.append(f"{name}: {token[:200]}")
    assert tried
    assert taken == []


async def test_tk01_a_token_has_the_claims_of_rfc_9068_and_no_more(
    tokens: JwtAccessTokens, forge: Forge, clock: FakeClock
) -> None:
    token = await _issue(tokens, clock)

    claims = jwt.decode(token, options={"verify_signature": False})
    assert jwt.get_unverified_header(token) == forge.header()
    assert claims == forge.claims(jti=claims["jti"])
    assert {type(claims[name]) for name in ("exp", "iat")} == {int}
    assert (await _issue(tokens, clock)) != token


async def test_tk02_the_subject_is_the_users_id_and_nothing_tells_who_that_is(
    tokens: JwtAccessTokens, clock: FakeClock
) -> None:
    claims = jwt.decode(await _issue(tokens, clock), options={"verify_signature": False})

    assert claims["sub"] == str(USER)
    assert claims.keys() == {"iss", "sub", "aud", "exp", "iat", "jti", "sid", "client_id"}


async def test_what_was_issued_is_read(tokens: JwtAccessTokens, forge: Forge, clock: FakeClock) -> None:
    for token in (await _issue(tokens, clock), forge.make(), forge.with_claims(iat=int(clock.now().timestamp()) + 50)):
        for read in (tokens.read, tokens.read_expired):
            claims = await read(token)

            assert (claims.user_id, claims.session_id) == (USER, SESSION)


async def test_another_library_verifies_what_was_issued(tokens: JwtAccessTokens, forge: Forge, clock: FakeClock) -> None:
    claims = jwt.decode(
        await _issue(tokens, clock),
        forge.key.public,
        algorithms=[forge.key.algorithm],
        audience=ISSUER,
        issuer=ISSUER,
        options={"verify_exp": False, "verify_iat": False, "strict_aud": True},
    )

    assert claims["sub"] == str(USER)


@pytest.mark.parametrize(("seconds", "good"), [(895, True), (899, True), (904, True), (905, False), (910, False), (915, False)])
async def test_tk09_a_token_expires_with_five_seconds_of_leeway(clock: FakeClock, seconds: int, good: bool) -> None:
    ring = await _ring(clock, algorithm="ES256")
    tokens = JwtAccessTokens(ring, clock, issuer=ISSUER, audience=ISSUER)
    token = Forge(key=await ring.signing(), now=clock.now).make()
    clock.advance(timedelta(seconds=seconds - 0.25))

    if good:
        await tokens.read(token)
    else:
        with pytest.raises(InvalidAccessToken):
            await tokens.read(token)
    await tokens.read_expired(token)


@pytest.mark.parametrize(("ahead", "good"), [(0, True), (50, True), (60, True), (62, False), (70, False)])
async def test_tk09_a_token_may_be_born_a_minute_ahead_of_this_clock(clock: FakeClock, ahead: int, good: bool) -> None:
    ring = await _ring(clock, algorithm="ES256")
    tokens = JwtAccessTokens(ring, clock, issuer=ISSUER, audience=ISSUER)
    token = Forge(key=await ring.signing(), now=clock.now).with_claims(iat=int(clock.now().timestamp()) + ahead)

    if good:
        await tokens.read(token)
    else:
        with pytest.raises(InvalidAccessToken):
            await tokens.read(token)


async def test_tk03_another_algorithm_is_refused(tokens: JwtAccessTokens, forge: Forge) -> None:
    await _all_refused(tokens, tk03_another_algorithm(forge))


@pytest.mark.parametrize("algorithm", ["ES256", "EdDSA", "RS256"])
async def test_tk04_the_public_key_is_no_secret(clock: FakeClock, algorithm: str) -> None:
    ring = await _ring(clock, algorithm=algorithm)
    tokens = JwtAccessTokens(ring, clock, issuer=ISSUER, audience=ISSUER)

    await _all_refused(tokens, tk04_the_public_key_as_a_secret(Forge(key=await ring.signing(), now=clock.now)))


@pytest.mark.parametrize(
    "table",
    [tk05_a_key_of_its_own, tk06_another_kid, tk07_critical_extensions, tk11_another_type],
    ids=["tk05", "tk06", "tk07", "tk11"],
)
async def test_tk05_tk06_tk07_tk11_another_header_is_refused(tokens: JwtAccessTokens, forge: Forge, table: Table) -> None:
    await _all_refused(tokens, table(forge))


@pytest.mark.parametrize("table", [tk08_numbers, tk10_another_place, tk12_another_subject], ids=["tk08", "tk10", "tk12"])
async def test_tk08_tk10_tk12_another_claim_is_refused_although_we_signed_it(
    tokens: JwtAccessTokens, forge: Forge, table: Table
) -> None:
    await _all_refused(tokens, table(forge))


async def test_tk09_another_time_is_refused(tokens: JwtAccessTokens, forge: Forge) -> None:
    await _all_refused(tokens, tk09_another_time(forge), also_expired=False)


@pytest.mark.parametrize(
    "table", [tk13_another_spelling, tk14_said_twice, tk15_what_is_dear_to_parse], ids=["tk13", "tk14", "tk15"]
)
async def test_tk13_tk14_tk15_another_spelling_is_refused(tokens: JwtAccessTokens, forge: Forge, table: Table) -> None:
    await _all_refused(tokens, table(forge))


async def test_tk15_what_is_dear_to_parse_is_refused_within_50_milliseconds(clock: FakeClock) -> None:
    ring = await _ring(clock, algorithm="ES256")
    tokens = JwtAccessTokens(ring, clock, issuer=ISSUER, audience=ISSUER)

    for name, token in tk15_what_is_dear_to_parse(Forge(key=await ring.signing(), now=clock.now)):
        before = time.process_time()
        with pytest.raises(InvalidAccessToken):
            await tokens.read(token)

        assert time.process_time() - before < 0.05, name


async def test_keys_of_both_sorts_never_meet_in_one_verifier(clock: FakeClock) -> None:
    store, events = MemoryStore(clock, Lifetimes()), RecordedEvents()
    rings = [KeyRing(store, SecretKey.parse(SECRET), events, clock, algorithm=algorithm) for algorithm in ("ES256", "HS256")]
    for ring in rings:
        await a_stored_key(store, await ring.make(at=clock.now()))
    pairs = [(JwtAccessTokens(ring, clock, issuer=ISSUER, audience=ISSUER), ring) for ring in rings]

    for (tokens, own), (others, _) in (pairs, reversed(pairs)):
        token = Forge(key=await own.signing(), now=clock.now).make()

        await tokens.read(token)
        with pytest.raises(InvalidAccessToken):
            await others.read(token)
        assert len((await own.ring()).keys) == 1
