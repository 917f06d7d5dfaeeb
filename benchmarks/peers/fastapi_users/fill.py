"""Puts users into the database, and prints a token of each."""

import asyncio
import json
import os
from uuid import uuid4

from app import User, create_db_and_tables, engine, get_jwt_strategy, password_helper
from sqlalchemy import insert, text


async def fill() -> list[str]:
    await create_db_and_tables()
    hashed = password_helper.hash(os.environ["PEER_PASSWORD"])
    made = [
        User(id=uuid4(), email=f"user{number}@example.com", hashed_password=hashed)
        for number in range(int(os.environ["PEER_USERS"]))
    ]
    flags = {"is_active": True, "is_superuser": False, "is_verified": False}
    rows = [{"id": user.id, "email": user.email, "hashed_password": hashed, **flags} for user in made]
    async with engine.begin() as connection:
        await connection.execute(insert(User.__table__), rows)
        await connection.execute(text('ANALYZE "user"'))
    strategy = get_jwt_strategy()
    tokens = [await strategy.write_token(user) for user in made]
    await engine.dispose()
    return tokens


print(json.dumps(asyncio.run(fill())))
