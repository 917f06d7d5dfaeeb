"""A forger who holds the signing key: makes access tokens as Portunus does, and as it never would."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from adapters.security.key_ring import OpenKey

Members = dict[str, Any]

ISSUER = "https://id.example.com"
USER, SESSION = UUID(int=1), UUID(int=2)


def encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _changed(members: Members, changed: Members) -> Members:
    return {name: value for name, value in {**members, **changed}.items() if value is not ...}


@dataclass(frozen=True, slots=True, kw_only=True)
class Forge:
    """`...` as a value leaves the member out."""

    key: OpenKey
    now: Callable[[], datetime]
    user_id: UUID = USER
    session_id: UUID = SESSION
    issuer: str = ISSUER

    def claims(self, **changed: Any) -> Members:
        now = int(self.now().timestamp())
        claims = {
            "iss": self.issuer,
            "sub": str(self.user_id),
            "aud": self.issuer,
            "exp": now + 900,
            "iat": now,
            "jti": "x",
            "sid": str(self.session_id),
            "client_id": "portunus",
        }
        return _changed(claims, changed)

    def header(self, **changed: Any) -> Members:
        return _changed({"alg": self.key.algorithm, "typ": "at+jwt", "kid": self.key.kid}, changed)

    def sign(self, header: str, payload: str) -> str:
        signed = f"{encode(header.encode())}.{encode(payload.encode())}"
        signature = jwt.get_algorithm_by_name(self.key.algorithm).sign(signed.encode(), self.key.private)
        return f"{signed}.{encode(signature)}"

    def make(self, header: Members | None = None, claims: Members | None = None) -> str:
        return self.sign(json.dumps(header or self.header()), json.dumps(claims or self.claims()))

    def with_header(self, **changed: Any) -> str:
        return self.make(header=self.header(**changed))

    def with_claims(self, **changed: Any) -> str:
        return self.make(claims=self.claims(**changed))

    def unsigned(self, alg: Any, signature: str = "") -> str:
        return f"{encode(json.dumps(self.header(alg=alg)).encode())}.{encode(json.dumps(self.claims()).encode())}.{signature}"

    def macced(self, secret: bytes, *, alg: str, digest: Any = hashlib.sha256) -> str:
        signed = self.unsigned(alg).removesuffix(".")
        return f"{signed}.{encode(hmac.digest(secret, signed.encode(), digest))}"


def public_renderings(key: OpenKey) -> Iterator[tuple[str, bytes]]:
    """The public key in every form that somebody has taken for an HMAC secret."""
    assert not isinstance(key.public, bytes)
    assert key.published is not None
    form, encoding = serialization.PublicFormat, serialization.Encoding
    pem = key.public.public_bytes(encoding.PEM, form.SubjectPublicKeyInfo)
    jwk = dict(key.published.jwk)
    yield "pem", pem
    yield "pem_crlf", pem.replace(b"\n", b"\r\n")
    yield "pem_stripped", pem.strip()
    yield "pem_spaced", b" " + pem.replace(b"\n", b" \n") + b" "
    yield "pem_tabbed", pem.replace(b"\n", b"\t\n")
    yield "pem_one_line", pem.replace(b"\n", b"")
    yield "pem_lower", pem.lower()
    yield "der", key.public.public_bytes(encoding.DER, form.SubjectPublicKeyInfo)
    yield "der_base64", b"".join(pem.splitlines()[1:-1])
    yield "ssh", key.public.public_bytes(encoding.OpenSSH, form.OpenSSH)
    yield "ssh_line", key.public.public_bytes(encoding.OpenSSH, form.OpenSSH) + b" portunus\n"
    if isinstance(key.public, ec.EllipticCurvePublicKey):
        yield "point", key.public.public_bytes(encoding.X962, form.UncompressedPoint)
        yield "point_compressed", key.public.public_bytes(encoding.X962, form.CompressedPoint)
    yield "jwk", json.dumps(jwk).encode()
    yield "jwk_compact", json.dumps(jwk, separators=(",", ":"), sort_keys=True).encode()
    yield "jwks", json.dumps({"keys": [jwk]}).encode()
    yield "jwks_compact", json.dumps({"keys": [jwk]}, separators=(",", ":")).encode()
    yield "kid", key.kid.encode()
    yield "x_or_n", str(jwk.get("x", jwk.get("n"))).encode()
    yield "empty", b""
    yield "nul", b"\0"
