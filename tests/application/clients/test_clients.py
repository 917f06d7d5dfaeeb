import pytest

from domain.client import ClientExists, ClientId, ClientSecret, ClientUnknown, InvalidClient
from tests.application.conftest import InMemory


async def test_a_client_is_known_by_the_secret_that_it_was_given(portunus: InMemory) -> None:
    secret = await portunus.add_client(id=ClientId("billing"))

    client = await portunus.authenticate_client(id="billing", secret=secret)

    assert client.id == ClientId("billing")
    assert [one.id.text for one in await portunus.list_clients()] == ["billing"]


@pytest.mark.parametrize(("name", "secret"), [("billing", "pcs_"), ("billing", ""), ("nobody", "x"), ("", ""), ("a b", "x")])
async def test_whoever_else_asks_is_refused_alike(portunus: InMemory, name: str, secret: str) -> None:
    await portunus.add_client(id=ClientId("billing"))

    with pytest.raises(InvalidClient):
        await portunus.authenticate_client(id=name, secret=ClientSecret(secret))


async def test_two_clients_have_two_secrets_and_the_second_of_a_name_is_refused(portunus: InMemory) -> None:
    one, other = await portunus.add_client(id=ClientId("billing")), await portunus.add_client(id=ClientId("shop"))

    with pytest.raises(ClientExists):
        await portunus.add_client(id=ClientId("billing"))
    with pytest.raises(InvalidClient):
        await portunus.authenticate_client(id="billing", secret=other)
    assert (await portunus.authenticate_client(id="billing", secret=one)).id == ClientId("billing")


async def test_a_removed_client_is_refused_and_can_be_added_anew_with_another_secret(portunus: InMemory) -> None:
    old = await portunus.add_client(id=ClientId("billing"))
    await portunus.remove_client(id=ClientId("billing"))

    with pytest.raises(ClientUnknown):
        await portunus.remove_client(id=ClientId("billing"))
    await portunus.add_client(id=ClientId("billing"))
    with pytest.raises(InvalidClient):
        await portunus.authenticate_client(id="billing", secret=old)
