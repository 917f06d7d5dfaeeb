"""The consumer of the revocation feed in examples/, held to the rules of docs/revocation-feed.md."""

import base64
import hashlib
import importlib.util
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from http.client import IncompleteRead
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

ROOT = Path(__file__).parents[1]
_SPEC = importlib.util.spec_from_file_location("revocations", ROOT / "examples" / "revocations.py")
assert _SPEC is not None
assert _SPEC.loader is not None
example: Any = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(example)

KID = "oKIywvGUpTVTyxMQ3bwIIeQUudfr_CkLMjCE19ECD-U"
ONE, OTHER, THIRD = (str(uuid4()) for _ in range(3))
MAX_STALE = 30


def entry(sid: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(sid.encode()).digest()[:16]).decode().rstrip("=")


def a_page(*sids: str, now: int, **changed: Any) -> dict[str, Any]:
    told = {"revoked": [entry(sid) for sid in sids], "withdrawn_keys": [], "next": f"cursor-{now}"}
    return {"now": now, "reset": False, "more": False, **told, **changed}


@dataclass
class Portunus:
    """Answers what it was told to, an error included, and remembers what it was asked."""

    time: float = 1000.0
    answers: list[Any] = field(default_factory=list)
    asked: list[str | None] = field(default_factory=list)

    def fetch(self, address: str) -> Any:
        path, _, after = address.partition("?after=")
        assert path == "http://portunus/.well-known/revocations"
        self.asked.append(after or None)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def clock(self) -> float:
        return self.time


@pytest.fixture
def portunus() -> Portunus:
    return Portunus()


@pytest.fixture
def feed(portunus: Portunus) -> Any:
    return example.RevocationFeed("http://portunus", max_stale=MAX_STALE, fetch=portunus.fetch, clock=portunus.clock)


@pytest.fixture
def read(portunus: Portunus, feed: Any) -> Callable[..., bool]:
    def read_on(answer: Any, *, later: float = 1) -> bool:
        portunus.time += later
        portunus.answers.append(answer)
        more: bool = feed.read_on()
        return more

    return read_on


def refused(feed: Any, *, kid: str = "another") -> list[bool]:
    return [feed.has_revoked(sid=sid, kid=kid) for sid in (ONE, OTHER, THIRD)]


@dataclass
class Step:
    """Of the conversation that docs/revocation-feed.json holds for followers in any language."""

    why: str
    at: float
    after: str | None
    answer: dict[str, Any] | None
    judged: dict[str, str]


def test_the_conversation_that_is_there_to_be_tried_goes_as_it_says(portunus: Portunus, feed: Any) -> None:
    conversation = json.loads((ROOT / "docs" / "revocation-feed.json").read_text())
    tokens, steps = conversation["tokens"], [Step(**step) for step in conversation["steps"]]

    def judged(name: str) -> str:
        try:
            return "revoked" if feed.has_revoked(**tokens[name]) else "good"
        except example.FeedStandsStill:
            return "unknown"

    assert conversation["max_stale"] == MAX_STALE
    for step in steps:
        portunus.time = step.at
        portunus.answers.append(step.answer or OSError())
        feed.read_on()
        assert (portunus.asked[-1], {name: judged(name) for name in step.judged}) == (step.after, step.judged), step.why
    assert {way for step in steps for way in step.judged.values()} == {"good", "revoked", "unknown"}


def test_what_is_told_is_refused_and_the_cursor_is_handed_back(
    portunus: Portunus, feed: Any, read: Callable[..., bool]
) -> None:
    read(a_page(ONE, now=1, reset=True))
    read(a_page(OTHER, now=2))
    read(a_page(OTHER, now=3))

    assert refused(feed) == [True, True, False]
    assert portunus.asked == [None, "cursor-1", "cursor-2"]


def test_a_withdrawn_key_is_refused_with_all_its_tokens(feed: Any, read: Callable[..., bool]) -> None:
    read(a_page(now=1, reset=True, withdrawn_keys=[KID]))

    assert refused(feed, kid=KID) == [True, True, True]
    assert refused(feed) == [False, False, False]


def test_before_the_first_set_is_complete_nothing_can_be_judged(feed: Any, read: Callable[..., bool]) -> None:
    with pytest.raises(example.FeedStandsStill):
        refused(feed)

    more = read(a_page(ONE, now=1, reset=True, more=True))

    assert more
    with pytest.raises(example.FeedStandsStill):
        refused(feed)


def test_after_a_reset_both_sets_are_refused_until_the_new_one_is_complete(feed: Any, read: Callable[..., bool]) -> None:
    read(a_page(ONE, now=1, reset=True))

    read(a_page(OTHER, now=2, reset=True, more=True))
    meanwhile = refused(feed)
    read(a_page(THIRD, now=3))

    assert meanwhile == [True, True, False]
    assert refused(feed) == [False, True, True]


def test_every_minute_the_whole_set_is_read_anew_and_what_has_expired_is_gone(
    portunus: Portunus, feed: Any, read: Callable[..., bool]
) -> None:
    read(a_page(ONE, now=1, reset=True))
    read(a_page(OTHER, now=30), later=29)

    read(a_page(OTHER, now=62, reset=True), later=31)

    assert portunus.asked == [None, "cursor-1", None]
    assert refused(feed) == [False, True, False]


def test_an_answer_whose_time_goes_back_is_discarded_with_its_cursor(
    portunus: Portunus, feed: Any, read: Callable[..., bool]
) -> None:
    read(a_page(ONE, now=10, reset=True))

    read(a_page(OTHER, now=9, reset=True))
    read(a_page(now=11))

    assert refused(feed) == [True, False, False]
    assert portunus.asked == [None, "cursor-10", "cursor-10"]


@pytest.mark.parametrize(
    "failure",
    [
        OSError(),
        TimeoutError(),
        IncompleteRead(b""),  # Portunus stopped in the middle of its answer
        ValueError(),
        [],
        {},
        None,
        {"now": 5},
        {**a_page(now=5), "revoked": None},
    ],
)
def test_an_answer_that_cannot_be_used_changes_nothing(
    portunus: Portunus, feed: Any, read: Callable[..., bool], failure: Any
) -> None:
    read(a_page(ONE, now=1, reset=True))

    more = read(failure)
    read(a_page(now=6))

    assert not more
    assert refused(feed) == [True, False, False]
    assert portunus.asked == [None, "cursor-1", "cursor-1"]


@pytest.mark.parametrize("answer", [OSError(), a_page(now=1), a_page(now=0)])
def test_a_feed_that_does_not_go_on_stands_still_after_max_stale_and_recovers(
    feed: Any, read: Callable[..., bool], answer: Any
) -> None:
    read(a_page(ONE, now=1, reset=True))
    for _ in range(MAX_STALE):
        read(answer)
    just_in_time = refused(feed)

    read(answer)
    with pytest.raises(example.FeedStandsStill):
        refused(feed)
    read(a_page(now=2))

    assert just_in_time == [True, False, False]
    assert refused(feed) == [True, False, False]
