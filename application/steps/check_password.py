"""Looking at a password: the one way to do it, whatever it is asked for."""

from dataclasses import dataclass

from application.ports.passwords import PasswordHasher
from application.ports.throttle import KnownDevice, Throttle
from domain.errors import Unavailable
from domain.origin import Origin
from domain.password import PlainPassword
from domain.turn import Line, Turn
from domain.user import User


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """`device` is the one that the password was typed on, where it is right and the device can be told again."""

    matches: bool
    device: KnownDevice | None = None


async def check_password(
    password: PlainPassword, user: User | None, *, identifier: str, origin: Origin, hasher: PasswordHasher, throttle: Throttle
) -> Checked:
    """Whether it is the password of the user, who exists and is not disabled; it takes as long whatever it is not for.

    Counted before it is looked at, also for a name that nobody has. Raises `Throttled`.
    """
    place = await throttle.reserve(user, identifier=identifier, origin=origin)
    of_device = Turn.of_device(place.forgiven, origin) if place.forgiven else None
    turn = of_device or Turn.of_address(Line.LOG_INS, origin)
    try:
        matches = await hasher.verify(password, user.password_hash if user else None, turn=turn)
    except Unavailable:
        await throttle.give_back(place)
        raise
    if not matches or user is None or user.disabled_at:
        await throttle.fail(place)
        return Checked(matches=False)
    return Checked(matches=True, device=await throttle.succeed(place))
