import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.password import InvalidPassword, PasswordHash, PasswordPolicy, PasswordTooLong, PasswordTooShort, PlainPassword

POLICY = PasswordPolicy(minimum=15)


@pytest.mark.parametrize("text", ["x" * 15, "😀" * 15, "пароль из слов!", " " * 15, "x" * 256])
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
