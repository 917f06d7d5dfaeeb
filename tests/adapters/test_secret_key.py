import base64

import pytest

from adapters.security.sealing import CannotOpen, Seal
from adapters.security.secret_key import SecretKey, UnusableSecret
from tests.examples import SECRET

OTHER = "deadbeef00112233445566778899aabbccddeeff102938475665748392a1b0cf"


def test_hexadecimal_and_base64url_say_the_same_bytes() -> None:
    in_base64 = base64.urlsafe_b64encode(bytes.fromhex(SECRET)).decode()

    assert SecretKey.parse(SECRET).values == SecretKey.parse(in_base64).values
    assert SecretKey.parse(in_base64).values == SecretKey.parse(in_base64.rstrip("=")).values


def test_several_values_keep_their_order() -> None:
    assert SecretKey.parse(f"{OTHER}, {SECRET}").values == (bytes.fromhex(OTHER), bytes.fromhex(SECRET))


@pytest.mark.parametrize(
    "text",
    [
        "",
        ",",
        "your-secret-key",
        "changeme" * 8,
        "a" * 64,
        "0" * 64,
        base64.urlsafe_b64encode(bytes.fromhex(SECRET)[:31]).decode(),
        SECRET + "!",
        f"{SECRET},",
        "é" * 40,
        SECRET + "0",
    ],
)
def test_what_is_not_32_random_bytes_is_refused_without_a_word_of_it(text: str) -> None:
    with pytest.raises(UnusableSecret) as refusal:
        SecretKey.parse(text)

    assert len(text) < 3 or text not in str(refusal.value)


def test_one_value_twice_has_one_key_id_and_is_refused() -> None:
    with pytest.raises(UnusableSecret, match="key id"):
        SecretKey.parse(f"{SECRET},{SECRET}")


def test_every_use_has_a_key_of_its_own() -> None:
    secret = SecretKey.parse(SECRET)

    keys = {secret.derive(use)[0].key for use in ("refresh-mac", "signing-key", "audit")}

    assert len(keys) == 3
    assert all(len(key) == 32 for key in keys)
    assert SECRET not in repr(secret)
    assert repr(secret.values[0]) not in repr(secret)


def test_what_is_sealed_opens_in_its_place_only() -> None:
    seal = Seal(SecretKey.parse(SECRET), use="signing-key")
    sealed = seal.close(b"plain", bound_to=b"here")

    assert seal.open(sealed, bound_to=b"here") == b"plain"
    assert seal.close(b"plain", bound_to=b"here") != sealed
    with pytest.raises(CannotOpen):
        seal.open(sealed, bound_to=b"there")


@pytest.mark.parametrize("position", [0, 1, 2, 3, 14, 15, -1])
def test_what_is_sealed_does_not_open_when_it_was_changed(position: int) -> None:
    seal = Seal(SecretKey.parse(SECRET), use="signing-key")
    changed = bytearray(seal.close(b"plain", bound_to=b"here"))
    changed[position] ^= 1

    with pytest.raises(CannotOpen):
        seal.open(bytes(changed), bound_to=b"here")


@pytest.mark.parametrize("length", [0, 1, 2, 3, 14, 20])
def test_what_is_cut_short_does_not_open(length: int) -> None:
    seal = Seal(SecretKey.parse(SECRET), use="signing-key")

    with pytest.raises(CannotOpen):
        seal.open(seal.close(b"plain", bound_to=b"here")[:length], bound_to=b"here")


def test_what_an_older_value_sealed_opens_beside_the_newer() -> None:
    sealed = Seal(SecretKey.parse(SECRET), use="signing-key").close(b"plain", bound_to=b"here")

    assert Seal(SecretKey.parse(f"{OTHER},{SECRET}"), use="signing-key").open(sealed, bound_to=b"here") == b"plain"
    with pytest.raises(CannotOpen):
        Seal(SecretKey.parse(OTHER), use="signing-key").open(sealed, bound_to=b"here")
