import time
from typing import Any

import pytest

from application.keys.compromise_signing_key import CompromiseSigningKey
from domain.revocation import MOST_ON_A_PAGE
from tests.databases import Databases
from tests.examples import claims_of, feed_entry
from tests.http.api import Api, an_api
from tests.http.operations import ask

GARBAGE = [
    "",
    "x",
    "0",
    "null",
    "A" * 80,
    "A" * 12_000,
    "../../etc/passwd",
    "' OR 1=1 --",
    "%00",
    "%ff%fe",
    "%",
    "\u2603",
    "eyJhbGciOiJub25lIn0.e30.",
    "MDEyMzQ1Njc4OWFiY2RlZi4wLjAuMA",  # a position, unsealed
]


async def read(api: Api, after: str | None = None) -> dict[str, Any]:
    answer = await api.http.get("/.well-known/revocations", params={} if after is None else {"after": after})
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def log_out(api: Api, tokens: dict[str, Any]) -> None:
    answer = await api.http.post("/logout", headers={"Authorization": f"Bearer {tokens['access_token']}"})
    assert answer.status_code == 204


async def test_the_feed_needs_no_token_and_tells_of_a_log_out_at_once(api: Api) -> None:
    tokens = await api.log_in()
    before = await read(api)

    await log_out(api, tokens)

    after = await read(api, before["next"])
    assert before == {**before, "reset": True, "revoked": [], "withdrawn_keys": [], "more": False}
    assert after == {
        **after,
        "reset": False,
        "revoked": [feed_entry(tokens["access_token"])],
        "withdrawn_keys": [],
        "more": False,
    }
    assert (await read(api, after["next"]))["revoked"] == []


async def test_the_feed_names_nobody(api: Api) -> None:
    tokens = await api.log_in()
    await log_out(api, tokens)

    answer = await api.http.get("/.well-known/revocations")

    told = claims_of(tokens["access_token"])
    assert not any(told[name] in answer.text for name in ("sub", "sid", "jti"))


async def test_the_feed_names_the_key_that_was_compromised(api: Api) -> None:
    kid = (await api.http.get("/.well-known/jwks.json")).json()["keys"][0]["kid"]
    before = await read(api)

    await api.use_cases[CompromiseSigningKey](kid=kid)

    assert (await read(api, before["next"]))["withdrawn_keys"] == [kid]


@pytest.mark.parametrize("cursor", GARBAGE, ids=range(len(GARBAGE)))
async def test_a_cursor_that_nobody_made_gets_all_that_still_counts_and_no_error(api: Api, cursor: str) -> None:
    tokens = await api.log_in()
    await log_out(api, tokens)

    decoded, as_it_is = await read(api, cursor), await api.http.get(f"/.well-known/revocations?after={cursor}")

    assert (decoded["reset"], decoded["revoked"]) == (True, [feed_entry(tokens["access_token"])])
    assert (as_it_is.status_code, as_it_is.json()["reset"]) == (200, True)


async def test_a_cursor_of_another_store_gets_all_that_still_counts(api: Api) -> None:
    tokens = await api.log_in()
    await log_out(api, tokens)
    async with an_api() as other:  # under the same secret
        foreign = (await read(other))["next"]

    answer = await read(api, foreign)

    assert (answer["reset"], answer["revoked"]) == (True, [feed_entry(tokens["access_token"])])


async def test_a_full_page_keeps_the_process_from_others_for_a_few_milliseconds_once_its_entries_are_known(
    databases: Databases,
) -> None:
    url = await databases.make()
    await databases.execute(
        url,
        "INSERT INTO revocations (session_id, until, xid)"
        " SELECT gen_random_uuid(), now() + interval '1 hour', pg_current_xact_id() FROM generate_series(1, 20001)",
    )
    async with an_api(database_url=url) as api:
        pages = [await read(api)]
        while pages[-1]["more"]:
            pages.append(await read(api, pages[-1]["next"]))
        took = []
        for _ in range(7):
            began = time.process_time()
            await ask(api.app, "GET", b"/.well-known/revocations")
            took.append(time.process_time() - began)

    told = [entry for page in pages for entry in page["revoked"]]
    assert [len(page["revoked"]) for page in pages] == [MOST_ON_A_PAGE, MOST_ON_A_PAGE, 1]
    assert len(set(told)) == 2 * MOST_ON_A_PAGE + 1
    assert min(took) < 0.05  # a tenth of that, alone; 0.09 where each is made anew from a row
