"""The ring of signing keys, and how it turns: one key signs, and one is announced that will be next."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Self

from domain.signing_key import KeyPolicy, KeyState, RotationUnderWay, SigningKey, SigningKeyUnknown, UnusableSigningKey

_LACKS_A_KEY = "a ring has an active and an announced key from its beginning"


@dataclass(frozen=True, slots=True, kw_only=True)
class RotationPlan:
    """The key `stops` hands over to the key `starts` at `hands_over_at`, and its last token has expired at `ends_at`."""

    as_of: datetime  # the store's time
    stops: str
    starts: str
    hands_over_at: datetime
    ends_at: datetime
    under_way: bool  # it has been decided already


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredKeyRing:
    """All signing keys as they were at one moment, by ordinal. `generation` rises with every change of any of them.

    Every transition takes a spare key, made beforehand, so that afterwards one is announced again.
    """

    generation: int
    as_of: datetime  # the store's time
    keys: tuple[SigningKey, ...] = ()

    @property
    def active(self) -> SigningKey | None:
        """The one that signs: of several, that which started last."""
        return self.active_at(self.as_of)

    def active_at(self, moment: datetime) -> SigningKey | None:
        """The one that signs then, if nobody changes the ring before."""
        active = [key for key in self.keys if key.state(moment) is KeyState.ACTIVE]
        return max(active, key=lambda key: (key.signs_from, key.ordinal), default=None)

    @property
    def taking_over(self) -> SigningKey | None:
        """The one that a rotation has chosen, and that waits until everybody knows it."""
        return next((key for key in self._in(KeyState.ANNOUNCED) if key.signs_from), None)

    @property
    def announced(self) -> SigningKey | None:
        """The one that a rotation would choose."""
        return next((key for key in self._in(KeyState.ANNOUNCED) if key.signs_from is None), None)

    def is_due(self, policy: KeyPolicy) -> bool:
        """Whether the active key has signed for long enough, so that a rotation decided now is not too early."""
        active = self.active
        if active is None or active.signs_from is None or self.taking_over:
            return False
        return self.as_of >= active.signs_from + policy.signs_for

    def plan(self, policy: KeyPolicy) -> RotationPlan:
        """The rotation that is under way, or how one would go that were decided now."""
        active, chosen = self.active, self.taking_over or self.announced
        if chosen is None or active is None:
            raise LookupError(_LACKS_A_KEY)
        at = chosen.signs_from or self._known_everywhere_at(chosen, policy)
        return RotationPlan(
            as_of=self.as_of,
            stops=active.kid,
            starts=chosen.kid,
            hands_over_at=at,
            ends_at=active.verifies_until or at + policy.verifies_for,
            under_way=self.taking_over is not None,
        )

    def begin(self, first: SigningKey, spare: SigningKey) -> Self:
        """A ring without a key that could sign: the first one does at once, since nobody can have kept an older key set."""
        ring = self._with(first.start(self.as_of))
        return ring if ring.announced else ring._with(spare)

    def rotate(self, policy: KeyPolicy, spare: SigningKey) -> Self:
        """Let the announced key sign as soon as everybody knows it, and the active one stop then. Or `RotationUnderWay`."""
        chosen, active = self.announced, self.active
        if self.taking_over and self.taking_over.signs_from:
            raise RotationUnderWay(self.taking_over.signs_from)
        if chosen is None or active is None:
            raise LookupError(_LACKS_A_KEY)
        return self._hand_over(active, chosen, policy)._with(spare)

    def announce(self, key: SigningKey) -> Self:
        """Let another key be next, instead of the one that is. Raises `UnusableSigningKey` for one that is known."""
        if key.kid in {known.kid for known in self.keys}:
            raise UnusableSigningKey("It is known here already.")
        former = [self.announced.withdraw(self.as_of)] if self.announced else []
        return self._changed(former)._with(key)

    def compromise(self, kid: str, policy: KeyPolicy, spare: SigningKey) -> Self:
        """Trust that key no more, from now on. Where it signed, the next one does at once. Raises `SigningKeyUnknown`."""
        key = next((key for key in self.keys if key.kid == kid), None)
        if key is None:
            raise SigningKeyUnknown
        state = key.state(self.as_of)
        ring = self._changed([key.compromise(self.as_of)])
        if state is KeyState.ACTIVE:
            ring = ring._promoted_at_once(spare)
        elif state is KeyState.ANNOUNCED and key.signs_from and self.active and ring.announced:
            ring = ring._hand_over(self.active.go_on(), ring.announced, policy)
        return ring if ring.announced or (ring.active and ring.active.kid == spare.kid) else ring._with(spare)

    def forgettable(self, kept: timedelta) -> list[SigningKey]:
        """Those that retired so long ago. A compromised one is never forgotten: it would be unknown, and could be imported."""
        return [key for key in self._in(KeyState.RETIRED) if key.verifies_until and key.verifies_until <= self.as_of - kept]

    def seen(self, at: datetime) -> Self:
        """The same ring, later."""
        return replace(self, as_of=at)

    def retire_all(self, keys: Iterable[SigningKey]) -> Self:
        return self._changed(key.withdraw(self.as_of) for key in keys if key.verifies(self.as_of))

    def replaced(self, key: SigningKey) -> Self:
        return self._changed([key])

    def _promoted_at_once(self, spare: SigningKey) -> Self:
        chosen = self.taking_over or self.announced
        if chosen is None:
            return self._with(spare.start(self.as_of))  # without one that is announced, until the next start makes it
        return self._changed([chosen.start(self.as_of)])

    def _hand_over(self, active: SigningKey, chosen: SigningKey, policy: KeyPolicy) -> Self:
        at = self._known_everywhere_at(chosen, policy)
        return self._changed([active.stop(at, verifies_until=at + policy.verifies_for), chosen.start(at)])

    def _known_everywhere_at(self, key: SigningKey, policy: KeyPolicy) -> datetime:
        return max(self.as_of, key.created_at + policy.announced_for)

    def _in(self, state: KeyState) -> list[SigningKey]:
        return [key for key in self.keys if key.state(self.as_of) is state]

    def _with(self, *keys: SigningKey) -> Self:
        last = max((key.ordinal for key in self.keys), default=0)
        placed = tuple(replace(key, ordinal=last + number) for number, key in enumerate(keys, start=1))
        return replace(self, keys=self.keys + placed)

    def _changed(self, keys: Iterable[SigningKey]) -> Self:
        changed = {key.kid: key for key in keys}
        return replace(self, keys=tuple(changed.get(key.kid, key) for key in self.keys))
