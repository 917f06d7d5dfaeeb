import asyncio
from collections import Counter

import pytest

from tests.journeys.conftest import Client

Clients = tuple[Client, Client]


async def test_ac02_twenty_simultaneous_sign_ups_of_one_name_in_three_spellings_make_one_account(clients: Clients) -> None:
    spellings = ("johndoe", "JohnDoe", "JOHNDOE")

    answers = await asyncio.gather(*(clients[n % 2].sign_up(spellings[n % 3]) for n in range(20)))

    assert Counter(answer.status_code for answer in answers) == {201: 1, 400: 19}
    assert {answer.json()["code"] for answer in answers if answer.status_code == 400} == {"username_taken"}


@pytest.mark.parametrize("rivals", [10, 100])
async def test_rt04_simultaneous_refreshes_of_one_token_give_one_successor_and_no_refusal(
    clients: Clients, rivals: int
) -> None:
    name = f"refresher-{rivals}"
    await clients[0].sign_up(name)
    token = (await clients[0].log_in(name))["refresh_token"]

    answers = await asyncio.gather(*(clients[n % 2].refresh(token) for n in range(rivals)))

    assert Counter(answer.status_code for answer in answers) == {200: rivals}
    successors = {answer.json()["refresh_token"] for answer in answers}
    assert len(successors) == 1
    assert (await clients[1].refresh(successors.pop())).status_code == 200


async def test_rt03_a_token_two_steps_back_ends_that_session_and_leaves_the_others_alive(clients: Clients) -> None:
    one, other = clients
    await one.sign_up("victim")
    stolen, honest = await one.log_in("victim"), await other.log_in("victim")
    second = (await other.refresh(stolen["refresh_token"])).json()
    third = (await one.refresh(second["refresh_token"])).json()

    assert (await other.refresh(stolen["refresh_token"])).status_code == 401

    for client in clients:
        assert (await client.refresh(third["refresh_token"])).status_code == 401
        assert (await client.me(third["access_token"])).status_code == 401
        assert (await client.me(honest["access_token"])).status_code == 200
    assert (await one.refresh(honest["refresh_token"])).status_code == 200


async def test_rt11_a_log_out_at_one_process_holds_at_the_other_at_once(clients: Clients) -> None:
    one, other = clients
    await one.sign_up("leaver")
    tokens = await one.log_in("leaver")
    assert (await other.me(tokens["access_token"])).status_code == 200

    assert (await one.log_out(tokens["access_token"])).status_code == 204

    assert (await other.me(tokens["access_token"])).status_code == 401
    assert (await other.refresh(tokens["refresh_token"])).status_code == 401


async def test_both_processes_publish_the_same_keys(clients: Clients) -> None:
    one, other = [await client.http.get("/.well-known/jwks.json") for client in clients]

    assert len(one.json()["keys"]) == 2  # the one that signs, and the one that will
    assert one.json() == other.json()


async def test_ac09_twenty_correct_log_ins_at_once_all_succeed(clients: Clients) -> None:
    await clients[0].sign_up("twenty")

    tokens = await asyncio.gather(*(clients[n % 2].log_in("twenty") for n in range(20)))

    assert len({pair["refresh_token"] for pair in tokens}) == 20
