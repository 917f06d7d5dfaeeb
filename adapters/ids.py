"""UUIDs of version 7 (RFC 9562 5.7): they sort by the millisecond they were made in, and 74 bits are random."""

import secrets
import time
from typing import final
from uuid import UUID

from domain.session import SessionId
from domain.user import UserId


@final
class Uuid7Ids:
    def user(self) -> UserId:
        return UserId(_uuid7())

    def session(self) -> SessionId:
        return SessionId(_uuid7())


def _uuid7() -> UUID:
    milliseconds = time.time_ns() // 1_000_000
    return UUID(
        int=milliseconds << 80 | 0x7 << 76 | secrets.randbits(12) << 64 | 0b10 << 62 | secrets.randbits(62),
    )
