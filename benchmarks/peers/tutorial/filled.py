"""The tutorial's app with users in it. Run as a program it prints [access token, refresh token] of each."""

import json
import os

from app import app, create_tokens, pwd_context, users

__all__ = ["app"]

_hash = pwd_context.hash(os.environ["PEER_PASSWORD"])
for _number in range(int(os.environ["PEER_USERS"])):
    _name = f"user{_number}"
    users[_name] = {"id": str(_number), "username": _name, "email": f"{_name}@example.com", "hashed_password": _hash}

if __name__ == "__main__":
    _pairs = [create_tokens(name) for name in users]
    print(json.dumps([[pair.access_token, pair.refresh_token] for pair in _pairs]))
