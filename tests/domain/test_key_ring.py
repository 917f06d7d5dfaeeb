from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from domain.key_ring import StoredKeyRing
from domain.signing_key import (
    KeyPolicy,
    KeyState,
    RotationUnderWay,
    SigningKey,
    SigningKeyUnknown,
    UnusableSigningKey,
)

POLICY = KeyPolicy()
START = datetime(2026, 11, 25, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
_ORDER = [KeyState.ANNOUNCED, KeyState.ACTIVE, KeyState.RETIRING, KeyState.RETIRED, KeyState.COMPROMISED]


def _key(kid: str, *, at: datetime = START) -> SigningKey:
    return SigningKey(kid=kid, algorithm="ES256", created_at=at, sealed=b"sealed")


def _ring(at: datetime = START) -> StoredKeyRing:
    return StoredKeyRing(generation=1, as_of=START).begin(_key("a"), _key("b")).seen(at)


def _states(ring: StoredKeyRing) -> dict[str, str]:
    return {key.kid: str(key.state(ring.as_of)) for key in ring.keys}


def test_a_ring_begins_with_a_key_that_signs_and_one_that_is_announced() -> None:
    assert _states(_ring()) == {"a": "active", "b": "announced"}


def test_a_key_that_has_been_announced_long_enough_takes_over_at_once() -> None:
    ring = _ring(START + POLICY.announced_for).rotate(POLICY, _key("c"))

    assert _states(ring) == {"a": "retiring", "b": "active", "c": "announced"}


def test_a_key_that_is_young_takes_over_when_everybody_knows_it() -> None:
    ring = _ring(START + SECOND).rotate(POLICY, _key("c"))

    assert _states(ring) == {"a": "active", "b": "announced", "c": "announced"}
    assert _states(ring.seen(START + POLICY.announced_for - SECOND))["a"] == "active"
    assert _states(ring.seen(START + POLICY.announced_for)) == {"a": "retiring", "b": "active", "c": "announced"}
    with pytest.raises(RotationUnderWay):
        ring.rotate(POLICY, _key("d"))


def test_a_plan_says_when_a_rotation_would_hand_over_and_end_and_the_rotation_does_so() -> None:
    before = _ring(START + SECOND)

    plan = before.plan(POLICY)
    after = before.rotate(POLICY, _key("c"))

    assert (plan.stops, plan.starts, plan.under_way) == ("a", "b", False)
    assert (plan.hands_over_at, plan.ends_at) == (START + POLICY.announced_for, plan.hands_over_at + POLICY.verifies_for)
    assert after.plan(POLICY) == replace(plan, under_way=True)
    assert _states(after.seen(plan.ends_at)) == {"a": "retired", "b": "active", "c": "announced"}


def test_the_plan_of_a_rotation_to_a_key_that_has_long_been_known_hands_over_at_once() -> None:
    late = START + POLICY.announced_for + SECOND

    assert _ring(late).plan(POLICY).hands_over_at == late


def test_a_key_is_known_for_two_lives_of_the_key_set_and_a_reload_before_it_signs() -> None:
    policy = KeyPolicy(max_age=timedelta(seconds=10), reload=timedelta(seconds=3), skew=timedelta(seconds=1))

    assert policy.announced_for == timedelta(seconds=24)


def test_a_key_retires_when_the_last_token_it_can_have_signed_has_expired() -> None:
    ring = _ring(START + POLICY.announced_for).rotate(POLICY, _key("c"))
    over = ring.as_of + POLICY.verifies_for

    assert _states(ring.seen(over - SECOND))["a"] == "retiring"
    assert _states(ring.seen(over))["a"] == "retired"
    assert POLICY.verifies_for >= POLICY.access + POLICY.reload + timedelta(seconds=5)


def test_a_rotation_is_due_when_the_key_has_signed_for_its_time_and_not_while_one_is_under_way() -> None:
    assert not _ring(START + POLICY.signs_for - SECOND).is_due(POLICY)
    assert _ring(START + POLICY.signs_for).is_due(POLICY)
    assert not _ring(START + POLICY.signs_for).rotate(POLICY, _key("c")).is_due(POLICY)
    assert not StoredKeyRing(generation=1, as_of=START).is_due(POLICY)


def test_of_a_compromised_key_nothing_is_left_and_the_announced_one_signs_at_once() -> None:
    ring = _ring(START + SECOND).compromise("a", POLICY, _key("c"))

    assert _states(ring) == {"a": "compromised", "b": "active", "c": "announced"}
    assert ring.keys[0].sealed == b""
    assert not ring.keys[0].verifies(ring.as_of)


def test_a_compromised_key_in_the_middle_of_a_rotation_is_replaced_by_the_one_that_waited() -> None:
    ring = _ring(START + SECOND).rotate(POLICY, _key("c")).compromise("a", POLICY, _key("d"))

    assert _states(ring) == {"a": "compromised", "b": "active", "c": "announced"}


def test_when_the_waiting_key_is_compromised_the_active_one_goes_on_until_the_next_is_known() -> None:
    ring = _ring(START + SECOND).rotate(POLICY, _key("c", at=START + SECOND)).compromise("b", POLICY, _key("d"))

    assert _states(ring) == {"a": "active", "b": "compromised", "c": "announced", "d": "announced"}
    assert _states(ring.seen(START + POLICY.announced_for))["a"] == "active"
    assert _states(ring.seen(START + SECOND + POLICY.announced_for)) == {
        "a": "retiring",
        "b": "compromised",
        "c": "active",
        "d": "announced",
    }


def test_an_announced_key_that_is_compromised_is_replaced() -> None:
    assert _states(_ring().compromise("b", POLICY, _key("c"))) == {"a": "active", "b": "compromised", "c": "announced"}


def test_the_first_time_a_key_is_compromised_is_the_one_remembered() -> None:
    ring = _ring().compromise("a", POLICY, _key("c")).seen(START + SECOND).compromise("a", POLICY, _key("d"))

    assert ring.keys[0].compromised_at == START
    assert "d" not in _states(ring)


def test_what_is_unknown_cannot_be_compromised_and_what_is_known_cannot_be_announced() -> None:
    with pytest.raises(SigningKeyUnknown):
        _ring().compromise("z", POLICY, _key("c"))
    for kid in ("a", "b"):
        with pytest.raises(UnusableSigningKey):
            _ring().announce(_key(kid))


class Lives(RuleBasedStateMachine):
    """Keys in all orders of what can happen to them. `signed` is when each key last signed a token."""

    def __init__(self) -> None:
        super().__init__()
        self.made = 0
        self.ring = StoredKeyRing(generation=1, as_of=START)
        self.signed: dict[str, datetime] = {}
        self.seen: dict[str, KeyState] = {}

    def _spare(self) -> SigningKey:
        self.made += 1
        return _key(f"k{self.made}", at=self.ring.as_of)

    @initialize()
    def begin(self) -> None:
        self.ring = self.ring.begin(self._spare(), self._spare())

    @rule(by=st.integers(1, 7200))
    def time_passes(self, by: int) -> None:
        self.ring = self.ring.seen(self.ring.as_of + by * SECOND)

    @rule()
    def a_quarter_passes(self) -> None:
        self.ring = self.ring.seen(self.ring.as_of + POLICY.signs_for)

    @precondition(lambda self: self.ring.taking_over is None)
    @rule()
    def rotate(self) -> None:
        self.ring = self.ring.rotate(POLICY, self._spare())

    @rule()
    def announce(self) -> None:
        self.ring = self.ring.announce(self._spare())

    @rule(which=st.integers(0, 99))
    def compromise(self, which: int) -> None:
        self.ring = self.ring.compromise(self.ring.keys[which % len(self.ring.keys)].kid, POLICY, self._spare())

    @rule()
    def disarm(self) -> None:
        for key in self.ring.keys:
            if key.is_to_be_disarmed(self.ring.as_of):
                self.ring = self.ring.replaced(key.disarm(self.ring.as_of, sealed=b"public"))

    @invariant()
    def one_key_signs_and_one_is_announced(self) -> None:
        if self.made:
            active = [key for key in self.ring.keys if key.state(self.ring.as_of) is KeyState.ACTIVE]
            assert len(active) == 1
            assert active[0].disarmed_at is None
            assert self.ring.announced is not None
            self.signed[active[0].kid] = self.ring.as_of

    @invariant()
    def no_key_lives_backwards(self) -> None:
        for key in self.ring.keys:
            state = key.state(self.ring.as_of)
            assert _ORDER.index(state) >= _ORDER.index(self.seen.get(key.kid, KeyState.ANNOUNCED))
            self.seen[key.kid] = state

    @invariant()
    def what_was_signed_verifies_for_its_life(self) -> None:
        for key in self.ring.keys:
            signed = self.signed.get(key.kid)
            if signed and not key.compromised_at and self.ring.as_of <= signed + POLICY.access:
                assert key.verifies(self.ring.as_of)

    @invariant()
    def only_an_emergency_lets_a_key_sign_early(self) -> None:
        compromised = {key.compromised_at for key in self.ring.keys}
        for key in self.ring.keys[1:]:
            if key.signs_from and key.kid in self.signed:
                assert key.signs_from >= key.created_at + POLICY.announced_for or key.signs_from in compromised


Lives.TestCase.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
test_the_lives_of_keys_in_every_order = Lives.TestCase
