"""Who sees from outside whether a rotation of the signing keys refuses a good token."""

import json
import re
import time
from collections import Counter, defaultdict, deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from itertools import cycle
from typing import Any
from urllib.parse import SplitResult, urlencode, urlsplit

import jwt

_SECONDS_FOR_AN_ANSWER = 10
_KEPT_OF_EACH_KEY = 2
_UNREACHABLE = 0
_AWAY = {_UNREACHABLE, 503}
_UNCHECKED: Any = {"verify_aud": False, "verify_iat": False, "verify_exp": False}  # when it expires was told with the token


class LoginRefused(Exception):
    """Why the witness has no session."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What went wrong `after` so many seconds. `kid` is that of the token presented."""

    after: float
    where: str
    kid: str
    what: str

    def __str__(self) -> str:
        return f"after {self.after:.1f} s, {self.where}: {self.what}" + (f", for a token of {self.kid}" if self.kid else "")


@dataclass(slots=True)
class Tally:
    """What was seen. `wrong` has each good token that was refused, `failed` each answer that is none of those to expect.

    A server that is away, or says so (503), refuses nobody.
    """

    requests: int = 0
    checked_offline: int = 0
    unavailable: int = 0
    issued: Counter[str] = field(default_factory=Counter)  # tokens, by kid
    accepted: Counter[str] = field(default_factory=Counter)  # times that one was, by kid
    wrong: list[Finding] = field(default_factory=list)
    failed: list[Finding] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Token:
    text: str = field(repr=False)
    kid: str
    algorithm: str
    good_until: float  # by the monotonic clock


@dataclass(slots=True)
class _KeySet:
    keys: Mapping[str, Any]
    read_at: float


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    body: Mapping[str, Any] = field(repr=False)
    cache_control: str = ""
    reason: str = ""


class _Server:
    """One address, and the key sets that it gave and that a verifier may still be using."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        self.signs_with = ""
        self.key_sets: deque[_KeySet] = deque()
        self._parts: SplitResult = urlsplit(self.url)

    def ask(self, method: str, path: str, form: Mapping[str, str] | None = None, *, token: str = "") -> _Answer:
        kind = HTTPSConnection if self._parts.scheme == "https" else HTTPConnection
        connection = kind(self._parts.netloc, timeout=_SECONDS_FOR_AN_ANSWER)
        headers = {"User-Agent": "portunus-keys-drill"} | ({"Authorization": f"Bearer {token}"} if token else {})
        if form is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        try:
            connection.request(method, self._parts.path + path, urlencode(form) if form else None, headers)
            answer = connection.getresponse()
            return _Answer(answer.status, _object(answer.read()), answer.headers.get("Cache-Control", ""))
        except (OSError, HTTPException) as error:
            return _Answer(_UNREACHABLE, {}, reason=str(error))
        finally:
            connection.close()

    def keep_key_set(self, keys: Mapping[str, Any], *, max_age: float, now: float) -> None:
        """A cache may keep it for `max_age`, and whoever verifies behind that cache for as long again."""
        if self.key_sets and self.key_sets[-1].keys == keys:
            self.key_sets[-1].read_at = now
        else:
            self.key_sets.append(_KeySet(keys, now))
        while self.key_sets[0].read_at + 2 * max_age < now:
            self.key_sets.popleft()


class Witness:
    """One user who refreshes at each server in turn and presents every token that is still good to all of them, beside
    services that verify offline, each with another of the key sets that `Cache-Control` lets it have."""

    def __init__(self, urls: Sequence[str]) -> None:
        self.tally = Tally()
        self._servers = [_Server(url) for url in urls]
        self._turns = cycle(self._servers)
        self._refresh_token = ""
        self._first_asked_at = 0.0  # with that refresh token: an answer that comes later may be a repeated one, and as old
        self._tokens: dict[str, deque[_Token]] = defaultdict(lambda: deque(maxlen=_KEPT_OF_EACH_KEY))
        self._began_at = time.monotonic()

    @property
    def seconds(self) -> float:
        """Since it began."""
        return time.monotonic() - self._began_at

    @property
    def published(self) -> set[str]:
        """Every kid in the newest key set of some server."""
        return {kid for server in self._servers if server.key_sets for kid in server.key_sets[-1].keys}

    @property
    def newest(self) -> set[str]:
        """The kids that servers signed with when each was last asked; an empty one for a server that has signed nothing."""
        return {server.signs_with for server in self._servers}

    def log_in(self, username: str, password: str) -> str:
        """The kid of the first token. Raises `LoginRefused`."""
        server, self._first_asked_at = self._servers[0], time.monotonic()
        answer = self._ask(server, "POST", "/token", {"username": username, "password": password})
        if answer.status != 200:
            reason = answer.reason or answer.body.get("detail") or f"HTTP status {answer.status}"
            raise LoginRefused(f"{server.url} does not log {username} in: {reason}")
        if not self._keep(server, answer):
            raise LoginRefused(f"{server.url} is no Portunus: what /token answers is no pair of tokens.")
        return server.signs_with

    def go_round(self) -> None:
        """Refresh at the next server, and present all tokens to all."""
        self._refresh(next(self._turns))
        for server in self._servers:
            self._read_key_set(server)
            for token in list(self._good_tokens()):
                self._present(server, token)
                self._verify_offline(server, token)

    def log_out(self) -> None:
        """Leave no session behind, as far as that is possible."""
        if self._refresh_token:
            self._ask(self._servers[0], "POST", "/logout", {"refresh_token": self._refresh_token})

    def _refresh(self, server: _Server) -> None:
        self._first_asked_at = self._first_asked_at or time.monotonic()
        answer = self._ask(server, "POST", "/refresh", {"refresh_token": self._refresh_token})
        kept = answer.status == 200 and self._keep(server, answer)
        if not kept and answer.status not in _AWAY:
            self._find(answer.status, f"POST {server.url}/refresh")

    def _present(self, server: _Server, token: _Token) -> None:
        answer = self._ask(server, "GET", "/users/me", token=token.text)
        if time.monotonic() >= token.good_until or answer.status in _AWAY:
            return
        if answer.status == 200:
            self.tally.accepted[token.kid] += 1
        else:
            self._find(answer.status, f"GET {server.url}/users/me", token.kid)

    def _verify_offline(self, server: _Server, token: _Token) -> None:
        if token.algorithm == "HS256" or time.monotonic() >= token.good_until:  # HS256 publishes nothing
            return
        where = f"offline, with keys of {server.url}"
        for key_set in server.key_sets:
            self.tally.checked_offline += 1
            jwk = key_set.keys.get(token.kid)
            if jwk is None:
                self._find(401, where, token.kid, what="not in a key set that may still be used")
                continue
            try:
                jwt.decode(token.text, jwt.PyJWK(jwk), algorithms=[token.algorithm], options=_UNCHECKED)
            except jwt.PyJWTError as error:
                self._find(401, where, token.kid, what=type(error).__name__)

    def _read_key_set(self, server: _Server) -> None:
        read_at = time.monotonic()
        answer = self._ask(server, "GET", "/.well-known/jwks.json")
        if answer.status == 200 and isinstance(answer.body.get("keys"), list):
            keys = {key["kid"]: key for key in answer.body["keys"] if isinstance(key, dict) and "kid" in key}
            max_age = re.search(r"max-age=(\d+)", answer.cache_control)
            server.keep_key_set(keys, max_age=float(max_age[1]) if max_age else 0, now=read_at)
        elif answer.status not in _AWAY:
            self._find(answer.status, f"GET {server.url}/.well-known/jwks.json")

    def _good_tokens(self) -> Iterator[_Token]:
        now = time.monotonic()
        for tokens in self._tokens.values():
            yield from (token for token in tokens if now < token.good_until)

    def _keep(self, server: _Server, answer: _Answer) -> bool:
        try:
            text, self._refresh_token = answer.body["access_token"], answer.body["refresh_token"]
            header = jwt.get_unverified_header(text)
            token = _Token(text, header["kid"], header["alg"], self._first_asked_at + answer.body["expires_in"])
        except (KeyError, TypeError, jwt.PyJWTError):
            return False
        self._first_asked_at = 0.0
        server.signs_with = token.kid
        self._tokens[token.kid].append(token)
        self.tally.issued[token.kid] += 1
        return True

    def _ask(
        self, server: _Server, method: str, path: str, form: Mapping[str, str] | None = None, *, token: str = ""
    ) -> _Answer:
        answer = server.ask(method, path, form, token=token)
        self.tally.requests += 1
        self.tally.unavailable += answer.status in _AWAY
        return answer

    def _find(self, status: int, where: str, kid: str = "", *, what: str = "") -> None:
        found = self.tally.wrong if status == 401 else self.tally.failed
        found.append(Finding(round(self.seconds, 1), where, kid, what or f"status {status}"))


def _object(content: bytes) -> Mapping[str, Any]:
    try:
        found = json.loads(content)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
