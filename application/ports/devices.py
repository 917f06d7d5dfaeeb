"""Recognising what somebody works with."""

from typing import Protocol

from domain.origin import Device, Origin


class Devices(Protocol):
    def recognise(self, origin: Origin) -> Device:
        """From what the program calls itself, which anybody can make up: good for showing, not for deciding. Never raises."""
        ...
