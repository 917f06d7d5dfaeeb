"""Refusing a log-in before its password is looked at: the one place for it, however much is known of the log-in by then."""

from contextlib import AbstractContextManager, nullcontext

from application.ports.passwords import PasswordHasher
from domain.origin import Origin
from domain.turn import Line, Turn


def room_for_log_in(origin: Origin, *, spared: bool, hasher: PasswordHasher) -> AbstractContextManager[None]:
    """Room in the line in which log-ins wait to be hashed, while one is under way; `spared` is who has a line of its own.

    Raises `Overloaded` where the hash could not even wait.
    """
    return nullcontext() if spared else hasher.room(Turn.of_address(Line.LOG_INS, origin))
