import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed448, rsa
from cryptography.hazmat.primitives.serialization import load_der_public_key

from adapters.security.jws import CompactJws, Malformed, is_signed
from adapters.security.key_material import (
    ALGORITHMS,
    PublicKey,
    UnusableKey,
    generate,
    private_key,
    public_half,
    public_key,
    to_jwk,
)
from tests.forge import encode

VECTORS = Path(__file__).parents[1] / "vectors" / "wycheproof"
FILES = {
    "ES256": "ecdsa_secp256r1_sha256_p1363_test.json",
    "EdDSA": "ed25519_test.json",
    "RS256": "rsa_signature_2048_sha256_test.json",
    "HS256": "hmac_sha256_test.json",
}


def _vectors(algorithm: str) -> Iterator[tuple[dict[str, Any], PublicKey]]:
    for group in json.loads((VECTORS / FILES[algorithm]).read_text())["testGroups"]:
        for vector in group["tests"]:
            key: Any = (
                bytes.fromhex(vector["key"])
                if algorithm == "HS256"
                else load_der_public_key(bytes.fromhex(group["publicKeyDer"]))
            )
            try:
                yield vector, public_key(to_jwk(key, algorithm), algorithm)
            except UnusableKey:
                assert len(vector.get("key", "long" * 99)) < 64, "of all these only short shared keys are no keys"


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_tk18_wycheproofs_signatures_are_taken_and_refused_as_they_are_marked(algorithm: str) -> None:
    tried, wrong = 0, []
    for vector, key in _vectors(algorithm):
        message, signature = bytes.fromhex(vector["msg"]), bytes.fromhex(vector.get("sig") or vector.get("tag", ""))
        good = vector["result"] == "valid" and len(signature) >= 32  # half a MAC is valid there, and no signature here
        tried += 1
        if is_signed(message, signature, key=key, algorithm=algorithm) != good:
            wrong.append((vector["tcId"], vector["comment"]))

    assert tried > 100
    assert wrong == []


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize(
    "members",
    [{"use": "enc"}, {"use": ""}, {"key_ops": ["encrypt"]}, {"key_ops": []}, {"alg": "ES384"}, {"alg": "none"}],
    ids=str,
)
def test_tk18_a_key_that_is_not_for_this_is_refused_when_it_is_loaded(algorithm: str, members: dict[str, Any]) -> None:
    private = generate(algorithm)

    with pytest.raises(UnusableKey):
        public_key({**to_jwk(public_half(private), algorithm), **members}, algorithm)
    with pytest.raises(UnusableKey):
        private_key({**to_jwk(private, algorithm), **members}, algorithm)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_key_is_for_one_algorithm(algorithm: str) -> None:
    private = generate(algorithm)
    public_jwk, private_jwk = to_jwk(public_half(private), algorithm), to_jwk(private, algorithm)

    for other in {*ALGORITHMS, "ES384", "PS256", "none", ""} - {algorithm}:
        with pytest.raises(UnusableKey):
            public_key(public_jwk, other)
        with pytest.raises(UnusableKey):
            private_key(private_jwk, other)


WEAK: list[tuple[str, Callable[[], Any]]] = [
    ("ES256", lambda: ec.generate_private_key(ec.SECP384R1())),
    ("ES256", lambda: ec.generate_private_key(ec.SECP521R1())),
    ("ES256", lambda: ec.generate_private_key(ec.SECP256K1())),
    ("EdDSA", ed448.Ed448PrivateKey.generate),
    ("RS256", lambda: rsa.generate_private_key(65537, 1024)),  # noqa: S505 - weak on purpose
    ("RS256", lambda: rsa.generate_private_key(65537, 2040)),  # noqa: S505
    ("HS256", lambda: b"k" * 31),
    ("HS256", lambda: b""),
]


@pytest.mark.parametrize(("algorithm", "make"), WEAK)
def test_ks01_a_weak_key_or_one_on_another_curve_is_refused(algorithm: str, make: Callable[[], Any]) -> None:
    key, maker = make(), jwt.get_algorithm_by_name(algorithm)

    with pytest.raises(UnusableKey):
        private_key(maker.to_jwk(key, as_dict=True), algorithm)
    with pytest.raises(UnusableKey):
        public_key(maker.to_jwk(public_half(key), as_dict=True), algorithm)


@pytest.mark.parametrize(
    "jwk", [{}, {"kty": "EC"}, {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"}, {"kty": 1}, {"kty": "RSA", "n": "AQ"}]
)
@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_what_is_no_key_is_refused(algorithm: str, jwk: dict[str, Any]) -> None:
    with pytest.raises(UnusableKey):
        public_key(jwk, algorithm)


def test_rfc7515_appendix_a3_the_example_in_es256() -> None:
    jwk = {
        "kty": "EC",
        "crv": "P-256",
        "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
        "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
    }
    token = (
        "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ."
        "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"
    )

    jws = CompactJws.parse(token)

    assert jws.payload["iss"] == "joe"
    assert is_signed(jws.signed, jws.signature, key=public_key(jwk, "ES256"), algorithm="ES256")
    assert not is_signed(jws.signed + b"A", jws.signature, key=public_key(jwk, "ES256"), algorithm="ES256")


def test_rfc8037_appendix_a4_the_example_in_eddsa() -> None:
    jwk = {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}
    signed = b"eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc"
    signature = "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"

    assert is_signed(signed, _raw(signature), key=public_key(jwk, "EdDSA"), algorithm="EdDSA")


def _raw(segment: str) -> bytes:
    return CompactJws.parse(f"{encode(b'{}')}.{encode(b'{}')}.{segment}").signature


@pytest.mark.parametrize(
    "token", ["", ".", "..", "a.b", "a.b.c.d", "e30.e30.", ".e30.AA", "e30..AA", "e30.e30.AB", "e30.e30.AA=="]
)
def test_tk13_what_is_no_compact_jws_is_malformed(token: str) -> None:
    with pytest.raises(Malformed):
        CompactJws.parse(token)
