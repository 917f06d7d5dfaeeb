import argon2
import pytest
from passlib.hash import bcrypt

from adapters.security.argon2 import Argon2Cost, Argon2PasswordHasher
from adapters.security.hashing_pool import HashingPool
from application.ports.passwords import UnknownHashFormat
from domain.events import PasswordHashUnreadable
from domain.password import PasswordHash, PlainPassword
from tests.fakes import RecordedEvents

RIGHT, WRONG = PlainPassword.parse("correct horse battery staple"), PlainPassword.parse("incorrect horse battery")
CHEAP = Argon2Cost(memory=64, time=1)
UNREADABLE = [
    "",
    "x",
    "$argon2id$",
    "$argon2id$v=19$m=64,t=1,p=1$AA$AA",
    "$2b$04$short",
    "$1$abc$def",
    "{MD5}x",
    "$argon2i$v=19",
]


@pytest.fixture
def events() -> RecordedEvents:
    return RecordedEvents()


@pytest.fixture
def hasher(events: RecordedEvents) -> Argon2PasswordHasher:
    return Argon2PasswordHasher(HashingPool(), CHEAP, events)


async def test_pw08_by_default_a_hash_is_argon2id_at_owasps_floor_with_a_salt_of_its_own(events: RecordedEvents) -> None:
    hasher = Argon2PasswordHasher(HashingPool(), Argon2Cost(), events)

    one, other = await hasher.hash(RIGHT), await hasher.hash(RIGHT)

    assert one.text.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert one != other
    assert not hasher.is_outdated(one)


async def test_the_right_password_matches_and_no_other(hasher: Argon2PasswordHasher) -> None:
    known = await hasher.hash(RIGHT)

    assert await hasher.verify(RIGHT, known)
    assert not await hasher.verify(WRONG, known)
    assert not await hasher.verify(RIGHT, None)


async def test_pw03_all_bytes_count(hasher: Argon2PasswordHasher) -> None:
    known = await hasher.hash(PlainPassword.parse("x" * 80))

    assert not await hasher.verify(PlainPassword.parse("x" * 79 + "y"), known)
    assert not await hasher.verify(PlainPassword.parse("x" * 80 + "\0"), known)


@pytest.mark.parametrize("text", UNREADABLE)
async def test_pw13_a_hash_that_cannot_be_read_is_a_wrong_password_and_is_told(
    hasher: Argon2PasswordHasher, events: RecordedEvents, text: str
) -> None:
    assert not await hasher.verify(RIGHT, PasswordHash(text))

    assert events.all == [PasswordHashUnreadable()]


@pytest.mark.parametrize("ident", ["2a", "2b", "2y"])
async def test_pw09_bcrypt_from_elsewhere_verifies_and_is_outdated(
    hasher: Argon2PasswordHasher, events: RecordedEvents, ident: str
) -> None:
    known = PasswordHash(bcrypt.using(rounds=4, ident=ident).hash(RIGHT.text))

    hasher.require_readable(known)
    assert await hasher.verify(RIGHT, known)
    assert not await hasher.verify(WRONG, known)
    assert hasher.is_outdated(known)
    assert events.all == []


@pytest.mark.parametrize("text", ["x" * 80, "x" * 73, "x" * 10 + "\0" + "x" * 10])
async def test_pw10_a_password_that_bcrypt_cannot_take_is_a_wrong_one(hasher: Argon2PasswordHasher, text: str) -> None:
    known = PasswordHash(bcrypt.using(rounds=4).hash("x" * 72))

    assert not await hasher.verify(PlainPassword.parse(text), known)


async def test_pw09_a_weaker_argon2_hash_is_outdated(hasher: Argon2PasswordHasher) -> None:
    weaker = argon2.PasswordHasher(time_cost=1, memory_cost=32, parallelism=1).hash(RIGHT.text)

    assert await hasher.verify(RIGHT, PasswordHash(weaker))
    assert hasher.is_outdated(PasswordHash(weaker))


@pytest.mark.parametrize(
    "text",
    [
        "$2b$31$" + "a" * 53,
        "$2b$16$" + "a" * 53,
        "$argon2id$v=19$m=4194304,t=1,p=1$c29tZXNhbHQ$aGFzaGhhc2hoYXNo",
        "$argon2id$v=19$m=64,t=1000000,p=1$c29tZXNhbHQ$aGFzaGhhc2hoYXNo",
        "$argon2id$v=19$m=262144,t=1,p=32768$c29tZXNhbHQ$aGFzaGhhc2hoYXNo",
        *[text for text in UNREADABLE if not text.startswith("$argon2id$v=19$m=64")],
    ],
)
def test_a_hash_of_no_known_form_or_at_any_price_is_refused(hasher: Argon2PasswordHasher, text: str) -> None:
    with pytest.raises(UnknownHashFormat):
        hasher.require_readable(PasswordHash(text))
