"""Events as lines of the log."""

import re
from dataclasses import fields
from typing import Any, final

import structlog

from domain.events import Event


@final
class LoggedEvents:
    """`RefreshReuse` becomes the warning `refresh_reuse`, with the event's fields beside it."""

    def __init__(self) -> None:
        self._log: Any = structlog.get_logger("portunus.events")

    def record(self, event: Event) -> None:
        name = re.sub(r"(?<!^)(?=[A-Z])", "_", type(event).__name__).lower()
        self._log.warning(name, **{field.name: str(getattr(event, field.name)) for field in fields(event)})
