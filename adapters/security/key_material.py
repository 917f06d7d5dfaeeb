"""Keys of the four algorithms, as JWKs (RFC 7517) and as objects. Each is for one algorithm, and none is weak."""

import hashlib
import json
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from typing import Any

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key

Jwk = Mapping[str, Any]
PublicKey = ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey | rsa.RSAPublicKey | bytes
PrivateKey = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey | bytes

ALGORITHMS = ("ES256", "EdDSA", "RS256", "HS256")
_SHARED = "HS256"
_RSA_BITS = 2048
_SECRET_BYTES = 32
_PUBLIC_MEMBERS = {"EC": ("crv", "kty", "x", "y"), "RSA": ("e", "kty", "n"), "OKP": ("crv", "kty", "x"), "oct": ("k", "kty")}


class UnusableKey(ValueError):
    """Why a key cannot be used, without a word of it."""


def is_shared(algorithm: str) -> bool:
    """Whether who verifies could also sign, so that there is nothing to publish."""
    return algorithm == _SHARED


def generate(algorithm: str) -> PrivateKey:
    match algorithm:
        case "ES256":
            return ec.generate_private_key(ec.SECP256R1())
        case "EdDSA":
            return ed25519.Ed25519PrivateKey.generate()
        case "RS256":
            return rsa.generate_private_key(public_exponent=65537, key_size=_RSA_BITS)
        case "HS256":
            return secrets.token_bytes(_SECRET_BYTES)
    raise UnusableKey(f"{algorithm} is none of {', '.join(ALGORITHMS)}.")


def public_half(private: PrivateKey) -> PublicKey:
    return private if isinstance(private, bytes) else private.public_key()


def to_jwk(key: PublicKey | PrivateKey, algorithm: str) -> dict[str, str]:
    made: dict[str, Any] = jwt.get_algorithm_by_name(algorithm).to_jwk(key, as_dict=True)
    made.pop("key_ops", None)
    return made


def public_key(jwk: Jwk, algorithm: str) -> PublicKey:
    """Raises `UnusableKey` unless it is a strong key for verifying with `algorithm`, and for nothing else."""
    key = _read(jwk, algorithm, operation="verify")
    if not isinstance(key, ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey | rsa.RSAPublicKey | bytes):
        raise UnusableKey("It is no public key.")
    require_strong(key, algorithm)
    return key


def private_key(jwk: Jwk, algorithm: str) -> PrivateKey:
    """Raises `UnusableKey` unless it is a strong key for signing with `algorithm`, and for nothing else."""
    key = _read(jwk, algorithm, operation="sign")
    if not isinstance(key, ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey | bytes):
        raise UnusableKey("It is no private key.")
    require_strong(public_half(key), algorithm)
    return key


def require_strong(key: PublicKey, algorithm: str) -> None:
    match algorithm, key:
        case "ES256", ec.EllipticCurvePublicKey():
            if not isinstance(key.curve, ec.SECP256R1):
                raise UnusableKey("ES256 is for keys on the curve P-256.")
        case "EdDSA", ed25519.Ed25519PublicKey():
            pass
        case "RS256", rsa.RSAPublicKey():
            if key.key_size < _RSA_BITS:
                raise UnusableKey(f"An RSA key of {key.key_size} bits is too weak: at least {_RSA_BITS}.")
        case "HS256", bytes():
            if len(key) < _SECRET_BYTES:
                raise UnusableKey(f"A shared key of {len(key)} bytes is too weak: at least {_SECRET_BYTES}.")
        case _:
            raise UnusableKey(f"It is no key for {algorithm}.")


def read_pem(pem: bytes) -> tuple[PrivateKey, str]:
    """A private key, and the algorithm that it is for. Raises `UnusableKey`."""
    try:
        key = load_pem_private_key(pem, password=None)
    except TypeError:
        raise UnusableKey("It is encrypted: decrypt it first.") from None
    except (ValueError, UnsupportedAlgorithm):
        raise UnusableKey("It is no private key in PEM.") from None
    match key:
        case ec.EllipticCurvePrivateKey():
            algorithm = "ES256"
        case ed25519.Ed25519PrivateKey():
            algorithm = "EdDSA"
        case rsa.RSAPrivateKey():
            algorithm = "RS256"
        case _:
            raise UnusableKey("Only keys on P-256, Ed25519 keys and RSA keys sign access tokens.")
    require_strong(key.public_key(), algorithm)
    return key, algorithm


def published_form(jwk: Jwk, *, kid: str, algorithm: str) -> dict[str, str]:
    return {"kid": kid, "use": "sig", "alg": algorithm, **_public_members(jwk)}


def thumbprint(jwk: Jwk) -> str:
    """RFC 7638: SHA-256 over the required members in lexical order."""
    text = json.dumps(_public_members(jwk), sort_keys=True, separators=(",", ":"))
    return urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()


def _read(jwk: Jwk, algorithm: str, *, operation: str) -> object:
    if algorithm not in ALGORITHMS or jwk.get("alg", algorithm) != algorithm:
        raise UnusableKey(f"It is no key for {algorithm}.")
    if jwk.get("use", "sig") != "sig" or operation not in jwk.get("key_ops", [operation]):
        raise UnusableKey("It is not for signatures.")  # RFC 7517 4.2, 4.3
    try:
        key: object = jwt.get_algorithm_by_name(algorithm).from_jwk(dict(jwk))
    except (jwt.PyJWTError, ValueError, TypeError, KeyError):
        raise UnusableKey(f"It is no key for {algorithm}.") from None
    return key


def _public_members(jwk: Jwk) -> dict[str, str]:
    return {name: jwk[name] for name in _PUBLIC_MEMBERS[jwk["kty"]]}
