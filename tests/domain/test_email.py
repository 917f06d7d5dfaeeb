import pytest

from domain.email import EmailAddress, InvalidEmail


@pytest.mark.parametrize("text", ["a@b", "john.doe+tag@example.com", "jörg@example.com", "x" * 64 + "@example.com"])
def test_a_local_part_and_a_domain_are_an_address(text: str) -> None:
    assert EmailAddress(text).local_part == text.partition("@")[0]


@pytest.mark.parametrize(
    "text",
    ["", "a", "@b", "a@", "a@b@c", " a@b", "a@b ", "a b@c", "a@b\n", "a\r@b", "a\x00@b", "x" * 65 + "@b", "a@" + "b" * 253],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(InvalidEmail):
        EmailAddress(text)
