"""Whose turn it is to have a password hashed: the one thing here that costs much."""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Self

from domain.client_address import networks_of
from domain.origin import Origin


class Line(StrEnum):
    DEVICES = "devices"  # that their users have logged in with before
    LOG_INS = "log_ins"
    SIGN_UPS = "sign_ups"


@dataclass(frozen=True, slots=True)
class Turn:
    """In a line, those of one `whose` take turns with the others as one: an address. Of one `account` one at a time."""

    line: Line = Line.LOG_INS
    whose: str = ""
    account: str = ""  # of a device

    @classmethod
    def of_address(cls, line: Line, origin: Origin) -> Self:
        return cls(line, networks_of(origin.address)[-1] if origin.address else "")

    @classmethod
    def of_device(cls, account: str, origin: Origin) -> Self:
        """By address as well: else whoever had signed up for many accounts had as many turns."""
        return replace(cls.of_address(Line.DEVICES, origin), account=account)
