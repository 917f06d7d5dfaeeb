"""A FastAPI service that takes Portunus's access tokens and asks nobody: it verifies them with the published keys.

PORTUNUS_ISSUER=http://127.0.0.1:8000 uvicorn --app-dir examples protected_service:app --port 8001
"""

import os
from typing import Annotated, Any

import jwt
from fastapi import Depends, FastAPI, HTTPException
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

ISSUER = os.environ["PORTUNUS_ISSUER"]  # `iss` of its tokens, and here also where it answers
AUDIENCE = os.environ.get("PORTUNUS_AUDIENCE", ISSUER)
keys = jwt.PyJWKClient(f"{ISSUER}/.well-known/jwks.json", lifespan=300, timeout=2)
app = FastAPI(title="A protected service")
Credentials = Annotated[HTTPAuthorizationCredentials | None, Depends(HTTPBearer(auto_error=False))]


def claims(credentials: Credentials) -> dict[str, Any]:  # not `async`: fetching the keys waits, and does so in a thread
    token = credentials.credentials if credentials else ""
    try:
        if jwt.get_unverified_header(token).get("typ") != "at+jwt":  # RFC 9068 4
            raise jwt.InvalidTokenError
        key = keys.get_signing_key_from_jwt(token).key
        options: Any = {"require": ["exp", "iat", "sub", "sid"], "strict_aud": True}
        return jwt.decode(token, key, algorithms=["ES256"], issuer=ISSUER, audience=AUDIENCE, leeway=5, options=options)
    except jwt.PyJWKClientConnectionError:
        raise HTTPException(503, "The keys cannot be fetched.", {"Retry-After": "1"}) from None
    except jwt.PyJWTError:
        raise HTTPException(401, "Could not validate credentials", {"WWW-Authenticate": "Bearer"}) from None


@app.get("/greeting")
def greet(caller: Annotated[dict[str, Any], Depends(claims)]) -> dict[str, str]:
    return {"greeting": f"Hello, {caller['sub']}."}
