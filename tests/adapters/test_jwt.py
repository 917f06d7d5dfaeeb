import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from adapters.memory.store import MemoryStore
from adapters.security.jwt import JwtAccessTokens
from adapters.security.key_ring import KeyRing, OpenKey
from adapters.security.secret_key import SecretKey
from domain.actor import InvalidAccessToken
from domain.session import Lifetimes, Session, SessionId
from domain.user import UserId
from tests.examples import SECRET
from tests.fakes import FakeClock, RecordedEvents

ISSUER = "https://id.example.com"
USER, SESSION = UserId(UUID(int=1)), SessionId(UUID(int=2))
ACCESS = timedelta(minutes=15)

Claims = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Forge:
    """Makes tokens as we do, and as we never would."""

    tokens: JwtAccessTokens
    key: OpenKey
    clock: FakeClock

    def claims(self, **changed: Any) -> Claims:
        now = int(self.clock.now().timestamp())
        claims = {
            "iss": ISSUER,
            "sub": str(USER),
            "aud": ISSUER,
            "exp": now + 900,
            "iat": now,
            "jti": "x",
            "sid": str(SESSION),
            "client_id": "portunus",
        }
        return {name: value for name, value in {**claims, **changed}.items() if value is not ...}

    def header(self, **changed: Any) -> Claims:
        header = {"alg": "ES256", "typ": "at+jwt", "kid": self.key.kid}
        return {name: value for name, value in {**header, **changed}.items() if value is not ...}

    def sign(self, header: str, payload: str) -> str:
        signed = f"{_encode(header.encode())}.{_encode(payload.encode())}"
        signature = jwt.get_algorithm_by_name("ES256").sign(signed.encode(), self.key.private)
        return f"{signed}.{_encode(signature)}"

    def make(self, header: Claims | None = None, claims: Claims | None = None) -> str:
        return self.sign(json.dumps(header or self.header()), json.dumps(claims or self.claims()))


@pytest.fixture
async def forge(clock: FakeClock) -> Forge:
    store = MemoryStore(clock, Lifetimes())
    ring = KeyRing(store, SecretKey.parse(SECRET), RecordedEvents())
    async with store.begin() as work:
        await work.signing_keys.add_if_absent(ring.make(ordinal=1, at=clock.now()))
        await work.commit()
    [key] = (await ring.keys()).values()
    return Forge(JwtAccessTokens(ring, clock, issuer=ISSUER, audience=ISSUER), key, clock)


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


async def _issue(forge: Forge) -> str:
    now = forge.clock.now()
    session = Session(
        id=SESSION,
        user_id=USER,
        generation=0,
        secret_digest=b"",
        created_at=now,
        rotated_at=now,
        access_until=now + ACCESS,
    )
    return await forge.tokens.issue(session, expires_at=session.access_until)


async def test_tk01_a_token_has_the_claims_of_rfc_9068_and_no_more(forge: Forge) -> None:
    token = await _issue(forge)

    claims = jwt.decode(token, options={"verify_signature": False})
    assert jwt.get_unverified_header(token) == forge.header()
    assert claims == forge.claims(jti=claims["jti"])
    assert (await _issue(forge)) != token


async def test_what_was_issued_is_read(forge: Forge) -> None:
    for token in (await _issue(forge), forge.make()):
        claims = await forge.tokens.read(token)

        assert (claims.user_id, claims.session_id) == (USER, SESSION)


@pytest.mark.parametrize(("seconds", "good"), [(899, True), (904, True), (905, False), (910, False)])
async def test_tk09_a_token_expires_with_five_seconds_of_leeway(forge: Forge, seconds: int, good: bool) -> None:
    token = forge.make()
    forge.clock.advance(timedelta(seconds=seconds - 0.25))

    if good:
        await forge.tokens.read(token)
    else:
        with pytest.raises(InvalidAccessToken):
            await forge.tokens.read(token)
    await forge.tokens.read_expired(token)


CLAIMS: list[Claims] = [
    *({name: ...} for name in ("iss", "sub", "aud", "exp", "iat", "jti", "sid", "client_id")),
    *({"exp": value} for value in ("9999999999", 1e20, True, None, -1, 10**400, 1.5, [1], float(2**60))),
    *({"iat": value} for value in ("0", True, 10**20, -1, 1.5)),
    *({"iss": value} for value in ("https://id.example.com/", "HTTPS://id.example.com", "", [ISSUER], 1)),
    *({"aud": value} for value in ("https://other.example.com", [ISSUER], [], "", 1)),
    *({"sub": value} for value in ("johndoe", "", 1, None)),
    *({"sid": value} for value in ("", "x", 1, None, "..")),
    *({"client_id": value} for value in ("other", "", None)),
    {"nbf": 0},
    {"scope": "admin"},
    {"jti": 1},
]


@pytest.mark.parametrize("changed", CLAIMS, ids=lambda changed: str(changed)[:40])
async def test_tk08_tk10_a_signed_token_with_another_claim_is_refused(forge: Forge, changed: Claims) -> None:
    token = forge.make(claims=forge.claims(**changed))

    for read in (forge.tokens.read, forge.tokens.read_expired):
        with pytest.raises(InvalidAccessToken):
            await read(token)


async def test_tk09_a_life_beyond_the_cap_or_a_birth_in_the_future_is_refused(forge: Forge) -> None:
    now = int(forge.clock.now().timestamp())

    for changed in ({"exp": now + 3601}, {"iat": now + 62, "exp": now + 900}):
        with pytest.raises(InvalidAccessToken):
            await forge.tokens.read(forge.make(claims=forge.claims(**changed)))
    await forge.tokens.read(forge.make(claims=forge.claims(iat=now + 50)))


KIDS: tuple[Any, ...] = (..., "", "../../etc/passwd", "' OR 1=1 --", "a\0b", "x" * 4096, 1, None, ["x"], {})
HEADERS: list[Claims] = [
    *({"typ": value} for value in (..., "JWT", "id+jwt", "logout+jwt", "rt+jwt", "AT+JWT", "application/at+jwt", None, 1)),
    *({"alg": value} for value in (..., "none", "None", "nOnE", "HS256", "RS256", "EdDSA", "ES384", None, 1, ["ES256"])),
    *({"kid": value} for value in KIDS),
    *({name: "x"} for name in ("jku", "x5u", "x5c", "x5t", "cty", "jwk", "nonce")),
    {"crit": ["exp"]},
    {"b64": False, "crit": ["b64"]},
]


@pytest.mark.parametrize("changed", HEADERS, ids=lambda changed: str(changed)[:40])
async def test_tk03_tk05_tk06_tk07_tk11_a_signed_token_with_another_header_is_refused(forge: Forge, changed: Claims) -> None:
    with pytest.raises(InvalidAccessToken):
        await forge.tokens.read(forge.make(header=forge.header(**changed)))


PUBLIC_FORMS: list[Callable[[OpenKey], bytes]] = [
    lambda key: key.public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo),
    lambda key: key.public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).replace(
        b"\n", b"\r\n"
    ),
    lambda key: key.public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).strip(),
    lambda key: key.public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo),
    lambda key: key.public.public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH),
    lambda key: json.dumps(dict(key.published.jwk)).encode(),
    lambda key: json.dumps({"keys": [dict(key.published.jwk)]}).encode(),
    lambda _: b"",
]


@pytest.mark.parametrize("form", PUBLIC_FORMS)
@pytest.mark.parametrize("algorithm", ["HS256", "ES256"])
async def test_tk04_the_public_key_is_no_secret(forge: Forge, form: Callable[[OpenKey], bytes], algorithm: str) -> None:
    signed = f"{_encode(json.dumps(forge.header(alg=algorithm)).encode())}.{_encode(json.dumps(forge.claims()).encode())}"
    mac = hmac.digest(form(forge.key), signed.encode(), hashlib.sha256)

    with pytest.raises(InvalidAccessToken):
        await forge.tokens.read(f"{signed}.{_encode(mac)}")


async def test_a_token_of_another_key_is_refused(forge: Forge) -> None:
    other = ec.generate_private_key(ec.SECP256R1())
    token = jwt.encode(forge.claims(), other, algorithm="ES256", headers=forge.header())

    with pytest.raises(InvalidAccessToken):
        await forge.tokens.read(token)


@pytest.mark.parametrize(
    "change",
    [
        lambda token: token + "=",
        lambda token: token + "==",
        lambda token: token + "\n",
        lambda token: " " + token,
        lambda token: token + ".",
        lambda token: token + "." + token,
        lambda token: token.replace(".", "..", 1),
        lambda token: token.rpartition(".")[0],
        lambda token: token.rpartition(".")[0] + ".",
        lambda token: token.replace("_", "/").replace("-", "+") + "+",
        lambda token: token[:-1] + chr(ord(token[-1]) + 1),
        lambda token: token[:10] + "\0" + token[10:],
        lambda token: token[:10] + "é" + token[10:],
        lambda token: json.dumps({"payload": token.split(".")[1], "signature": token.split(".")[2]}),
        lambda _: "A" * 8193,
        lambda _: "",
    ],
)
async def test_tk13_a_token_has_one_spelling(forge: Forge, change: Callable[[str], str]) -> None:
    with pytest.raises(InvalidAccessToken):
        await forge.tokens.read(change(forge.make()))


@pytest.mark.parametrize(
    ("header", "payload"),
    [
        ('{"alg":"ES256","alg":"ES256","typ":"at+jwt","kid":"KID"}', None),
        (None, '{"sub":"a",' + '"sub":"b"}'),
        (None, "[" * 3000),
        (None, '{"exp":' + "9" * 5000 + "}"),
        (None, '{"exp":NaN}'),
        (None, '{"exp":1e999}'),
        (None, '"text"'),
        (None, "[]"),
        ("null", None),
        ("\ufeff{}", None),
        ("{}", None),
    ],
    ids=range(11),
)
async def test_tk14_tk15_what_is_no_plain_object_is_refused(forge: Forge, header: str | None, payload: str | None) -> None:
    head = header.replace("KID", forge.key.kid) if header else json.dumps(forge.header())

    with pytest.raises(InvalidAccessToken):
        await forge.tokens.read(forge.sign(head, payload or json.dumps(forge.claims())))
