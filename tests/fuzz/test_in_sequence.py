"""Requests made of what earlier ones were answered, in any order: links that the description tells, or lets one infer."""

import os
from typing import Any

from fastapi import FastAPI
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, settings

from tests.examples import PASSWORD
from tests.fuzz.test_from_description import CHECKS, described
from tests.http.api import SIGN_UP

SEQUENCES = int(os.environ.get("PORTUNUS_FUZZ_SEQUENCES", "2"))
_ENOUGH_TO_COME_ROUND = 20


def test_ht08_whatever_follows_from_answers_is_answered_as_described(app: FastAPI) -> None:
    description = described(app)
    client = TestClient(app)
    client.post("/signup", json=SIGN_UP)
    followed: list[str] = []

    class Sequence(description.as_state_machine()):  # type: ignore[misc]  # a class made at run time
        def get_call_kwargs(self, case: Any) -> dict[str, Any]:
            del case
            token = client.post("/token", data={"username": "johndoe", "password": PASSWORD}).json().get("access_token", "")
            return {"headers": {"Authorization": f"Bearer {token}"}}

        def validate_response(self, response: Any, case: Any, **_: Any) -> None:
            followed.append(case.operation.label)
            case.validate_response(response, checks=CHECKS)

    Sequence.run(
        settings=settings(
            max_examples=SEQUENCES,
            stateful_step_count=10,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
    )

    assert followed
    assert {"POST /refresh", "DELETE /users/me/sessions/{id}"} <= set(followed) or SEQUENCES < _ENOUGH_TO_COME_ROUND
    assert client.get("/health/ready").status_code == 200
