import time

import argon2
import pytest
from passlib.hash import bcrypt, sha512_crypt

from adapters.security.argon2 import Argon2PasswordHasher
from adapters.security.hashing_pool import HashingPool
from application.ports.passwords import UnknownHashFormat
from domain.events import PasswordHashUnreadable
from domain.hashing_cost import HashingCost
from domain.password import PasswordHash, PlainPassword
from tests.examples import PASSWORD
from tests.fakes import RecordedEvents
from tests.foreign_hashes import KNOWN, TOO_DEAR

RIGHT, WRONG = PlainPassword.parse(PASSWORD), PlainPassword.parse("incorrect horse battery")
CHEAP = HashingCost(memory=64, time=1)
UNREADABLE = [
    "",
    "x",
    "$argon2id$",
    "$argon2id$v=19$m=64,t=1,p=1$AA$AA",
    "$2b$04$short",
    "$1$abc$def",
    "$2$04$" + "a" * 53,
    "$2x$04$" + "a" * 53,
    "$5$rounds=01000$saltsalt$" + "a" * 43,
    "$pbkdf2-sha256$1000$a$" + "a" * 43,
    "$scrypt$ln=0,r=8,p=1$c2FsdA$" + "a" * 43,
    "$scrypt$ln=4,r=0,p=1$c2FsdA$" + "a" * 43,
    "pbkdf2_sha256$1000$seasalt2$" + "a" * 42,
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
    hasher = Argon2PasswordHasher(HashingPool(), HashingCost(), events)

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


@pytest.mark.parametrize("name", KNOWN)
async def test_pw09_a_hash_from_elsewhere_verifies_and_is_outdated(
    hasher: Argon2PasswordHasher, events: RecordedEvents, name: str
) -> None:
    known = PasswordHash(KNOWN[name])

    hasher.require_readable(known)
    assert await hasher.verify(RIGHT, known)
    assert not await hasher.verify(WRONG, known)
    assert hasher.is_outdated(known) is (name != "argon2id")  # which costs as much as is asked for
    assert events.all == []


@pytest.mark.parametrize("name", TOO_DEAR)
async def test_pw13_a_hash_at_any_price_is_never_computed(
    hasher: Argon2PasswordHasher, events: RecordedEvents, name: str
) -> None:
    dear = PasswordHash(TOO_DEAR[name])

    with pytest.raises(UnknownHashFormat):
        hasher.require_readable(dear)
    began = time.process_time()
    assert not await hasher.verify(RIGHT, dear)

    assert time.process_time() - began < 1
    assert events.all == [PasswordHashUnreadable()]


@pytest.mark.parametrize("text", ["x" * 80, "x" * 73, "x" * 10 + "\0" + "x" * 10])
async def test_pw10_a_password_that_bcrypt_cannot_take_is_a_wrong_one(hasher: Argon2PasswordHasher, text: str) -> None:
    known = PasswordHash(bcrypt.using(rounds=4).hash("x" * 72))

    assert not await hasher.verify(PlainPassword.parse(text), known)


@pytest.mark.parametrize("text", ["é" * 129, "x" * 10 + "\0" + "x" * 10])
async def test_pw03_a_password_that_sha_crypt_is_not_given_as_a_whole_is_a_wrong_one(
    hasher: Argon2PasswordHasher, events: RecordedEvents, text: str
) -> None:
    cheap = sha512_crypt.using(rounds=1000)  # type: ignore[no-untyped-call]  # so its stubs have it
    known = PasswordHash(cheap.hash(text.partition("\0")[0]))

    assert not await hasher.verify(PlainPassword.parse(text), known)
    assert events.all == []


async def test_pw09_a_weaker_argon2_hash_is_outdated(hasher: Argon2PasswordHasher) -> None:
    weaker = argon2.PasswordHasher(time_cost=1, memory_cost=32, parallelism=1).hash(RIGHT.text)

    assert await hasher.verify(RIGHT, PasswordHash(weaker))
    assert hasher.is_outdated(PasswordHash(weaker))


@pytest.mark.parametrize(
    "text", [text for text in UNREADABLE if not text.startswith(("$argon2id$v=19$m=64", "$pbkdf2-sha256$1000$a$"))]
)
def test_pw13_a_hash_of_no_known_form_is_refused(hasher: Argon2PasswordHasher, text: str) -> None:
    with pytest.raises(UnknownHashFormat):
        hasher.require_readable(PasswordHash(text))
