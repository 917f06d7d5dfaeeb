import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import Refusal
from domain.password import (
    InvalidPassword,
    PasswordCommon,
    PasswordHash,
    PasswordPersonal,
    PasswordPolicy,
    PasswordPredictable,
    PasswordTooLong,
    PasswordTooShort,
    PlainPassword,
)

POLICY = PasswordPolicy(minimum=15)
STRICT = PasswordPolicy(
    minimum=15, common=frozenset({"password", "dragon", "trustno1", "horse"}), context=frozenset({"portunus"})
)
EMOJI = "".join(chr(0x1F600 + n) for n in range(15))


@pytest.mark.parametrize("text", ["kqzjwvxpylmtrbd", EMOJI, "пароль из слов!", "836471927461820", "kqzjwvxpylmt" * 21 + "rbdc"])
def test_pw01_fifteen_code_points_of_any_kind_are_enough(text: str) -> None:
    PlainPassword.parse(text).require_strong(POLICY)


@pytest.mark.parametrize("text", ["", "x" * 14, "😀" * 14, "e\u0301" * 14])
def test_pw01_fewer_are_refused_and_the_answer_says_how_many(text: str) -> None:
    with pytest.raises(PasswordTooShort, match="15 characters"):
        PlainPassword.parse(text).require_strong(POLICY)


@pytest.mark.parametrize("text", ["x" * 257, "x" * 100_000, "😀" * 257])
def test_pw02_too_long_is_refused_before_any_hashing(text: str) -> None:
    with pytest.raises(PasswordTooLong):
        PlainPassword.parse(text)


def test_pw02_256_characters_of_four_bytes_are_the_most() -> None:
    assert len(PlainPassword.parse("😀" * 256).encoded) == 1024


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("passwordpassword", PasswordCommon),
        ("PassWord1234567", PasswordCommon),
        ("password83647192", PasswordCommon),
        ("1!password2024!!", PasswordCommon),
        ("trustno1trustno1", PasswordCommon),
        ("dragon password horse", PasswordCommon),
        ("JohnDoeJohnDoe!", PasswordPersonal),
        ("doe.john.doe.john", PasswordPersonal),
        ("j.smith j.smith", PasswordPersonal),
        ("Portunus2026!!!", PasswordPersonal),
        ("portunuspassword", PasswordPersonal),
        ("x" * 15, PasswordPredictable),
        (" " * 20, PasswordPredictable),
        ("abcabcabcabcabcab", PasswordPredictable),
        ("kqzjwvkqzjwvkqzjwv", PasswordPredictable),
        ("kqkkqqkqkqkkqkqqk", PasswordPredictable),
        ("123456789012345", PasswordPredictable),
        ("zyxwvutsrqponml", PasswordPredictable),
        ("QwertyuiopAsdfgh", PasswordPredictable),
        ("lkjhgfdsapoiuytr", PasswordPredictable),
        ("1qaz2wsx3edc4rfv", PasswordPredictable),
        ("abcdefgh12345678", PasswordPredictable),
        ("абвгдежзийклмно", PasswordPredictable),
    ],
)
def test_pw06_what_is_tried_first_is_refused_with_the_reason(text: str, why: type[Refusal]) -> None:
    with pytest.raises(why, match="unrelated words"):
        PlainPassword.parse(text).require_strong(STRICT, personal=("John.Doe", "j.smith"))


@pytest.mark.parametrize(
    "text",
    [
        "correct horse battery staple",
        "my dragon ate a horse",
        "johndoe is not the secret part",
        "portunus opens many a door",
        "password managers are a good thing",
        "qwerty keyboards annoy me",
        "kqzjwvxpylmtrbd1234",
    ],
)
def test_pw06_such_a_word_may_be_part_of_a_password(text: str) -> None:
    PlainPassword.parse(text).require_strong(STRICT, personal=("johndoe", "j.smith"))


def test_pw06_a_shorter_minimum_asks_for_less() -> None:
    short = PasswordPolicy(minimum=8, common=STRICT.common)

    PlainPassword.parse("kqzjwvxp").require_strong(short)
    PlainPassword.parse("dragonhorse").require_strong(short)
    for text in ("password", "kqzjkqzj", "12345678", "password12", "dragon99"):
        with pytest.raises((PasswordCommon, PasswordPredictable)):
            PlainPassword.parse(text).require_strong(short)


@given(st.lists(st.sampled_from(["password", "dragon", "johndoe", "qwerty", "1", "k", "!"]), min_size=4, max_size=12))
def test_pw06_letter_case_changes_nothing(parts: list[str]) -> None:
    answers = set()
    for text in ("".join(parts), "".join(parts).upper(), "".join(parts).title()):
        try:
            PlainPassword.parse(text).require_strong(STRICT, personal=("JohnDoe",))
            answers.add("")
        except Refusal as refusal:
            answers.add(refusal.code)

    assert len(answers) == 1


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=60))
def test_pw05_one_password_however_the_keyboard_composes_it(text: str) -> None:
    composed = PlainPassword.parse(unicodedata.normalize("NFC", text))

    assert PlainPassword.parse(unicodedata.normalize("NFD", text)) == composed


@pytest.mark.parametrize(("one", "other"), [("secret", "secret "), ("secret", "Secret"), ("ﬁ", "fi"), ("①", "1")])
def test_pw05_nothing_else_is_folded(one: str, other: str) -> None:
    assert PlainPassword.parse(one) != PlainPassword.parse(other)


def test_half_a_surrogate_pair_is_refused() -> None:
    with pytest.raises(InvalidPassword):
        PlainPassword.parse("x" * 20 + "\ud800")


def test_neither_a_password_nor_its_hash_shows_itself() -> None:
    assert "secret" not in repr(PlainPassword.parse("a secret")) + repr(PasswordHash("a secret"))
