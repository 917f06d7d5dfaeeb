from datetime import UTC, datetime

import pytest

from application.ports.unit_of_work import Store
from domain.client import Client, ClientExists, ClientId, ClientSecret
from domain.session import EndReason
from tests.contracts.conftest import Storage
from tests.examples import a_stored_session, a_stored_user

SECRET = ClientSecret("pcs_" + "s" * 43)
REGISTERED_AT = datetime(2026, 11, 25, 9, 30, 15, 123456, tzinfo=UTC)


def a_client(name: str = "billing") -> Client:
    return Client(id=ClientId(name), secret_digest=SECRET.digest, registered_at=REGISTERED_AT)


async def _stored(store: Store, *clients: Client) -> None:
    async with store.begin() as work:
        for client in clients:
            await work.clients.add(client)
        await work.commit()


async def test_a_client_comes_back_as_it_was(storage: Storage) -> None:
    await _stored(storage.store, a_client())

    assert await storage.another.live.find_client(ClientId("billing")) == a_client()
    assert await storage.another.live.find_client(ClientId("Billing")) is None


async def test_without_a_commit_nothing_is_stored_or_removed(store: Store) -> None:
    await _stored(store, a_client("billing"))

    async with store.begin() as work:
        await work.clients.add(a_client("shop"))
        await work.clients.remove(ClientId("billing"))

    assert await store.live.find_client(ClientId("shop")) is None
    assert await store.live.find_client(ClientId("billing")) is not None


async def test_a_second_client_of_a_name_is_refused_and_the_work_goes_on(store: Store) -> None:
    await _stored(store, a_client())

    async with store.begin() as work:
        with pytest.raises(ClientExists):
            await work.clients.add(a_client())
        await work.clients.add(a_client("shop"))
        await work.commit()

    async with store.begin() as work:
        assert [client.id.text for client in await work.clients.list_all()] == ["billing", "shop"]


async def test_a_removed_client_is_gone_once(store: Store) -> None:
    await _stored(store, a_client())

    async with store.begin() as work:
        removed = [await work.clients.remove(ClientId("billing")) for _ in range(2)]
        await work.commit()

    assert removed == [True, False]
    assert await store.live.find_client(ClientId("billing")) is None
    await _stored(store, a_client())


async def test_a_session_is_read_with_its_user_while_it_is_live(store: Store) -> None:
    user = await a_stored_user(store)
    session, _ = await a_stored_session(store, user)

    actor = await store.live.read_session(session.id)
    await store.live.end_session(session.id, reason=EndReason.LOGOUT)

    assert actor is not None
    assert (actor.user, actor.session.id) == (user, session.id)
    assert await store.live.read_session(session.id) is None
