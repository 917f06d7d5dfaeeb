"""How far a proof of the record has come."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from domain.audit_seals import Anchor, Finding
from domain.user import UserId


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """How far it has come. `head` is where the chain ends so far; `unsealed` is how many entries come after it.

    To be kept elsewhere: whoever removes the newest seals with their entries leaves a record that is whole, and shorter.
    """

    head: Anchor
    findings: Sequence[Finding] = ()
    unsealed: int = 0
    unattested: int | None = None  # the newest seal whose key is not known any more, and that no later one attests
    missing: Mapping[UserId | None, Finding] = field(default_factory=dict)
    is_last: bool = False
