"""Find out who holds an access token."""

from dataclasses import dataclass
from typing import final

from application.ports.sightings import Sightings
from application.ports.tokens import AccessTokens
from application.ports.unit_of_work import Store
from application.steps.find_caller import find_caller
from domain.actor import Actor


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Authenticate:
    """The caller behind an access token, or `InvalidAccessToken`.

    The session is read each time, so a revocation holds for the very next request.
    """

    store: Store
    access_tokens: AccessTokens
    sightings: Sightings

    async def __call__(self, *, access_token: str) -> Actor:
        actor, _ = await find_caller(access_token, store=self.store, access_tokens=self.access_tokens)
        self.sightings.note(actor.session.id)
        return actor
