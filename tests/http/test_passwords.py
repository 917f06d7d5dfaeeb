"""What becomes of a password between the request and the store."""

import asyncio
import time
import unicodedata
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from passlib.hash import bcrypt

from adapters.security.argon2 import Argon2PasswordHasher
from adapters.security.hashing_pool import HashingPool
from application.accounts.register_user import RegisterUser
from application.sessions.login import Login
from domain.hashing_cost import HashingCost
from domain.password import PlainPassword
from domain.username import Username
from tests.examples import PASSWORD, a_stored_user, a_user
from tests.fakes import RecordedEvents
from tests.foreign_hashes import KNOWN, TOO_DEAR
from tests.http.api import Api, an_api, require_oauth_error, require_problem
from tests.ranges import lines_of, serving_ranges

COMMON = [
    *("passwordpassword", "Password1234567", "1234567890qwerty", "qwertyuiop12345", "123456789012345", "iloveyouiloveyou"),
    *("QwertyuiopAsdfg", "abcabcabcabcabc", "monkeymonkeymonkey", "1q2w3e4r5t6y7u8i", "letmein123456789", "aaaaaaaaaaaaaaaaaa"),
]
LEAKED = "leaked once from elsewhere"
ANY_KIND = [
    "kqzjwvxpylmtrbdnfghscuoiaebdfhjl",
    "四字熟語は覚えやすい合言葉になります",
    "😀🐙🌋🎻🧭🪁🧩🦜🛶🪶🧵🥁🦔🌾🪐",
    " kqz jwv xpy lmt",
    "пароль из слов!",
]


async def _can_be_used(api: Api, password: str) -> None:
    assert (await api.sign_up(password=password)).status_code == 201
    assert (await api.token(username="johndoe", password=password)).status_code == 200


async def test_pw01_fourteen_characters_are_422_and_fifteen_are_201(api: Api) -> None:
    fifteen = "kqzjwvxpylmtrbd"

    body = require_problem(await api.sign_up(password=fifteen[:14]), 422, "password_too_short")

    assert body["errors"][0]["pointer"] == "#/password"
    assert (await api.sign_up(password=fifteen)).status_code == 201


async def test_pw01_characters_are_counted_once_composed(api: Api) -> None:
    decomposed = unicodedata.normalize("NFD", "éèàùâêîôûëïüÿç")  # 14 characters, of 28 code points

    require_problem(await api.sign_up(password=decomposed), 422, "password_too_short")


@pytest.mark.parametrize("password", [("kqzjwvxpylmtrbdn" * 16)[:-1] + "!", "correct horse " * 4 + "battery!"])
async def test_pw02_64_and_256_characters_can_be_used(api: Api, password: str) -> None:
    assert len(password) in {64, 256}

    await _can_be_used(api, password)


@pytest.mark.parametrize(("length", "status"), [(257, 422), (5_000, 422), (1_000_000, 413)])
async def test_pw02_a_longer_one_is_refused_before_it_is_hashed(api: Api, length: int, status: int) -> None:
    began = time.process_time()
    answer = await api.sign_up(password="kqzjwvxp" * (length // 8) + "x" * (length % 8))

    assert answer.status_code == status
    assert time.process_time() - began < 1


@pytest.mark.parametrize("password", ANY_KIND)
async def test_pw04_any_kind_of_character_can_be_used_and_none_is_asked_for(api: Api, password: str) -> None:
    await _can_be_used(api, password)


async def test_pw05_one_password_however_the_keyboard_composes_it(api: Api) -> None:
    await api.sign_up(password=unicodedata.normalize("NFC", "crème brûlée à volonté"))

    answer = await api.token(username="johndoe", password=unicodedata.normalize("NFD", "crème brûlée à volonté"))

    assert answer.status_code == 200


@pytest.mark.parametrize(
    "other", ["Ⅸ correct horses ﬁt ", " Ⅸ correct horses ﬁt", "ⅸ CORRECT HORSES ﬁT", "IX correct horses fit"]
)
async def test_pw05_nothing_else_is_folded(api: Api, other: str) -> None:
    await api.sign_up(password="Ⅸ correct horses ﬁt")

    require_oauth_error(await api.token(username="johndoe", password=other), 401, "invalid_grant", "invalid_credentials")


@pytest.mark.parametrize("password", COMMON)
async def test_pw06_a_common_password_is_422_and_the_answer_says_what_to_do(api: Api, password: str) -> None:
    answer = await api.sign_up(password=password)

    body = answer.json()
    assert (answer.status_code, body["code"]) in {(422, "password_common"), (422, "password_predictable")}
    assert body["errors"][0]["pointer"] == "#/password"
    assert "unrelated words" in body["detail"]
    assert password not in answer.text


@pytest.mark.parametrize("password", ["johnnydoejohnnydoe", "JohnnyDoe-1234567", "sailor1sailor1sailor1", "portunusportunus!"])
async def test_pw06_the_users_and_the_services_names_are_422(api: Api, password: str) -> None:
    answer = await api.sign_up(username="johnnydoe", email="sailor1@example.com", password=password)

    require_problem(answer, 422, "password_personal")


async def test_pw07_a_leaked_password_is_422_at_sign_up_and_at_a_change_and_a_log_in_with_one_goes_on(tmp_path: Path) -> None:
    (tmp_path / "breached.txt").write_text("\n".join(lines_of([LEAKED, "something else"])))
    async with an_api(breached_passwords_file=tmp_path / "breached.txt") as api:
        refused = await api.sign_up(password=LEAKED)
        body = require_problem(refused, 422, "password_breached")
        assert body["errors"][0]["pointer"] == "#/password"
        assert "unrelated words" in body["detail"]
        assert LEAKED not in refused.text

        tokens = await api.log_in()
        changed = await api.http.post(
            "/users/me/password",
            json={"current_password": PASSWORD, "password": LEAKED},
            headers={"Authorization": f"Bearer {tokens['access_token']}"},
        )
        require_problem(changed, 422, "password_breached")

        (tmp_path / "breached.txt").write_text("\n".join(lines_of([LEAKED, PASSWORD])))
        assert (await api.token(username="johndoe", password=PASSWORD)).status_code == 200


async def test_pw07_a_password_that_a_service_knows_is_422() -> None:
    async with serving_ranges(LEAKED) as ranges, an_api(breached_passwords_url=ranges.url) as api:
        require_problem(await api.sign_up(password=LEAKED), 422, "password_breached")
        assert (await api.sign_up()).status_code == 201


async def test_pw07_a_service_that_is_broken_lets_sign_ups_through_within_a_second() -> None:
    async with serving_ranges(LEAKED, stalls=True) as ranges, an_api(breached_passwords_url=ranges.url) as api:
        began = time.perf_counter()
        first = await api.sign_up(password=LEAKED)
        took = time.perf_counter() - began
        second = await api.sign_up(username="another", password=LEAKED)

    assert (first.status_code, second.status_code) == (201, 201)
    assert took < 1
    assert len(ranges.asked) == 1


async def test_a_weak_password_is_asked_of_nobody() -> None:
    async with serving_ranges(LEAKED) as ranges, an_api(breached_passwords_url=ranges.url) as api:
        assert (await api.sign_up(password="passwordpassword")).status_code == 422

    assert ranges.asked == []


async def _stored_hash(api: Api, name: str) -> str:
    user = await api.store.live.find_by_username(Username(name))
    text: str = user.password_hash.text
    return text


@pytest.mark.parametrize(
    ("password", "other"),
    [
        ("kqzjwvxp" * 9 + "trueTail", "kqzjwvxp" * 9 + "fakeTail"),
        ("é四😀kqzjwvx" * 5 + "true tail", "é四😀kqzjwvx" * 5 + "fake tail"),
        ("kqzjwvxpylmtrbdn" * 15 + "true", "kqzjwvxpylmtrbdn" * 15 + "fake"),
        ("kqzjwvxp" * 9 + "trueTail", "kqzjwvxp" * 9),
    ],
    ids=["after byte 72", "of several bytes", "near the end", "cut"],
)
async def test_pw03_no_truncation(api: Api, password: str, other: str) -> None:
    await _can_be_used(api, password)

    require_oauth_error(await api.token(username="johndoe", password=other), 401, "invalid_grant", "invalid_credentials")


async def test_pw03_what_would_end_a_password_early_is_400(api: Api) -> None:
    require_problem(await api.sign_up(password="kqzjwvxpylmtrbdn\0tail"), 400, "invalid_json")
    require_oauth_error(
        await api.token(username="johndoe", password="kqzjwvxpylmtrbdn\0tail"), 400, "invalid_request", "invalid_form"
    )


async def test_pw08_what_is_stored_is_argon2id_of_the_settings_costs_and_never_the_same_twice(api: Api) -> None:
    for name in ("one", "two"):
        await api.sign_up(username=name)

    one, two = await _stored_hash(api, "one"), await _stored_hash(api, "two")

    assert one.startswith("$argon2id$v=19$m=64,t=1,p=1$")
    assert len(one.split("$")[4]) == 22  # 16 bytes of salt
    assert one != two


@pytest.mark.parametrize("name", KNOWN)
async def test_pw09_a_log_in_replaces_a_hash_from_elsewhere_by_argon2id(api: Api, name: str) -> None:
    await a_stored_user(api.store, a_user(password_hash=KNOWN[name]))

    refused = await api.token(username="johndoe", password="not the password at all")
    kept = await _stored_hash(api, "johndoe")
    answer = await api.token(username="johndoe", password=PASSWORD)

    assert (refused.status_code, answer.status_code) == (401, 200)
    assert kept == KNOWN[name]
    assert (await _stored_hash(api, "johndoe")).startswith("$argon2id$v=19$m=64,t=1,p=1$")
    assert (await api.me(answer.json()["access_token"])).status_code == 200
    assert (await api.token(username="johndoe", password=PASSWORD)).status_code == 200


async def test_pw09_a_log_in_replaces_an_argon2_hash_of_other_costs(api: Api) -> None:
    weaker = Argon2PasswordHasher(HashingPool(), HashingCost(memory=32, time=1), RecordedEvents())
    user = a_user()
    await a_stored_user(api.store, replace(user, password_hash=await weaker.hash(PlainPassword.parse(PASSWORD))))

    answer = await api.token(username="johndoe", password=PASSWORD)

    assert answer.status_code == 200
    assert (await _stored_hash(api, "johndoe")).startswith("$argon2id$v=19$m=64,t=1,p=1$")


@pytest.mark.parametrize("password", ["kqzjwvxp" * 10, "kqzjwvxp" * 9 + "x", "é" * 37])
async def test_pw10_a_password_over_72_bytes_is_401_where_the_hash_is_bcrypt(api: Api, password: str) -> None:
    await a_stored_user(api.store, a_user(password_hash=bcrypt.using(rounds=4).hash(password.encode()[:72])))

    answer = await api.token(username="johndoe", password=password)

    require_oauth_error(answer, 401, "invalid_grant", "invalid_credentials")


@pytest.mark.parametrize("text", ["x", "", "$argon2id$v=19$m=64,t=1,p=1$AA$AA", *TOO_DEAR.values()])
async def test_pw13_a_hash_that_cannot_be_read_is_answered_as_a_wrong_password(api: Api, text: str) -> None:
    await api.sign_up(username="other")
    await a_stored_user(api.store, a_user(password_hash=text))

    answer = await api.token(username="johndoe", password=PASSWORD)

    wrong = await api.token(username="other", password="not the password at all")
    assert (answer.status_code, answer.content) == (401, wrong.content)


async def test_pw11_pw12_a_flood_is_answered_503_early_and_stalls_nothing_else(api: Api) -> None:
    pool = HashingPool(threads=1, queue=2, patience=timedelta(seconds=10))
    slow = Argon2PasswordHasher(pool, HashingCost(), RecordedEvents())
    api.use_cases[Login] = replace(api.use_cases[Login], hasher=slow)
    flood = [asyncio.ensure_future(api.token(username="nobody", password="not a password")) for _ in range(40)]
    await asyncio.sleep(0)

    began = time.perf_counter()
    live = await api.http.get("/health/live")
    took = time.perf_counter() - began

    answers = await asyncio.gather(*flood)
    refused = [answer for answer in answers if answer.status_code == 503]
    assert live.status_code == 200
    assert took < 1
    assert {answer.status_code for answer in answers} == {401, 503}
    assert len(refused) >= 30
    for answer in refused:
        require_problem(answer, 503, "overloaded")
        assert int(answer.headers["retry-after"]) >= 1


async def test_pw11_sign_up_is_answered_503_when_the_queue_is_full(api: Api) -> None:
    pool = HashingPool(threads=1, queue=0, patience=timedelta(milliseconds=1))
    api.use_cases[RegisterUser] = replace(
        api.use_cases[RegisterUser], hasher=Argon2PasswordHasher(pool, HashingCost(), RecordedEvents())
    )

    answers = await asyncio.gather(*(api.sign_up(username=f"user{number}") for number in range(10)))

    assert sorted({answer.status_code for answer in answers}) == [201, 503]
