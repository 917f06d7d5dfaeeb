"""Access tokens that must be refused, by line of the security bar: each yields what is wrong, and the token."""

import base64
import hashlib
import json
from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import jwt
from cryptography.hazmat.primitives.asymmetric import ec

from tests.forge import Forge, Members, encode, public_renderings

ANOTHER_KEY = ec.generate_private_key(ec.SECP256R1())
_ANOTHER_JWK = jwt.get_algorithm_by_name("ES256").to_jwk(ANOTHER_KEY.public_key(), as_dict=True)
NONES: tuple[Any, ...] = (
    "none",
    "None",
    "NONE",
    "nOnE",
    "none ",
    " none",
    "none\0",
    "",
    None,
    0,
    False,
    [],
    {},
    ["none"],
    {"alg": "none"},
)
_OTHERS = {
    "HS256",
    "HS384",
    "HS512",
    "RS256",
    "RS384",
    "RS512",
    "PS256",
    "ES256",
    "ES256K",
    "ES384",
    "ES512",
    "EdDSA",
    "Ed25519",
}


def tk03_another_algorithm(forge: Forge) -> Iterator[tuple[str, str]]:
    for alg in NONES:
        yield f"unsigned {alg!r}", forge.unsigned(alg)
        yield f"signed {alg!r}", forge.with_header(alg=alg)
        yield f"with a stale signature {alg!r}", forge.unsigned(alg, forge.make().rpartition(".")[2])
    others: tuple[Any, ...] = (
        ...,
        *sorted(_OTHERS - {forge.key.algorithm}),
        forge.key.algorithm.lower(),
        "A128KW",
        "dir",
        1,
        True,
        [forge.key.algorithm],
    )
    for alg in others:
        yield f"alg {alg!r}", forge.with_header(alg=alg)
    plain = json.dumps(forge.header())
    for twice in ('{"alg":"none",' + plain[1:], plain[:-1] + ',"alg":"none"}', plain[:-1] + ',"\\u0061lg":"none"}'):
        yield f"alg twice {twice[:30]}", forge.sign(twice, json.dumps(forge.claims()))


def tk04_the_public_key_as_a_secret(forge: Forge) -> Iterator[tuple[str, str]]:
    digests = {"HS256": hashlib.sha256, "HS384": hashlib.sha384, "HS512": hashlib.sha512, forge.key.algorithm: hashlib.sha256}
    for name, rendering in public_renderings(forge.key):
        for alg, digest in digests.items():
            yield f"{name} {alg}", forge.macced(rendering, alg=alg, digest=digest)


def tk05_a_key_of_its_own(forge: Forge) -> Iterator[tuple[str, str]]:
    brought: Members = {
        "jwk": _ANOTHER_JWK,
        "jku": "https://attacker.example.com/jwks.json",
        "x5u": "https://attacker.example.com/chain.pem",
        "x5c": ["MIIB"],
        "x5t": "x",
        "x5t#S256": "x",
        "cty": "JWT",
        "zip": "DEF",
        "nonce": "x",
        "url": "https://id.example.com",
        "enc": "A128GCM",
        "": "",
    }
    for name, value in brought.items():
        header = forge.header(**{name: value})
        yield f"{name}, by our key", forge.make(header=header)
        yield (
            f"{name}, by its own",
            jwt.encode(forge.claims(), ANOTHER_KEY, algorithm="ES256", headers={**header, "alg": "ES256"}),
        )
    yield (
        "another key under our kid",
        jwt.encode(forge.claims(), ANOTHER_KEY, algorithm="ES256", headers=forge.header(alg="ES256")),
    )


def tk06_another_kid(forge: Forge) -> Iterator[tuple[str, str]]:
    kids: tuple[Any, ...] = (
        *(..., "", "../../../../dev/null", "/etc/passwd", "' OR '1'='1' --", "x' UNION SELECT 'secret", "a\0b", "x" * 4096),
        *("https://attacker.example.com/key", "file:///dev/null", "|id", "$(id)", "${jndi:ldap://x}", "\ud800", "__proto__"),
        *(1, 0, 1.5, None, True, [forge.key.kid], {"kid": forge.key.kid}, forge.key.kid + "\0", forge.key.kid + " "),
        *(" " + forge.key.kid, forge.key.kid.swapcase(), forge.key.kid[:-1]),
    )
    for kid in kids:
        yield f"kid {str(kid)[:40]!r}", forge.with_header(kid=kid)


def tk07_critical_extensions(forge: Forge) -> Iterator[tuple[str, str]]:
    crits: tuple[Any, ...] = (["exp"], ["b64"], [], ["x"], "exp", None, {}, ["alg", "kid"])
    extensions: tuple[Members, ...] = (
        *({"crit": value} for value in crits),
        {"b64": False},
        {"b64": True},
        {"b64": False, "crit": ["b64"]},
        {"crit": ["x"], "x": 1},
    )
    for members in extensions:
        yield str(members), forge.with_header(**members)
    header, payload = encode(json.dumps(forge.header(b64=False, crit=["b64"])).encode()), json.dumps(forge.claims())
    signature = jwt.get_algorithm_by_name(forge.key.algorithm).sign(f"{header}.{payload}".encode(), forge.key.private)
    yield "detached", f"{header}..{encode(signature)}"


def tk08_numbers(forge: Forge) -> Iterator[tuple[str, str]]:
    far = 9999999999
    for name in ("exp", "iat"):
        hostile: tuple[Any, ...] = (
            str(far),
            "",
            True,
            None,
            -1,
            1.5,
            float(far),
            [far],
            {},
            1e20,
            10**20,
            10**400,
            2**53,
            2**63,
            2**64,
        )
        for value in (..., *hostile):
            yield f"{name} {str(value)[:30]}", forge.with_claims(**{name: value})
        for literal in (
            "NaN",
            "Infinity",
            "-Infinity",
            "1e999",
            "-1e999",
            "9" * 5000,
            "0x7f",
            "1_000",
            "0" * 20,
            "-0.0",
            "1E10",
        ):
            payload = json.dumps(forge.claims(**{name: "@"})).replace('"@"', literal)
            yield f"{name} literally {literal[:20]}", forge.sign(json.dumps(forge.header()), payload)


def tk09_another_time(forge: Forge) -> Iterator[tuple[str, str]]:
    now = int(forge.now().timestamp())
    hostile: dict[str, Members] = {
        "life beyond the cap": {"exp": now + 3601},
        "ten years": {"exp": now + 10 * 365 * 86400},
        "ten years, half of them past": {"iat": now - 5 * 365 * 86400, "exp": now + 5 * 365 * 86400},
        "born in two minutes": {"iat": now + 120, "exp": now + 900},
        "born tomorrow": {"iat": now + 86400, "exp": now + 86400 + 900},
        "expired before it was born": {"exp": now - 1},
        "expired ten seconds beyond the leeway": {"iat": now - 900, "exp": now - 15},
        "expired long ago": {"iat": 0, "exp": 900},
        "nbf past": {"nbf": now - 10},
        "nbf now": {"nbf": now},
        "nbf to come": {"nbf": now + 600},
        "nbf as text": {"nbf": "0"},
        "exp twice, as expires_at": {"expires_at": now + 900},
    }
    for name, times in hostile.items():
        yield name, forge.with_claims(**times)


def tk10_another_place(forge: Forge) -> Iterator[tuple[str, str]]:
    ours = forge.issuer
    places: tuple[Any, ...] = (
        ...,
        ours + "/",
        ours.upper(),
        " " + ours,
        ours + " ",
        ours[:-1],
        ours + "\0",
        ours + "/..",
        "",
        None,
        1,
        True,
        [ours],
        {},
    )
    for name in ("iss", "aud"):
        for value in (*places, [], [ours, ours], [ours, "https://other.example.com"], "https://other.example.com", "*"):
            yield f"{name} {value!r}", forge.with_claims(**{name: value})
    for value in (..., "other", "", None, 1, ["portunus"]):
        yield f"client_id {value!r}", forge.with_claims(client_id=value)


def tk11_another_type(forge: Forge) -> Iterator[tuple[str, str]]:
    others = (..., "JWT", "jwt", "id+jwt", "logout+jwt", "rt+jwt", "secevent+jwt", "dpop+jwt", "AT+JWT", "at+JWT")
    for typ in (*others, "application/at+jwt", "at+jwt ", "at+jwt\0", "", None, 1, ["at+jwt"]):
        yield f"typ {typ!r}", forge.with_header(typ=typ)


def tk12_another_subject(forge: Forge) -> Iterator[tuple[str, str]]:
    for name, ours in (("sub", str(forge.user_id)), ("sid", str(forge.session_id))):
        spelt: tuple[Any, ...] = (
            f"{{{ours}}}",
            f"urn:uuid:{ours}",
            ours.replace("-", ""),
            ours.upper() + "A",
            f" {ours}",
            f"{ours}\n",
        )
        for value in (..., *spelt, "johndoe", "", "x", "..", 1, None, [ours], str(UUID(int=0))[:-1]):
            yield f"{name} {value!r}", forge.with_claims(**{name: value})
    for name in ("scope", "role", "act", "admin", "email", ""):
        yield f"beside it {name!r}", forge.with_claims(**{name: "x"})
    for value in (..., 1, None, ["x"]):
        yield f"jti {value!r}", forge.with_claims(jti=value)


def tk13_another_spelling(forge: Forge) -> Iterator[tuple[str, str]]:
    token = forge.make()
    header, payload, signature = token.split(".")
    for at in range(3):
        segments = [header, payload, signature]
        for name, spelt in {
            "padded": segments[at] + "=",
            "padded twice": segments[at] + "==",
            "padded fully": segments[at] + "=" * (-len(segments[at]) % 4 or 4),
            "broken": segments[at][:5] + "\n" + segments[at][5:],
            "spaced": segments[at][:5] + " " + segments[at][5:],
            "NUL": segments[at][:5] + "\0" + segments[at][5:],
            "plus": "+" + segments[at][1:],
            "slash": "/" + segments[at][1:],
            "percent": "%41" + segments[at][1:],
            "wide": "\uff45" + segments[at][1:],
            "accented": "é" + segments[at][1:],
            "a character more": segments[at] + "A",
            "empty": "",
        }.items():
            yield f"{('header', 'payload', 'signature')[at]} {name}", ".".join([*segments[:at], spelt, *segments[at + 1 :]])
        if slack := _with_slack(segments[at]):
            yield f"slack in {at}", ".".join([*segments[:at], slack, *segments[at + 1 :]])
    standard = base64.b64encode(base64.urlsafe_b64decode(signature + "==")).decode()
    yield from {
        "standard alphabet": f"{header}.{payload}.{standard}",
        "two segments": f"{header}.{payload}",
        "one segment": header,
        "four segments": f"{token}.{signature}",
        "five, as a JWE": f"{header}.{payload}.{signature}.{payload}.{signature}",
        "empty fourth": token + ".",
        "leading point": "." + token,
        "nothing": "",
        "points": "..",
        "newline": token + "\n",
        "space before": " " + token,
        "space after": token + " ",
        "quoted": f'"{token}"',
        "Bearer twice": f"Bearer {token}",
        "two tokens": f"{token},{token}",
        "flattened JSON": json.dumps({"protected": header, "payload": payload, "signature": signature}),
        "general JSON": json.dumps({"payload": payload, "signatures": [{"protected": header, "signature": signature}]}),
        "signature cut": f"{header}.{payload}.{signature[:-4]}",
        "signature doubled": f"{header}.{payload}.{signature}{signature}",
        "signature of zeros": f"{header}.{payload}.{'A' * len(signature)}",
        "another payload": f"{header}.{encode(json.dumps(forge.claims(jti='y')).encode())}.{signature}",
    }.items()


def _with_slack(segment: str) -> str | None:
    """Another spelling of the same bytes, where the last character has bits to spare."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return segment[:-1] + alphabet[alphabet.index(segment[-1]) ^ 1] if len(segment) % 4 in {2, 3} else None


def tk14_said_twice(forge: Forge) -> Iterator[tuple[str, str]]:
    header, claims = json.dumps(forge.header()), json.dumps(forge.claims())
    for name, value in forge.claims().items():
        for again in (value, "x"):
            member = f"{json.dumps(name)}:{json.dumps(again)}"
            yield f"{name} twice, {again!r} first", forge.sign(header, "{" + member + "," + claims[1:])
            yield f"{name} twice, {again!r} last", forge.sign(header, claims[:-1] + "," + member + "}")
    yield "escaped name", forge.sign(header, claims[:-1] + ',"\\u0073ub":"x"}')
    yield "in a nested member", forge.sign(header, claims[:-1] + ',"act":{"a":1,"a":2}}')
    for name, value in forge.header().items():
        yield f"{name} twice", forge.sign(header[:-1] + f",{json.dumps(name)}:{json.dumps(value)}}}", claims)


def tk15_what_is_dear_to_parse(forge: Forge) -> Iterator[tuple[str, str]]:
    header, claims = json.dumps(forge.header()), json.dumps(forge.claims())
    dear = ("[" * 3000, '{"a":' * 1000, "[" * 2000 + "]" * 2000, '{"exp":' + "9" * 5000 + "}", '{"exp":1e' + "9" * 4000 + "}")
    for text in (*dear, '"text"', "[]", "null", "1", "true", "", " ", "{", "\ufeff" + claims, claims + "x", claims + claims):
        yield f"payload {text[:10]!r}", forge.sign(header, text)
        yield f"header {text[:10]!r}", forge.sign(text.replace(claims, header), claims)
    signature = forge.make().rpartition(".")[2]
    for encoding in ("utf-16", "utf-16-le", "utf-32", "utf-8-sig"):
        yield f"payload in {encoding}", f"{encode(header.encode())}.{encode(claims.encode(encoding))}.{signature}"
        yield f"header in {encoding}", f"{encode(header.encode(encoding))}.{encode(claims.encode())}.{signature}"
    yield "no UTF-8", f"{encode(header.encode())}.{encode(bytes([0xC3, 0x28]))}.{signature}"
    yield "over 8 KiB", forge.with_claims(jti="x" * 8192)
    yield "letters", "A" * 8193
    yield "a long header", forge.with_header(kid="x" * 7000)


CATALOGUE: tuple[Callable[[Forge], Iterator[tuple[str, str]]], ...] = (
    tk03_another_algorithm,
    tk05_a_key_of_its_own,
    tk06_another_kid,
    tk07_critical_extensions,
    tk08_numbers,
    tk09_another_time,
    tk10_another_place,
    tk11_another_type,
    tk12_another_subject,
    tk13_another_spelling,
    tk14_said_twice,
    tk15_what_is_dear_to_parse,
)
