"""The system's clock."""

from datetime import UTC, datetime
from typing import final


@final
class SystemClock:
    def now(self) -> datetime:
        return datetime.now(UTC)  # noqa: TID251 - the one place that reads it
