import pytest

from domain.username import InvalidUsername, Username, UsernameReserved


@pytest.mark.parametrize("text", ["a", "0", "Ada.Lovelace", "a_b-c.d", "x" * 64, "K2"])
def test_ascii_letters_digits_and_three_signs_are_a_name(text: str) -> None:
    assert Username(text).shown == text


@pytest.mark.parametrize(
    "text",
    ["", "x" * 65, ".a", "-a", "_a", "a b", "a@b", "a\n", "a\x00", "é", "\u212aelvin", "\uff41da", "a/b", "\u0430da", "٣"],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(InvalidUsername):
        Username(text)


def test_two_spellings_of_one_name_have_one_key() -> None:
    assert Username("JohnDoe").key == Username("johndoe").key == "johndoe"


def test_parsing_forgives_space_around_a_name_and_none_within() -> None:
    assert Username.parse("  ada\n") == Username("ada")
    for text in ("a da", "\u2003ada", "ada\u2028", "\x85ada", "ada\x1c", "\ufeffada"):
        with pytest.raises(InvalidUsername):
            Username.parse(text)


@pytest.mark.parametrize(
    "text", ["admin", "ROOT", "Me", "01a20e6c-ae10-77cc-8912-62dd01a7275a", "01a20e6cae1077cc891262dd01a7275a"]
)
def test_reserved_names_and_uuids_are_refused_to_new_users_only(text: str) -> None:
    name = Username(text)

    with pytest.raises(UsernameReserved):
        name.require_unreserved()
