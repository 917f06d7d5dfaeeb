"""A PostgreSQL that is reached over TLS: one of our own behind something that speaks it, as the driver's protocol has it."""

import asyncio
import re
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
from sqlalchemy import URL

from adapters.sql.database_url import UnusableDatabaseUrl, parse_database_url
from adapters.sql.engines import open_engine
from adapters.sql.store import SqlStore
from application.ports.unit_of_work import StoreUnavailable
from domain.session import Lifetimes
from tests.certificates import Authority
from tests.databases import Databases
from tests.fakes import FakeClock

_TLS_PLEASE = bytes.fromhex("0000000804d2162f")  # SSLRequest


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    (tmp_path / "trusted").mkdir()
    return Authority(tmp_path / "trusted")


@pytest.fixture
async def plain(databases: Databases) -> URL:
    return parse_database_url(await databases.make())


@asynccontextmanager
async def over_tls(plain: URL, context: ssl.SSLContext) -> AsyncIterator[tuple[str, list[str]]]:
    """Its address, and which versions of TLS were spoken. What does not ask for TLS is hung up on."""
    spoken = list[str]()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError):
            if await reader.readexactly(8) == _TLS_PLEASE:
                writer.write(b"S")
                await writer.start_tls(context)
                spoken.append(writer.get_extra_info("ssl_object").version())
                behind = await _connected(str(plain.query["host"]), int(str(plain.query["port"])))
                await asyncio.gather(_pump(reader, behind[1]), _pump(behind[0], writer))
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}", spoken


async def _connected(host: str, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    if host.startswith("/"):
        return await asyncio.open_unix_connection(f"{host}/.s.PGSQL.{port}")
    return await asyncio.open_connection(host, port)


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
    writer.close()


async def _ask(plain: URL, hosts: str, query: str) -> None:
    credentials = f"{plain.username}:{plain.password or ''}"
    url = f"postgresql://{credentials}@{hosts}/{plain.database}?{query}"
    store = SqlStore(open_engine(url, pool_size=1), FakeClock(), Lifetimes())
    try:
        await store.live.read_key_ring()
    finally:
        await store.close()


@pytest.mark.parametrize("mode", ["require", "verify-ca", "verify-full"])
async def test_a_server_that_can_be_trusted_is_spoken_to_over_tls(plain: URL, authority: Authority, mode: str) -> None:
    by = "" if mode == "require" else f"&sslrootcert={authority.file}"
    async with over_tls(plain, authority.server()) as (host, spoken):
        await _ask(plain, host, f"sslmode={mode}{by}")

    assert spoken == ["TLSv1.3"]


async def test_every_one_of_several_hosts_is_held_to_it(plain: URL, authority: Authority, tmp_path: Path) -> None:
    async with over_tls(plain, authority.server()) as (good, spoken), over_tls(plain, Authority(tmp_path).server()) as (bad, _):
        await _ask(plain, f"{bad},{good}", f"sslmode=verify-full&sslrootcert={authority.file}")

    assert spoken == ["TLSv1.3"]


@pytest.mark.parametrize("mode", ["verify-ca", "verify-full"])
@pytest.mark.parametrize("flaw", ["another authority", "expired"])
async def test_a_server_that_cannot_be_trusted_is_away(
    plain: URL, authority: Authority, tmp_path: Path, mode: str, flaw: str
) -> None:
    context = authority.server(expired=True) if flaw == "expired" else Authority(tmp_path).server()
    async with over_tls(plain, context) as (host, _):
        with pytest.raises(StoreUnavailable):
            await _ask(plain, host, f"sslmode={mode}&sslrootcert={authority.file}")


async def test_the_certificate_of_another_host_is_enough_where_names_are_not_looked_at(
    plain: URL, authority: Authority
) -> None:
    async with over_tls(plain, authority.server("127.0.0.2")) as (host, _):
        await _ask(plain, host, f"sslmode=verify-ca&sslrootcert={authority.file}")
        with pytest.raises(StoreUnavailable):
            await _ask(plain, host, f"sslmode=verify-full&sslrootcert={authority.file}")


async def test_the_authorities_of_the_system_do_not_know_ours(plain: URL, authority: Authority) -> None:
    async with over_tls(plain, authority.server()) as (host, _):
        with pytest.raises(StoreUnavailable):
            await _ask(plain, host, "sslmode=verify-full&sslrootcert=system")


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("sslmode=verify-full&sslrootcert=/nowhere.pem", "/nowhere.pem, which cannot be read: No such file or directory."),
        ("sslmode=verify-full&sslrootcert={}", "which cannot be read: it holds no certificate."),
        ("sslmode=verify-full&sslrootcert=/", "cannot be read"),
        ("sslmode=verify-ca&sslrootcert=system", "sslrootcert=system is for sslmode=verify-full"),
        ("sslmode=require&sslrootcert=system", "write sslmode=verify-full"),
        ("sslrootcert=/nowhere.pem", "write sslmode=verify-full"),
    ],
)
def test_whom_to_trust_has_to_be_known_at_the_start(tmp_path: Path, query: str, reason: str) -> None:
    (empty := tmp_path / "empty.pem").write_text("no certificate")

    with pytest.raises(UnusableDatabaseUrl, match=re.escape(reason)):
        open_engine(f"postgresql://u:s3cret@h/db?{query.format(empty)}", pool_size=1)
