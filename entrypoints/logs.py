"""Logs: JSON lines; coloured on a terminal. Every line of a request carries its id, and none what was sent."""

import logging
import os
import sys
import traceback
from collections.abc import Iterator, MutableMapping
from typing import Any, TextIO

import structlog
from structlog.typing import Processor

_SPEAK_FREELY = ("portunus", "uvicorn")  # below INFO; at DEBUG a database driver quotes every value it is given

_BEFORE: list[Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]


def configure_logs(level: str = "info", stream: TextIO | None = None) -> None:
    """Everything that is logged, by Portunus and by libraries, in one form on standard error, or on `stream`."""
    stream = stream or sys.stderr
    lowest = logging.getLevelNamesMapping()[level.upper()]
    structlog.configure(
        processors=[*_BEFORE, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(lowest),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(formatter(on_a_terminal=stream.isatty()))
    logging.raiseExceptions = False  # else a line that cannot be formatted is printed as it was given
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(max(lowest, logging.INFO))
    for name in _SPEAK_FREELY:
        logging.getLogger(name).setLevel(lowest)
    logging.getLogger("alembic").setLevel(logging.WARNING)
    # Its lines hold query strings, and say little that a line of ours does not.
    logging.getLogger("uvicorn.access").disabled = True


def formatter(*, on_a_terminal: bool) -> logging.Formatter:
    """One line for each event, whatever is in it; on a terminal a traceback has more, all indented."""
    render: list[Processor] = (
        [_printable, structlog.dev.ConsoleRenderer(colors=True, pad_event_to=0)]
        if on_a_terminal
        else [structlog.processors.JSONRenderer()]
    )
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=_BEFORE,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, _with_traceback, *render],
    )


def _with_traceback(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    found = event.pop("exc_info", None)
    error = sys.exc_info()[1] if found is True else found[1] if isinstance(found, tuple) else found
    if isinstance(error, BaseException):
        event["exception"] = "".join(_told(error)).rstrip()
    return event


def _told(error: BaseException) -> Iterator[str]:
    """A traceback without messages and variables: libraries quote in them what they were given, which may be a secret."""
    before = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if before is not None:
        yield from _told(before)
        yield "\nand then\n\n"
    yield from traceback.format_tb(error.__traceback__)
    said = os.strerror(error.errno) if isinstance(error, OSError) and error.errno else getattr(error, "sqlstate", None)
    name = f"{type(error).__module__}.{type(error).__qualname__}"
    yield f"{name}: {said}\n" if said else f"{name}\n"
    for each in error.exceptions if isinstance(error, BaseExceptionGroup) else ():
        yield from _told(each)


def _printable(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """No text moves the cursor, changes colours or begins a line of its own."""
    told = event.pop("exception", None)
    plain: MutableMapping[str, Any] = {
        _escaped(name): _escaped(value) if isinstance(value, str) else value for name, value in event.items()
    }
    if told:
        plain["exception"] = "\n".join(f"    {_escaped(line)}" for line in told.split("\n"))
    return plain


def _escaped(text: str) -> str:
    if text.isprintable():
        return text
    return "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode("ascii") for sign in text)
