import pytest

from domain.client import Client, ClientId, ClientSecret, InvalidClientId
from tests.contracts.test_clients import REGISTERED_AT


@pytest.mark.parametrize("text", ["", "-x", "a b", "x" * 65, "é", "a\n", "a:b", "ﬁ"])
def test_a_name_that_would_not_pass_through_http_basic_is_refused(text: str) -> None:
    with pytest.raises(InvalidClientId):
        ClientId(text)


def test_a_client_has_its_secret_and_no_other_and_does_not_show_it() -> None:
    secret = ClientSecret("pcs_one")
    client = Client(id=ClientId("billing"), secret_digest=secret.digest, registered_at=REGISTERED_AT)

    assert client.has(secret)
    assert not client.has(ClientSecret("pcs_other"))
    assert not client.has(ClientSecret(""))
    assert "pcs_" not in repr(secret) + repr(client)
