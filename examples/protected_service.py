"""A FastAPI service that takes Portunus's access tokens without asking about each: it verifies them with the published keys,
and follows the feed of what was revoked.

PORTUNUS_ISSUER=http://127.0.0.1:8000 uvicorn --app-dir examples protected_service:app --port 8001

While the feed stands still it answers 503; with PORTUNUS_CLIENT=name:secret (`portunus clients add`) it asks Portunus then.
"""

import base64
import http.client
import json
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from threading import Event, Thread
from typing import Annotated, Any
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import jwt
from fastapi import Depends, FastAPI, HTTPException
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from revocations import FeedStandsStill, RevocationFeed

ISSUER = os.environ["PORTUNUS_ISSUER"]  # `iss` of its tokens, and here also where it answers
AUDIENCE = os.environ.get("PORTUNUS_AUDIENCE", ISSUER)
CLIENT = os.environ.get("PORTUNUS_CLIENT")
MAX_STALE = float(os.environ.get("PORTUNUS_MAX_STALE", "30"))  # seconds


class Keys(jwt.PyJWKClient):
    """Looks for a key that it does not know once in 5 seconds: anybody can send a token with a `kid` that is made up."""

    looked_at = float("-inf")

    def get_signing_key(self, kid: str) -> jwt.PyJWK:
        known = {key.key_id: key for key in self.get_signing_keys()}
        if kid not in known and time.monotonic() - self.looked_at >= 5:
            self.looked_at = time.monotonic()
            known = {key.key_id: key for key in self.get_signing_keys(refresh=True)}
        if kid not in known:
            raise jwt.InvalidTokenError
        return known[kid]


keys = Keys(f"{ISSUER}/.well-known/jwks.json", lifespan=300, timeout=2)
feed = RevocationFeed(ISSUER, max_stale=MAX_STALE)


@asynccontextmanager
async def following(_: FastAPI) -> AsyncIterator[None]:
    stop = Event()
    thread = Thread(target=feed.follow, args=(stop,), daemon=True)
    thread.start()
    yield
    stop.set()
    thread.join()


app = FastAPI(title="A protected service", lifespan=following)
Credentials = Annotated[HTTPAuthorizationCredentials | None, Depends(HTTPBearer(auto_error=False))]
REFUSED = HTTPException(401, "Could not validate credentials", {"WWW-Authenticate": "Bearer"})
NOT_NOW = HTTPException(503, "Tokens cannot be judged at the moment.", {"Retry-After": "1"})


def claims(credentials: Credentials) -> dict[str, Any]:  # not `async`: fetching waits, and does so in a thread
    token = credentials.credentials if credentials else ""
    try:
        header = jwt.get_unverified_header(token)
        if header.get("typ") != "at+jwt":  # RFC 9068 4
            raise jwt.InvalidTokenError
        key = keys.get_signing_key(header.get("kid", ""))
        options: Any = {"require": ["exp", "iat", "sub", "sid"], "strict_aud": True}
        found = jwt.decode(token, key, algorithms=["ES256"], issuer=ISSUER, audience=AUDIENCE, leeway=5, options=options)
    except (jwt.PyJWKClientError, jwt.PyJWKSetError, OSError, ValueError):
        raise NOT_NOW from None
    except jwt.PyJWTError:
        raise REFUSED from None
    try:
        revoked = feed.has_revoked(sid=found["sid"], kid=header["kid"])
    except FeedStandsStill:
        revoked = not is_active(token)
    if revoked:
        raise REFUSED
    return found


def is_active(token: str) -> bool:
    """Ask Portunus (RFC 7662)."""
    if CLIENT is None:
        raise NOT_NOW
    credentials = base64.b64encode(CLIENT.encode()).decode()
    asked = Request(f"{ISSUER}/introspect", urlencode({"token": token}).encode(), {"Authorization": f"Basic {credentials}"})
    try:
        with urlopen(asked, timeout=2) as answer:
            return json.load(answer)["active"] is True
    except (OSError, http.client.HTTPException, ValueError, KeyError):
        raise NOT_NOW from None


@app.get("/greeting")
def greet(caller: Annotated[dict[str, Any], Depends(claims)]) -> dict[str, str]:
    return {"greeting": f"Hello, {caller['sub']}."}
