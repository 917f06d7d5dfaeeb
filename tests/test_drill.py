"""The drill against a stage: a server that does what a ring of keys says, except for the fault that is planted."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

import jwt
import pytest

from adapters.security.key_material import PrivateKey, generate, public_half, published_form, thumbprint, to_jwk
from application.keys.list_signing_keys import ListSigningKeys
from application.keys.plan_rotation import PlanRotation
from application.keys.rotate_signing_key import RotateSigningKey
from domain.key_ring import StoredKeyRing
from domain.signing_key import KeyPolicy, KeyState, SigningKey
from entrypoints.cli.drill import require_safe_address
from entrypoints.drill import Drill, spoken
from entrypoints.settings import UnsafeSettings
from entrypoints.witness import LoginRefused, Witness

POLICY = KeyPolicy(
    max_age=timedelta(),
    reload=timedelta(seconds=0.05),
    skew=timedelta(seconds=0.05),
    access=timedelta(seconds=1),  # in which a busy machine goes round twice at least
)
LATE = timedelta(seconds=-14.8)  # so that what should be seen is missed soon


@dataclass
class Stage:
    """`refuses` has the kids whose tokens get `refusal`; `hides` those that are not published."""

    ring: StoredKeyRing = field(default_factory=lambda: StoredKeyRing(generation=1, as_of=datetime.min.replace(tzinfo=UTC)))
    private: dict[str, PrivateKey] = field(default_factory=dict)
    statuses: dict[str, int] = field(default_factory=dict)  # by path, instead of what would be right
    refuses: set[str] = field(default_factory=set)
    hides: set[str] = field(default_factory=set)
    max_age: int = 0
    rotated: int = 0
    logged_out: list[str] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)
    presented: int = 0
    after_rotation: Callable[["Stage"], Any] = lambda _: None
    url: str = ""

    def __post_init__(self) -> None:
        start = self.now() - timedelta(hours=1)
        begun = replace(self.ring, as_of=start).begin(self.a_key(start), self.a_key(start))
        self.ring = begun.seen(self.now())

    def a_key(self, at: datetime) -> SigningKey:
        private = generate("ES256")
        kid = thumbprint(to_jwk(public_half(private), "ES256"))
        self.private[kid] = private
        return SigningKey(kid=kid, algorithm="ES256", created_at=at, sealed=b"")

    def now(self) -> datetime:
        return datetime.fromtimestamp(time.time(), UTC)

    def act(self, use_case: type) -> Any:
        self.ring = self.ring.seen(self.now())
        if use_case is ListSigningKeys:
            keys = [
                key.disarm(self.ring.as_of, sealed=b"") if key.is_to_be_disarmed(self.ring.as_of) else key
                for key in self.ring.keys
            ]
            self.ring = replace(self.ring, keys=tuple(keys))
            return self.ring
        if use_case is PlanRotation:
            return self.ring.plan(POLICY)
        assert use_case is RotateSigningKey
        self.rotated += 1
        self.ring = self.ring.rotate(POLICY, self.a_key(self.now()))
        self.after_rotation(self)
        return self.ring.active

    def kid(self, state: KeyState) -> str:
        return next(key.kid for key in self.ring.keys if key.state(self.now()) is state)

    def pair(self) -> dict[str, Any]:
        active = self.ring.seen(self.now()).active
        assert active
        claims = {"sub": "somebody", "n": self.presented}
        text = jwt.encode(claims, self.private[active.kid], algorithm="ES256", headers={"kid": active.kid})
        return {"access_token": text, "refresh_token": "prt_x", "expires_in": POLICY.access.total_seconds()}

    def published(self) -> list[dict[str, str]]:
        verifying = [key.kid for key in self.ring.keys if key.verifies(self.now()) and key.kid not in self.hides]
        return [
            published_form(to_jwk(public_half(self.private[kid]), "ES256"), kid=kid, algorithm="ES256") for kid in verifying
        ]

    def answer(self, path: str, headers: Any, form: dict[str, list[str]]) -> tuple[int, Any]:
        if path in self.statuses:
            return self.statuses[path], {"detail": "as planted"}
        if path == "/.well-known/jwks.json":
            return 200, {"keys": self.published()}
        if path == "/users/me":
            self.presented += 1
            kid = jwt.get_unverified_header(headers["Authorization"].removeprefix("Bearer "))["kid"]
            self.seen.add(kid)
            good = kid not in self.refuses and any(key["kid"] == kid for key in self.published() if kid not in self.hides)
            return (200, {}) if good else (401, {})
        if path == "/logout":
            self.logged_out += form["refresh_token"]
            return 204, None
        return 200, self.pair()


@contextmanager
def on(stage: Stage) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            status, body = stage.answer(self.path, self.headers, parse_qs(self.rfile.read(length).decode()))
            self.send_response(status)
            self.send_header("Cache-Control", f"public, max-age={stage.max_age}")
            self.end_headers()
            self.wfile.write(b"" if body is None else json.dumps(body).encode())

        def do_POST(self) -> None:
            self.do_GET()

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def stage() -> Iterator[Stage]:
    made = Stage()
    with on(made) as made.url:
        yield made


def a_drill(stage: Stage, *others: str) -> Drill:
    drill = Drill(Witness([stage.url, *others]), 0.02, say=lambda _: None)
    drill.stops = drill.witness.log_in("drill", "a password")
    return drill


def rotated(stage: Stage, *, reload: timedelta = POLICY.reload) -> Drill:
    drill = a_drill(stage)
    drill.rotate(stage.act, reload=reload)
    drill.witness.log_out()
    return drill


def test_a_rotation_without_a_fault_is_seen_to_its_end(stage: Stage) -> None:
    first, second = (key.kid for key in stage.ring.keys)

    drill = rotated(stage)

    assert drill.ok, drill.lines()
    report = drill.report()
    assert (report["from"], report["to"], report["wrong_401s"], report["failed"]) == (first, second, 0, 0)
    assert report["tokens"].keys() == {first, second} == stage.seen
    assert report["retired_after"] - report["promoted_after"] >= POLICY.access.total_seconds() - 0.1
    assert min(report["requests"], report["checked_offline"]) > 10
    assert stage.logged_out == ["prt_x"]
    assert drill.lines()[-1] == f"{first} has retired, and {second} signs."


def test_a_key_that_retires_before_its_last_token_does_is_found(stage: Stage) -> None:
    stage.after_rotation = lambda stage: stage.hides.add(stage.kid(KeyState.RETIRING))

    drill = rotated(stage)

    assert not drill.ok
    assert {finding.what for finding in drill.witness.tally.wrong} == {"status 401", "not in a key set that may still be used"}
    assert {finding.kid for finding in drill.witness.tally.wrong} == {drill.stops}
    assert drill.report()["wrong_401s"] == len(drill.witness.tally.wrong) > 1


def test_a_key_that_signs_before_every_verifier_knows_it_is_found(stage: Stage) -> None:
    stage.max_age = 60
    stage.hides.add(stage.ring.keys[1].kid)
    stage.after_rotation = lambda stage: stage.hides.clear()

    drill = rotated(stage)

    assert not drill.ok
    assert {(finding.kid, finding.what) for finding in drill.findings} == {
        (drill.starts, "not in a key set that may still be used")
    }


def test_a_key_set_with_another_key_under_the_same_kid_is_found(stage: Stage) -> None:
    def swap(stage: Stage) -> None:
        stage.private[stage.kid(KeyState.RETIRING)] = generate("ES256")

    stage.after_rotation = swap

    drill = rotated(stage)

    assert {finding.what for finding in drill.witness.tally.wrong} == {"InvalidSignatureError"}


@pytest.mark.parametrize(
    ("path", "status", "counted"),
    [
        ("/refresh", 401, "wrong_401s"),
        ("/users/me", 401, "wrong_401s"),
        ("/refresh", 500, "failed"),
        ("/users/me", 302, "failed"),
        ("/.well-known/jwks.json", 429, "failed"),
    ],
)
def test_a_request_that_fails_during_the_rotation_is_found(stage: Stage, path: str, status: int, counted: str) -> None:
    stage.after_rotation = lambda stage: stage.statuses.update({path: status})

    drill = rotated(stage, reload=LATE)

    assert not drill.ok
    assert drill.report()[counted] == len(drill.findings) > 0


def test_where_good_tokens_are_refused_as_it_is_nothing_is_rotated(stage: Stage) -> None:
    stage.refuses.add(stage.ring.keys[0].kid)

    drill = rotated(stage)

    assert (drill.ok, stage.rotated) == (False, 0)
    assert "Nothing was rotated" in drill.lines()[-2]


def test_the_keys_of_another_server_are_not_rotated(stage: Stage) -> None:
    other = Stage()

    drill = a_drill(stage)
    drill.rotate(other.act, reload=POLICY.reload)

    assert (drill.ok, other.rotated, stage.rotated) == (False, 0, 0)
    assert "not in the database of these settings" in drill.lines()[-2]


def test_a_rotation_that_is_under_way_is_watched_and_no_other_begun(stage: Stage) -> None:
    young = replace(stage.ring.keys[1], created_at=stage.now() + timedelta(seconds=0.4))
    stage.ring = stage.ring.replaced(young).seen(stage.now()).rotate(POLICY, stage.a_key(stage.now()))

    drill = rotated(stage)

    assert (drill.ok, stage.rotated) == (True, 0), drill.lines()
    assert drill.promoted_after is not None
    assert drill.promoted_after >= 0.3


def test_a_server_that_never_signs_with_the_next_key_fails_the_drill(stage: Stage) -> None:
    stuck = Stage()
    stuck.ring, stuck.private = stage.ring, stage.private
    with on(stuck) as url:
        drill = Drill(Witness([url]), 0.02, say=lambda _: None)
        drill.stops = drill.witness.log_in("drill", "a password")
        drill.rotate(stage.act, reload=LATE)

    assert not drill.ok
    assert drill.findings == []
    assert "was to take over" in drill.lines()[-2]


@pytest.mark.parametrize("path", ["/refresh", "/users/me"])
def test_a_server_that_is_away_refuses_nobody_and_shows_nothing(stage: Stage, path: str) -> None:
    stage.after_rotation = lambda stage: stage.statuses.update({path: 503})

    drill = rotated(stage, reload=LATE)

    assert drill.findings == []
    assert not drill.ok
    assert drill.report()["unavailable"] > 0
    assert drill.lacking


def test_a_second_server_that_lags_behind_or_is_away_keeps_the_drill_from_ending(stage: Stage) -> None:
    with on(Stage()) as away:
        pass

    drill = a_drill(stage, away)
    drill.rotate(stage.act, reload=LATE)

    assert not drill.ok
    assert "or is away" in drill.lines()[-2]


def test_a_rotation_that_comes_by_itself_is_watched(stage: Stage) -> None:
    turn = threading.Timer(0.2, stage.act, [RotateSigningKey])
    drill = a_drill(stage)
    turn.start()

    drill.watch()

    assert drill.ok, drill.lines()
    assert drill.stops in stage.seen
    assert drill.starts in stage.seen


def test_without_published_keys_nothing_can_be_watched(stage: Stage) -> None:
    stage.hides |= {key.kid for key in stage.ring.keys}
    stage.statuses["/users/me"] = 200

    drill = a_drill(stage)
    drill.watch()

    assert not drill.ok
    assert "publishes no keys" in drill.lacking[0]


@pytest.mark.parametrize("status", [401, 503, 500, 204])
def test_a_log_in_that_fails_is_told_with_its_reason(stage: Stage, status: int) -> None:
    stage.statuses["/token"] = status

    with pytest.raises(LoginRefused, match="does not log drill in"):
        a_drill(stage)


def test_what_is_no_portunus_is_told(stage: Stage) -> None:
    stage.statuses["/token"] = 200

    with pytest.raises(LoginRefused, match="no pair of tokens"):
        a_drill(stage)
    with on(Stage()) as away:
        pass
    with pytest.raises(LoginRefused, match="Connection refused"):
        Witness([away]).log_in("drill", "a password")


@pytest.mark.parametrize(
    "url", ["https://id.example.com", "https://id.example.com/auth/", "http://localhost:8000", "http://[::1]"]
)
def test_the_password_goes_by_https_or_stays_on_the_machine(url: str) -> None:
    require_safe_address(url)


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://id.example.com", "unencrypted"),
        ("http://127.0.0.1.example.com", "unencrypted"),
        ("http://10.0.0.1", "unencrypted"),
        ("ftp://127.0.0.1", "no address of a server"),
        ("id.example.com", "no address of a server"),
        ("https://", "no address of a server"),
        ("https://somebody:secret@id.example.com", "no address of a server"),
        ("https://[", "no address of a server"),
        ("https://id.example.com:99999", "no address of a server"),
        ("https://id.example.com/?a=b", "no address of a server"),
    ],
)
def test_the_password_goes_nowhere_else(url: str, reason: str) -> None:
    with pytest.raises(UnsafeSettings, match=reason):
        require_safe_address(url)


def test_spans_are_spoken() -> None:
    assert [spoken(seconds) for seconds in (-1, 0, 59.4, 60, 1570)] == ["0 s", "0 s", "59 s", "1 min 0 s", "26 min 10 s"]
