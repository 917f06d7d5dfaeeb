"""What becomes of a password between the request and the store."""

import time
import unicodedata

import pytest

from tests.http.api import Api, require_oauth_error, require_problem

COMMON = [
    *("passwordpassword", "Password1234567", "1234567890qwerty", "qwertyuiop12345", "123456789012345", "iloveyouiloveyou"),
    *("QwertyuiopAsdfg", "abcabcabcabcabc", "monkeymonkeymonkey", "1q2w3e4r5t6y7u8i", "letmein123456789", "aaaaaaaaaaaaaaaaaa"),
]
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
    began = time.perf_counter()
    answer = await api.sign_up(password="kqzjwvxp" * (length // 8) + "x" * (length % 8))

    assert answer.status_code == status
    assert time.perf_counter() - began < 1


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
