"""What a thief of the database gets, and what is answered when the database takes no writing."""

import asyncio
import base64
import sqlite3
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from adapters.sql.migrate import upgrade
from tests.databases import Databases
from tests.examples import PASSWORD
from tests.http.api import Api, an_api, require_problem


@dataclass(frozen=True, slots=True)
class Stored:
    api: Api
    databases: Databases
    url: str

    async def values(self) -> list[Any]:
        """Every column of every row of every table."""
        if self.url.startswith("sqlite"):
            return await asyncio.to_thread(self._in_file)
        names = await self.databases.fetch(self.url, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        found: list[Any] = []
        for row in names:
            rows = await self.databases.fetch(self.url, f'SELECT * FROM "{row["tablename"]}"')  # noqa: S608 - a table's name
            found += [value for each in rows for value in each.values()]
        return found

    def _in_file(self) -> list[Any]:
        connection = sqlite3.connect(self.url.removeprefix("sqlite:///"))
        names = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        found = [value for name in names for row in connection.execute(f'SELECT * FROM "{name}"') for value in row]  # noqa: S608
        connection.close()
        return found


@pytest.fixture(params=["sqlite", "postgresql"])
async def stored(request: pytest.FixtureRequest, databases: Databases, tmp_path: Path) -> AsyncIterator[Stored]:
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path}/portunus.db"
        await upgrade(url)
    else:
        url = await databases.make()
    async with an_api(database_url=url) as api:
        yield Stored(api, databases, url)


async def test_rt01_of_a_token_nothing_is_stored_and_nothing_that_is_stored_is_a_token(stored: Stored) -> None:
    api = stored.api
    pairs = [await api.log_in(), await api.log_in()]
    pairs += [(await api.refresh(pair["refresh_token"])).json() for pair in pairs]

    values = await stored.values()

    haystack = b"\n".join(form for value in values for form in _as_bytes(value))
    assert b"johndoe" in haystack
    for pair in pairs:
        for part in (*_parts_of_refresh(pair["refresh_token"]), *_parts_of_access(pair["access_token"])):
            assert part not in haystack
    for form in {form for value in values for form in _as_bytes(value)}:
        for text in _as_tokens(form):
            assert (await api.http.post("/refresh", json={"refresh_token": text})).status_code == 401
            assert (await api.http.get("/users/me", headers={"Authorization": f"Bearer {text}"})).status_code == 401
    for pair in pairs[2:]:
        assert (await api.refresh(pair["refresh_token"])).status_code == 200


async def test_rt01_a_token_has_256_bits_that_nobody_can_guess(stored: Stored) -> None:
    api = stored.api
    await api.sign_up()
    tokens = [(await api.token(username="johndoe", password=PASSWORD)).json()["refresh_token"] for _ in range(20)]

    secrets = [stored.api.container.adapters.refresh_tokens().open(token).secret.value for token in tokens]

    assert {len(secret) for secret in secrets} == {32}
    assert len({secret[at : at + 8] for secret in secrets for at in (0, 8, 16, 24)}) == 80


async def test_rt12_a_log_out_that_cannot_be_stored_is_503_and_holds_once_it_can(databases: Databases) -> None:
    url = await databases.make()
    async with an_api(database_url=url) as api:
        first, second, reused = await api.log_in(), await api.log_in(), await api.log_in()
        newest = (await api.refresh((await api.refresh(reused["refresh_token"])).json()["refresh_token"])).json()
        bearer = {"Authorization": f"Bearer {first['access_token']}"}
        in_body = {"refresh_token": second["refresh_token"]}
        await databases.configure(url, "SET default_transaction_read_only = on")
        await databases.execute(
            url,
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()",
        )

        refused = [
            await api.http.post("/logout", headers=bearer),
            await api.http.post("/logout", json=in_body),
            await api.refresh(reused["refresh_token"]),
        ]

        for answer in refused:
            require_problem(answer, 503, "storage_unavailable")
            assert answer.headers["retry-after"] == "1"
        await databases.configure(url, "RESET default_transaction_read_only")
        assert (await api.me(first["access_token"])).status_code == 200
        assert (await api.http.post("/logout", headers=bearer)).status_code == 204
        assert (await api.http.post("/logout", json=in_body)).status_code == 204
        assert (await api.refresh(reused["refresh_token"])).status_code == 401
        for pair in (first, second, newest):
            assert (await api.me(pair["access_token"])).status_code == 401


def _parts_of_refresh(token: str) -> Iterator[bytes]:
    raw = base64.urlsafe_b64decode(token.removeprefix("prt_"))
    secret, mac = raw[23:55], raw[55:]
    for part in (raw, secret, mac):
        for at in (0, len(part) // 2):
            half = part[at : at + len(part) // 2]
            yield from (half, half.hex().encode(), base64.b64encode(half)[:-4], base64.urlsafe_b64encode(half)[:-4])
    yield from (token.encode(), token[:60].encode(), token[60:].encode())


def _parts_of_access(token: str) -> Iterator[bytes]:
    _, payload, signature = token.split(".")
    raw = base64.urlsafe_b64decode(signature + "==")
    yield from (token.encode(), payload.encode(), signature.encode(), signature[:43].encode(), signature[43:].encode())
    yield from (raw[:32], raw[32:], raw[:32].hex().encode(), raw[32:].hex().encode())


def _as_bytes(value: Any) -> Iterator[bytes]:
    if isinstance(value, bytes):
        yield value
        yield value.hex().encode()
    elif value is not None:
        yield str(value).encode()


def _as_tokens(stored: bytes) -> Iterator[str]:
    """What a thief would try."""
    spelt = base64.urlsafe_b64encode(stored).decode().rstrip("=")
    texts = {stored.hex(), spelt, *([stored.decode()] if stored.isascii() else [])}
    for text in texts:
        plain = "".join(character for character in text if character.isprintable() and character.isascii()).strip()
        yield from (plain, f"prt_{plain}", f"prt_{(plain + 'A' * 116)[:116]}")
