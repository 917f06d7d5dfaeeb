"""A rotation of the signing keys as a drill: the acts by the database, what becomes of tokens by HTTP."""

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any

from application.keys.list_signing_keys import ListSigningKeys
from application.keys.plan_rotation import PlanRotation
from application.keys.rotate_signing_key import RotateSigningKey
from domain.key_ring import RotationPlan, StoredKeyRing
from domain.signing_key import SigningKey
from entrypoints.witness import Finding, Witness

_SECONDS_BETWEEN_LINES = 10
_OVERDUE = timedelta(seconds=15)  # and a reload: then what should have been seen is missing
_FINDINGS_SHOWN = 20


@dataclass(slots=True)
class Drill:
    """How it goes. Times are seconds since its beginning; `lacking` has why it shows nothing. `say` is told how far it is."""

    witness: Witness
    pause: float
    say: Callable[[str], None]
    stops: str = ""
    starts: str = ""
    hands_over_after: float | None = None  # as planned
    ends_after: float | None = None
    promoted_after: float | None = None  # as seen
    retired_after: float | None = None
    lacking: list[str] = field(default_factory=list)
    _said_at: float = 0

    @property
    def ok(self) -> bool:
        return self.retired_after is not None and not self.lacking and not self.findings

    @property
    def findings(self) -> list[Finding]:
        return [*self.witness.tally.wrong, *self.witness.tally.failed]

    def rotate(self, act: Callable[[type], Any], *, reload: timedelta) -> None:
        """Let the next key take over, and watch until the last token of the older one has expired. `act` runs a use case."""
        plan: RotationPlan = act(PlanRotation)
        if self.stops not in {key.kid for key in act(ListSigningKeys).keys}:
            self.lacking.append(
                "The server signs with a key that is not in the database of these settings. Nothing was rotated."
            )
            return
        self.stops, self.starts = plan.stops, plan.starts
        self.witness.go_round()
        if self.findings:
            self.lacking.append("Good tokens are refused as it is. Nothing was rotated.")
            return
        self._tell(
            f"{plan.stops} signs; {plan.starts} takes over at {_shown(plan.hands_over_at)}. The drill lasts"
            f" {spoken((plan.ends_at - plan.as_of).total_seconds())}, until {_shown(plan.ends_at)}. Stopping it does no harm."
        )
        if not plan.under_way:
            act(RotateSigningKey)
        ring: StoredKeyRing = act(ListSigningKeys)
        old = _key(ring, plan.stops)
        if old.signs_until is None or old.verifies_until is None:
            self.lacking.append("Somebody else has changed the keys meanwhile.")
            return
        now, overdue = self.witness.seconds, (reload + _OVERDUE).total_seconds()
        self.hands_over_after = now + (old.signs_until - ring.as_of).total_seconds()
        self.ends_after = now + (old.verifies_until - ring.as_of).total_seconds()
        if not self._follow(lambda: self.starts in self.witness.newest, until=self.hands_over_after + overdue):
            self.lacking.append(f"No server signs with {self.starts}, which was to take over.")
            return
        self._see_it_retire(until=self.ends_after + overdue)
        if self.retired_after and _key(act(ListSigningKeys), self.stops).disarmed_at is None:
            self.lacking.append(f"The private half of {self.stops} is still stored: portunus keys retire deletes it.")

    def watch(self) -> None:
        """Wait for a rotation that comes by itself, for as long as it takes, and watch it to its end: by HTTP alone."""
        self.witness.go_round()
        if not self.witness.published:
            self.lacking.append("The server publishes no keys, so that a rotation cannot be seen from outside.")
            return
        self._tell(f"{self.stops} signs. Waiting for a rotation.")
        self._follow(lambda: bool(self.witness.newest - {self.stops, ""}), until=None)
        self.starts = min(self.witness.newest - {self.stops, ""})
        self._see_it_retire(until=None)

    def report(self) -> dict[str, Any]:
        tally = self.witness.tally
        return {
            "ok": self.ok,
            "from": self.stops,
            "to": self.starts or None,
            "promoted_after": self.promoted_after,
            "retired_after": self.retired_after,
            "seconds": round(self.witness.seconds, 1),
            "requests": tally.requests,
            "checked_offline": tally.checked_offline,
            "unavailable": tally.unavailable,
            "tokens": dict(tally.issued),
            "wrong_401s": len(tally.wrong),
            "failed": len(tally.failed),
            "findings": [asdict(finding) for finding in self.findings[:_FINDINGS_SHOWN]],
            "lacking": self.lacking,
        }

    def lines(self) -> list[str]:
        """The same, to be read."""
        tally = self.witness.tally
        return [
            f"{tally.requests} requests and {tally.checked_offline} checks offline in {spoken(self.witness.seconds)}.",
            f"Tokens: {', '.join(f'{count} of {kid}' for kid, count in tally.issued.items())}.",
            f"{len(tally.wrong)} wrong 401s, {len(tally.failed)} failed requests, {tally.unavailable} times unavailable.",
            *(f"  {finding}" for finding in self.findings[:_FINDINGS_SHOWN]),
            *self.lacking,
            f"{self.stops} has retired, and {self.starts} signs." if self.ok else "The drill FAILED.",
        ]

    def _see_it_retire(self, *, until: float | None) -> None:
        accepted = self.witness.tally.accepted
        self.promoted_after, before = round(self.witness.seconds, 1), accepted[self.stops]
        self._tell(f"{self.starts} signs. {self._how_far()}")

        def over() -> bool:
            expired = self.ends_after is None or self.witness.seconds >= self.ends_after
            return expired and self.stops not in self.witness.published and not self.witness.newest & {self.stops, ""}

        if self._follow(over, until=until):
            self.retired_after = round(self.witness.seconds, 1)
        else:
            self.lacking.append(
                f"{self.stops} should have retired, and some server still publishes it, signs with it, or is away."
            )
        if accepted[self.stops] == before or not accepted[self.starts]:
            self.lacking.append("Tokens of both keys were not presented after the one had taken over from the other.")

    def _follow(self, over: Callable[[], bool], *, until: float | None) -> bool:
        """Go round until it is `over`, or `until` has passed: whether it was."""
        while True:
            self.witness.go_round()
            if over():
                return True
            if until is not None and self.witness.seconds > until:
                return False
            if self.witness.seconds >= self._said_at + _SECONDS_BETWEEN_LINES:
                self._tell(self._how_far())
            time.sleep(self.pause)

    def _tell(self, text: str) -> None:
        self._said_at = self.witness.seconds
        self.say(f"{spoken(self._said_at):>12}  {text}")

    def _how_far(self) -> str:
        seconds, tally = self.witness.seconds, self.witness.tally
        if self.promoted_after is None:
            ahead = f"It takes over {_in(self.hands_over_after, seconds)}." if self.starts else "No other key signs yet."
        else:
            ahead = f"{self.stops} retires {_in(self.ends_after, seconds)}." if self.ends_after else f"{self.stops} retires."
        return f"{ahead} {tally.requests} requests, {len(tally.wrong)} wrong 401s."


def spoken(seconds: float) -> str:
    minutes, rest = divmod(max(round(seconds), 0), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def _key(ring: StoredKeyRing, kid: str) -> SigningKey:
    return next(key for key in ring.keys if key.kid == kid)


def _in(after: float | None, seconds: float) -> str:
    return f"in {spoken(after - seconds)}" if after and after > seconds else "at any moment"


def _shown(time: datetime) -> str:
    return f"{time:%Y-%m-%d %H:%M:%SZ}"
