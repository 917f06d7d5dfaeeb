from http import HTTPStatus

from tests.http.api import Api


async def test_a_copy_of_the_refresh_token_used_by_another_program_ends_the_session_at_the_third_rotation(api: Api) -> None:
    token = (await api.log_in())["refresh_token"]
    statuses = []

    for _ in range(3):
        mine = await api.http.post("/refresh", json={"refresh_token": token}, headers={"User-Agent": "mine"})
        copied = await api.http.post("/refresh", json={"refresh_token": token}, headers={"User-Agent": "theirs"})
        token = mine.json()["refresh_token"]
        statuses.append(copied.status_code)

    assert statuses == [HTTPStatus.OK, HTTPStatus.OK, HTTPStatus.UNAUTHORIZED]
    assert (await api.http.post("/refresh", json={"refresh_token": token})).status_code == HTTPStatus.UNAUTHORIZED
