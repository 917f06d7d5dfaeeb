import asyncio
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from adapters.security.jwt import JwtAccessTokens
from adapters.security.key_ring import KeyRing
from adapters.security.secret_key import SecretKey
from adapters.sightings import GatheredSightings
from application.keys.compromise_signing_key import CompromiseSigningKey
from application.keys.follow_key_ring import FollowKeyRing
from application.keys.import_signing_key import ImportSigningKey
from application.keys.plan_rotation import PlanRotation
from application.keys.reseal_signing_keys import ResealSigningKeys
from application.keys.retire_signing_keys import RetireSigningKeys
from application.keys.rotate_due_signing_key import RotateDueSigningKey
from application.keys.rotate_signing_key import RotateSigningKey
from application.ports.tokens import NoSigningKey
from application.sessions.authenticate import Authenticate
from domain.actor import InvalidAccessToken
from domain.events import SigningKeyCompromised, SigningKeyRotation
from domain.signing_key import RotationUnderWay, SigningKeyUnknown, UnusableSigningKey
from tests.application.conftest import KEY_POLICY, InMemory
from tests.examples import SECRET
from tests.forge import ISSUER

NO_TIMES: Any = {"verify_aud": False, "verify_exp": False, "verify_iat": False}
OTHER_SECRET = "deadbeef00112233445566778899aabbccddeeff102938475665748392a1b0cf"


@dataclass(frozen=True, slots=True)
class Keys:
    """The use cases of one process, and another process on the same store."""

    portunus: InMemory
    ring: KeyRing

    @classmethod
    def of(cls, portunus: InMemory, *, secret: str = SECRET) -> "Keys":
        return cls(portunus, KeyRing(portunus.store, SecretKey.parse(secret), portunus.events, portunus.clock))

    def rotate(self) -> RotateSigningKey:
        return RotateSigningKey(
            store=self.portunus.store, signing_keys=self.ring, events=self.portunus.events, key_policy=KEY_POLICY
        )

    def rotate_due(self) -> RotateDueSigningKey:
        return RotateDueSigningKey(
            store=self.portunus.store, signing_keys=self.ring, events=self.portunus.events, key_policy=KEY_POLICY
        )

    def compromise(self) -> CompromiseSigningKey:
        return CompromiseSigningKey(store=self.portunus.store, signing_keys=self.ring, key_policy=KEY_POLICY)

    def retire(self) -> RetireSigningKeys:
        return RetireSigningKeys(store=self.portunus.store, signing_keys=self.ring)

    def import_(self) -> ImportSigningKey:
        return ImportSigningKey(store=self.portunus.store, signing_keys=self.ring)

    def reseal(self) -> ResealSigningKeys:
        return ResealSigningKeys(store=self.portunus.store, signing_keys=self.ring)

    def authenticate(self) -> Authenticate:
        tokens = JwtAccessTokens(self.ring, self.portunus.clock, issuer=ISSUER, audience=ISSUER)
        return Authenticate(store=self.portunus.store, access_tokens=tokens, sightings=GatheredSightings())

    async def states(self) -> list[str]:
        stored = await self.portunus.store.live.read_key_ring()
        return [str(key.state(stored.as_of)) for key in stored.keys]


@pytest.fixture
async def keys(portunus: InMemory) -> Keys:
    await portunus.sign_up()
    return Keys.of(portunus)


def _kid(token: str) -> str:
    kid: str = jwt.get_unverified_header(token)["kid"]
    return kid


async def test_ks03_a_rotation_refuses_no_token_of_either_key_in_any_process(keys: Keys) -> None:
    portunus = keys.portunus
    authenticate = keys.authenticate()
    old = (await portunus.log_in()).access_token
    portunus.clock.advance(timedelta(minutes=1))

    chosen = await keys.rotate()()

    assert chosen.signs_from
    seen = {_kid(old)}
    while portunus.clock.now() < chosen.signs_from + KEY_POLICY.verifies_for:
        token = (await portunus.log_in()).access_token
        seen.add(_kid(token))
        for _ in range(14):
            await portunus.authenticate(access_token=token)
            await authenticate(access_token=token)
            portunus.clock.advance(timedelta(minutes=1))
    assert seen == {_kid(old), chosen.kid}
    assert await keys.states() == ["retired", "active", "announced"]


async def test_a_rotation_goes_as_it_was_planned(keys: Keys) -> None:
    plan_rotation = PlanRotation(store=keys.portunus.store, signing_keys=keys.ring, key_policy=KEY_POLICY)

    plan = await plan_rotation()
    chosen = await keys.rotate()()

    assert (plan.starts, plan.hands_over_at) == (chosen.kid, chosen.signs_from)
    assert (await plan_rotation()).under_way


async def test_where_no_key_opens_no_rotation_is_planned(keys: Keys) -> None:
    other = Keys.of(keys.portunus, secret=OTHER_SECRET).ring

    with pytest.raises(NoSigningKey):
        await PlanRotation(store=keys.portunus.store, signing_keys=other, key_policy=KEY_POLICY)()


async def test_a_key_that_is_not_yet_known_everywhere_signs_nothing(keys: Keys) -> None:
    before = _kid((await keys.portunus.log_in()).access_token)

    chosen = await keys.rotate()()
    assert chosen.signs_from
    await FollowKeyRing(signing_keys=keys.portunus.key_ring)()

    assert _kid((await keys.portunus.log_in()).access_token) == before
    keys.portunus.clock.advance(chosen.signs_from - keys.portunus.clock.now() - timedelta(seconds=1))
    assert _kid((await keys.portunus.log_in()).access_token) == before
    keys.portunus.clock.advance(timedelta(seconds=1))
    assert _kid((await keys.portunus.log_in()).access_token) == chosen.kid
    assert keys.portunus.events.all == [SigningKeyRotation(chosen.kid, chosen.signs_from)]


async def test_a_second_rotation_waits_for_the_first(keys: Keys) -> None:
    await keys.rotate()()

    with pytest.raises(RotationUnderWay, match="known everywhere"):
        await keys.rotate()()


async def test_of_many_processes_one_rotates_when_it_is_due(keys: Keys) -> None:
    others = [Keys.of(keys.portunus) for _ in range(4)]
    await asyncio.gather(*(other.rotate_due()() for other in others))
    assert await keys.states() == ["active", "announced"]

    keys.portunus.clock.advance(KEY_POLICY.signs_for)
    await asyncio.gather(*(other.rotate_due()() for other in others))

    assert await keys.states() == ["retiring", "active", "announced"]
    assert sum(isinstance(event, SigningKeyRotation) for event in keys.portunus.events.all) == 1


async def test_the_private_half_is_deleted_when_a_key_stops_and_the_public_half_goes_on_verifying(keys: Keys) -> None:
    portunus = keys.portunus
    portunus.clock.advance(KEY_POLICY.announced_for)
    token = (await portunus.log_in()).access_token
    assert await keys.retire()() == 0
    await keys.rotate()()

    assert await keys.retire()() == 1
    assert await keys.retire()() == 0

    fresh = Keys.of(portunus)
    await fresh.authenticate()(access_token=token)
    opened = (await fresh.ring.ring()).keys
    assert [key.private is None for key in opened.values()] == [True, False, False]
    assert len(await fresh.ring.published()) == 3


async def test_ks05_a_process_that_only_refreshes_signs_with_no_key_that_was_withdrawn(keys: Keys) -> None:
    portunus = keys.portunus
    tokens = await portunus.log_in()

    await keys.compromise()(kid=_kid(tokens.access_token))

    refreshed = await portunus.refresh_access(refresh_token=tokens.refresh_token)
    assert _kid(refreshed.access_token) != _kid(tokens.access_token)
    await portunus.authenticate(access_token=refreshed.access_token)


async def test_ks05_a_process_where_somebody_logs_in_signs_with_no_key_that_was_withdrawn(keys: Keys) -> None:
    portunus = keys.portunus
    before = await portunus.log_in()

    await keys.compromise()(kid=_kid(before.access_token))

    tokens = await portunus.log_in()
    assert _kid(tokens.access_token) != _kid(before.access_token)
    await portunus.authenticate(access_token=tokens.access_token)


async def test_ks05_a_compromised_key_is_refused_at_the_next_request_in_every_process(keys: Keys) -> None:
    portunus, authenticate = keys.portunus, keys.authenticate()
    token = (await portunus.log_in()).access_token
    await portunus.authenticate(access_token=token)
    await authenticate(access_token=token)

    await Keys.of(portunus).compromise()(kid=_kid(token))

    for process in (portunus.authenticate, authenticate, Keys.of(portunus).authenticate()):
        with pytest.raises(InvalidAccessToken):
            await process(access_token=token)
    again = await portunus.log_in()
    assert _kid(again.access_token) != _kid(token)
    await authenticate(access_token=again.access_token)
    assert await keys.states() == ["compromised", "active", "announced"]
    assert portunus.events.all == [SigningKeyCompromised(_kid(token))] * 3  # each process that knew it
    assert _kid(token) not in {key.kid for key in (await portunus.publish_key_set()).keys}
    assert (await portunus.store.live.read_revocations(None, limit=10)).kids == (_kid(token),)


async def test_ks05_tokens_of_other_keys_outlive_a_compromise(keys: Keys) -> None:
    portunus = keys.portunus
    portunus.clock.advance(KEY_POLICY.announced_for)
    old = (await portunus.log_in()).access_token
    chosen = await keys.rotate()()
    await portunus.authenticate(access_token=old)
    new = (await portunus.log_in()).access_token
    assert _kid(new) == chosen.kid

    await keys.compromise()(kid=_kid(old))

    await portunus.authenticate(access_token=new)
    with pytest.raises(InvalidAccessToken):
        await portunus.authenticate(access_token=old)


async def test_a_compromised_key_is_told_of_while_others_may_have_a_key_set_with_it(keys: Keys) -> None:
    portunus, policy = keys.portunus, replace(KEY_POLICY, access=timedelta(minutes=1))
    kid = _kid((await portunus.log_in()).access_token)
    compromise = CompromiseSigningKey(store=portunus.store, signing_keys=keys.ring, key_policy=policy)

    await compromise(kid=kid)
    portunus.clock.advance(policy.reload + 2 * policy.max_age)  # a process that had not heard, a cache, and who reads from it

    assert (await portunus.store.live.read_revocations(None, limit=10)).kids == (kid,)


async def test_what_is_no_key_cannot_be_compromised(keys: Keys) -> None:
    with pytest.raises(SigningKeyUnknown):
        await keys.compromise()(kid="x")

    assert await keys.states() == ["active", "announced"]


async def test_under_another_secret_no_key_is_made(keys: Keys) -> None:
    other = Keys.of(keys.portunus, secret=OTHER_SECRET)
    keys.portunus.clock.advance(KEY_POLICY.signs_for)
    before = (await keys.portunus.store.live.read_key_ring()).keys

    for act in (other.rotate(), other.rotate_due()):
        with pytest.raises(NoSigningKey):
            await act()
    with pytest.raises(NoSigningKey):
        await other.compromise()(kid=before[0].kid)
    with pytest.raises(NoSigningKey):
        await other.import_()(pem=_pem(ec.generate_private_key(ec.SECP256R1())))

    assert (await keys.portunus.store.live.read_key_ring()).keys == before


def _pem(key: ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey) -> bytes:
    form = serialization.PrivateFormat.PKCS8
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())


async def test_an_imported_key_is_the_next_one(keys: Keys) -> None:
    pair = ec.generate_private_key(ec.SECP256R1())

    imported = await keys.import_()(pem=_pem(pair))

    assert await keys.states() == ["active", "retired", "announced"]
    await keys.rotate()()
    await FollowKeyRing(signing_keys=keys.portunus.key_ring)()
    keys.portunus.clock.advance(KEY_POLICY.announced_for)
    token = (await keys.portunus.log_in()).access_token
    assert _kid(token) == imported.kid
    jwt.decode(token, pair.public_key(), algorithms=["ES256"], options=NO_TIMES)


async def test_a_key_is_imported_once(keys: Keys) -> None:
    pem = _pem(ec.generate_private_key(ec.SECP256R1()))
    await keys.import_()(pem=pem)

    with pytest.raises(UnusableSigningKey, match="known here already"):
        await keys.import_()(pem=pem)


@pytest.mark.parametrize(
    ("pem", "why"),
    [
        (_pem(ec.generate_private_key(ec.SECP384R1())), "P-256"),
        (_pem(ed25519.Ed25519PrivateKey.generate()), "for EdDSA"),
        (_pem(rsa.generate_private_key(65537, 2048)), "for RS256"),
        (_pem(rsa.generate_private_key(65537, 1024)), "1024 bits is too weak"),  # noqa: S505 - on purpose
        (b"", "no private key in PEM"),
        (b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "no private key in PEM"),
        (
            ec.generate_private_key(ec.SECP256R1())
            .public_key()
            .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo),
            "no private key in PEM",
        ),
        (
            ec.generate_private_key(ec.SECP256R1()).private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.BestAvailableEncryption(b"x")
            ),
            "encrypted",
        ),
    ],
    ids=range(8),
)
async def test_ks01_what_is_no_strong_key_for_the_algorithm_is_not_imported(keys: Keys, pem: bytes, why: str) -> None:
    with pytest.raises(UnusableSigningKey, match=why):
        await keys.import_()(pem=pem)

    assert await keys.states() == ["active", "announced"]


async def test_keys_are_moved_to_the_newest_value_of_the_secret_one_by_one(keys: Keys) -> None:
    token = (await keys.portunus.log_in()).access_token
    both = Keys.of(keys.portunus, secret=f"{OTHER_SECRET},{SECRET}")
    moving = both.reseal()()
    first = await anext(moving)
    await moving.aclose()

    rest = [key async for key in both.reseal()()]

    assert first.moved
    assert [(key.moved, key.opened) for key in rest] == [(False, True), (True, True)]
    await Keys.of(keys.portunus, secret=OTHER_SECRET).authenticate()(access_token=token)


async def test_a_key_that_opens_under_no_value_is_told_and_left(keys: Keys) -> None:
    before = (await keys.portunus.store.live.read_key_ring()).keys

    told = [key async for key in Keys.of(keys.portunus, secret=OTHER_SECRET).reseal()()]

    assert [(key.moved, key.opened) for key in told] == [(False, False)] * 2
    assert (await keys.portunus.store.live.read_key_ring()).keys == before
