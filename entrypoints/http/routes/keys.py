"""Keys: what others need to verify our tokens."""

from typing import Annotated, Any

from fastapi import APIRouter, Response

from application.keys.publish_key_set import PublishKeySet
from entrypoints.http.documented import NO_SIGNING_KEY, answers
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
