"""Requests made from the API's own description, such as fit it and such as do not, and the answers held to it."""

import copy
import os
from typing import Any

import pytest
import schemathesis
from fastapi import Depends, FastAPI, HTTPException
from fastapi.security import OAuth2PasswordBearer
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import CheckFunction, not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.openapi.checks import IgnoredAuth
from schemathesis.specs.openapi.checks import (
    allow_header_conformance,
    content_type_conformance,
    ignored_auth,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

from tests.examples import PASSWORD
from tests.http.api import SIGN_UP
from tests.http.operations import Operation, operations

CASES = int(os.environ.get("PORTUNUS_FUZZ_CASES", "10"))
CHECKS: list[CheckFunction] = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    ignored_auth,
    unsupported_method,
    allow_header_conformance,
]
OPERATIONS = operations()
THAT_CAN_BE_ASKED_WRONGLY = [each for each in OPERATIONS if each.bodies or each.secured or "{" in each.path]


def described(app: FastAPI, *, as_it_stands: bool = False) -> Any:
    """The description, with its OAuth 2 scheme told as a bearer's: schemathesis passes over routes with the former untested."""
    told: dict[str, Any] = copy.deepcopy(app.openapi())
    schemes = told["components"]["securitySchemes"]
    for name, scheme in schemes.items():
        if scheme["type"] == "oauth2" and not as_it_stands:
            schemes[name] = {"type": "http", "scheme": "bearer"}
    app.openapi_schema = told
    return schemathesis.openapi.from_asgi("/openapi.json", app)


def fuzz(app: FastAPI, description: Any, method: str, path: str, mode: GenerationMode, cases: int = CASES) -> int:
    asked = 0
    client = TestClient(app)
    client.post("/signup", json=SIGN_UP)

    @settings(max_examples=cases, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(description[path][method].as_strategy(mode))
    def ask(case: Any) -> None:
        nonlocal asked
        asked += 1
        token = client.post("/token", data={"username": "johndoe", "password": PASSWORD}).json()["access_token"]
        case.call_and_validate(headers={"Authorization": f"Bearer {token}"}, checks=CHECKS)

    ask()
    assert client.get("/health/ready").status_code == 200
    return asked


@pytest.mark.parametrize("operation", OPERATIONS, ids=str)
def test_ht08_a_request_that_fits_the_description_is_answered_as_described(app: FastAPI, operation: Operation) -> None:
    assert fuzz(app, described(app), operation.method, operation.path, GenerationMode.POSITIVE) > 0


@pytest.mark.parametrize("operation", THAT_CAN_BE_ASKED_WRONGLY, ids=str)
def test_ht08_a_request_that_does_not_fit_the_description_is_answered_as_described(app: FastAPI, operation: Operation) -> None:
    assert fuzz(app, described(app), operation.method, operation.path, GenerationMode.NEGATIVE) > 0


_oauth2 = OAuth2PasswordBearer(tokenUrl="token", auto_error=False, scheme_name="Bearer")


async def _asks_nobody(_: str | None = Depends(_oauth2)) -> str:
    return "let in"


async def _believes_any(token: str | None = Depends(_oauth2)) -> str:
    if token is None:
        raise HTTPException(401)
    return "let in"


@pytest.mark.parametrize("route", [_asks_nobody, _believes_any])
def test_a_planted_route_that_ignores_its_authentication_is_found(app: FastAPI, route: Any) -> None:
    app.get("/planted", responses={401: {}})(route)

    with pytest.raises(FailureGroup) as found:
        fuzz(app, described(app), "GET", "/planted", GenerationMode.POSITIVE)

    assert any(isinstance(each, IgnoredAuth) for each in found.value.exceptions)


def test_a_planted_route_is_not_found_by_the_scheme_as_it_stands(app: FastAPI) -> None:
    app.get("/planted", responses={401: {}})(_asks_nobody)

    fuzz(app, described(app, as_it_stands=True), "GET", "/planted", GenerationMode.POSITIVE)


def test_a_planted_answer_that_is_not_described_is_found(app: FastAPI) -> None:
    async def undescribed() -> None:
        raise HTTPException(418)

    app.get("/planted")(undescribed)

    with pytest.raises(FailureGroup):
        fuzz(app, described(app), "GET", "/planted", GenerationMode.POSITIVE)
