"""Secrets that stand in tutorials, frameworks' documentation, specifications and lists of leaked keys."""

import hashlib
import re

# Compared without letter case, blanks and the signs between words: `Your_Secret_Key` is `your-secret-key`.
_WORDS = """
your-secret-key your-secret-key-here your-secret-key-change-this your-secret-key-change-in-production your-secret your-key
your-256-bit-secret your-384-bit-secret your-512-bit-secret a-string-secret-at-least-256-bits-long your-jwt-secret
your-jwt-secret-key your-super-secret-key your-super-secret-jwt-key your-secret-key-goes-here your-very-secret-key
your-own-secret-key your-app-secret your-client-secret your-refresh-secret-key your-access-secret-key
secret secrets secret-key secretkey1 my-secret my-secret-key mysecretkey123 my-super-secret-key my-jwt-secret mysupersecretkey
super-secret super-secret-key super-secret-jwt-key supersecretkey123 very-secret very-secret-key top-secret topsecretkey
this-is-a-secret this-is-a-secret-key this-is-my-secret-key this-is-a-very-secret-key this-is-a-super-secret-key
this-should-be-changed this-is-not-a-secret not-a-secret some-secret some-secret-key some-random-secret shhhhh s3cr3t
change-me change-me-please change-this change-this-secret change-this-key change-me-in-production changeit replace-me
replace-this replace-with-your-secret-key insert-your-secret-here todo fixme xxx none null undefined default default-secret
password password123 passw0rd p@ssw0rd letmein admin admin123 administrator root test test123 testing test-secret
test-secret-key testsecretkey dev dev-secret dev-secret-key development development-secret development-key debug local
example example-key example-secret example-secret-key sample-secret demo demo-secret placeholder foo foobar
jwt jwt-secret jwt-secret-key jwtsecret123 jwt-token-secret token token-secret access-token-secret refresh-token-secret
auth-secret app-secret app-secret-key api-secret api-key session-secret cookie-secret private-key public-key signing-key
encryption-key hmac-secret hs256-secret fastapi fastapi-secret fastapi-secret-key flask-secret-key django-insecure
keyboard-cat portunus portunus-secret portunus-secret-key qwerty abc123 123456 12345678 123456789 1234567890
bezkoder-secret-key bezkodersecretkey nextauth-secret supabase-jwt-secret
super-secret-jwt-token-with-at-least-32-characters-long insecure-secret insecure-key
""".split()

_LONG = """
09d25e094faa6ca2556c818166b7a9563b93f7099f6f0f4caa6cf63b88e8d3e7
404E635266556A586E3272357538782F413F4428472B4B6250645367566B5970
5367566B59703373367639792F423F4528482B4D6251655468576D5A71347437
413F4428472B4B6250655368566D5970337336763979244226452948404D6351
3cfa76ef14937c1c0ea519f8fc057a80fcd04a7420f8e8bcd0a7567c272e007b
192b9bdd22ab9ed4d12e236c78afcb9a393ec15f71bbf5dc987d54727823bcbf
AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow
hJtXIZ2uSN5kbQfbtTNWbpdmhkV8FJG-Onbc6mxCcYg
e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f
000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f
0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
deadbeefdeadbeefdeadbeefdeadbeefdeadbeefdeadbeefdeadbeefdeadbeef
""".split()

KNOWN_SECRETS = (*_WORDS, *_LONG)


def _folded(text: str) -> str:
    return re.sub(r"[\W_]", "", text.lower())


_FOLDED = frozenset(_folded(secret) for secret in KNOWN_SECRETS)
_DIGESTS = frozenset(hashlib.sha256(word.encode()).digest() for word in _WORDS)


def is_known(text: str, value: bytes = b"") -> bool:
    """Whether a secret, as written or as the bytes it stands for, is one that everybody knows: also repeated, or by SHA-256."""
    spellings = (_folded(text), _folded(value.decode("latin-1")))
    return any(_is_listed(spelling) for spelling in spellings) or value in _DIGESTS


def _is_listed(folded: str) -> bool:
    if not folded:
        return False
    period = (folded * 2).find(folded, 1)  # the shortest piece that it is a repetition of
    return folded in _FOLDED or folded[:period] in _FOLDED
