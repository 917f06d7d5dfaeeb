"""Keys: what others need to verify our tokens, and to know which of them count no more."""

import base64
from collections.abc import Callable
from functools import lru_cache
from typing import Annotated, Any, Self

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from application.keys.publish_key_set import PublishKeySet
from application.keys.publish_revocations import PublishRevocations, RevocationFeed
from domain.revocation import fingerprint
from domain.session import SessionId
from entrypoints.http.documented import INVALID_QUERY, NO_SIGNING_KEY, STORAGE_UNAVAILABLE, TOO_MANY_READS, answers
from entrypoints.http.inject import use
from entrypoints.http.strict import StrictRoute

router = APIRouter(tags=["keys"], route_class=StrictRoute)

_EXAMPLE = {
    "kty": "EC",
    "crv": "P-256",
    "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
    "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
    "use": "sig",
    "alg": "ES256",
    "kid": "oKIywvGUpTVTyxMQ3bwIIeQUudfr_CkLMjCE19ECD-U",
}
_FEED_EXAMPLE: dict[str, Any] = {
    "now": 1795536000,
    "reset": False,
    "revoked": ["Zj94ffjX0b3-lscQK2bNwQ"],
    "withdrawn_keys": [],
    "next": "zJzKytb2B9Iem7ugAqT-mZ1Z1mKX7M6DlUwHCsTHeKtcvjAq_Coin8AH",
    "more": False,
}
_FEED_MAX_AGE = 1  # seconds: as long as its readers wait
_MOST_ENTRIES = 100_000


class RevocationsOut(BaseModel):
    model_config = ConfigDict(json_schema_extra={"examples": [_FEED_EXAMPLE]})

    now: int = Field(description="When this was true, by the store's clock: seconds since 1970.")
    reset: bool = Field(description="What was read before is void: this is the first page of all that still counts.")
    revoked: list[str] = Field(
        description="Of each session that ended: base64url of the first 16 bytes of SHA-256 of its `sid`."
    )
    withdrawn_keys: list[str] = Field(description="Of each key whose tokens count no more: its `kid`.")
    next: str = Field(description="The cursor to read on from.")
    more: bool = Field(description="There is another page already.")

    @classmethod
    def of(cls, feed: RevocationFeed, entry_of: Callable[[SessionId], str]) -> Self:
        return cls(
            now=int(feed.page.as_of.timestamp()),
            reset=feed.page.reset,
            revoked=[*map(entry_of, feed.page.sessions)],
            withdrawn_keys=list(feed.page.kids),
            next=feed.next,
            more=not feed.page.is_last,
        )


def entry_of(session_id: SessionId) -> str:
    return base64.urlsafe_b64encode(fingerprint(session_id)).rstrip(b"=").decode()


def remembered_entries() -> Callable[[SessionId], str]:
    """The same. An entry is told to everybody for a quarter of an hour: some 20 MB, to make each of them once."""
    return lru_cache(_MOST_ENTRIES)(entry_of)


@router.get(
    "/.well-known/jwks.json",
    operation_id="get_key_set",
    summary="The keys that verify access tokens (RFC 7517)",
    responses={200: {"content": {"application/json": {"example": {"keys": [_EXAMPLE]}}}}, **answers(NO_SIGNING_KEY)},
)
async def key_set(
    response: Response, publish_key_set: Annotated[PublishKeySet, use(PublishKeySet)]
) -> dict[str, list[dict[str, Any]]]:
    key_set = await publish_key_set()
    response.headers["Cache-Control"] = f"public, max-age={int(key_set.max_age.total_seconds())}"
    return {"keys": [dict(key.jwk) for key in key_set.keys]}


@router.get(
    "/.well-known/revocations",
    operation_id="get_revocations",
    summary="The access tokens that count no more, though their time is not over",
    description="For services that verify tokens offline. docs/revocation-feed.md says how to follow it.",
    response_model=RevocationsOut,
    responses=answers(INVALID_QUERY, TOO_MANY_READS, STORAGE_UNAVAILABLE),
)
async def revocations(
    request: Request,
    publish_revocations: Annotated[PublishRevocations, use(PublishRevocations)],
    after: Annotated[
        str | None, Query(description="`next` of the answer before. Anything else is as none: all that still counts.")
    ] = None,
) -> Response:
    told = RevocationsOut.of(await publish_revocations(after=after), request.app.state.feed_entry_of)
    headers = {"Cache-Control": f"public, max-age={_FEED_MAX_AGE}"}
    return Response(told.model_dump_json(), media_type="application/json", headers=headers)
