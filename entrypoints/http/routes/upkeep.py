"""Health: for what restarts processes, and for what sends them requests."""

from typing import Annotated, Literal

from fastapi import APIRouter
from pydantic import BaseModel

from application.upkeep.check_readiness import CheckReadiness
from entrypoints.http.documented import NO_SIGNING_KEY, SCHEMA_OUTDATED, STORAGE_UNAVAILABLE, answers
from entrypoints.http.inject import use
from entrypoints.http.strict import StrictRoute

router = APIRouter(tags=["health"], route_class=StrictRoute)


class Live(BaseModel):
    status: Literal["live"] = "live"


class Ready(BaseModel):
    status: Literal["ready"] = "ready"


@router.get("/health/live", operation_id="check_liveness", summary="Does the process answer?")
async def live() -> Live:
    return Live()


@router.get(
    "/health/ready",
    operation_id="check_readiness",
    summary="Can it serve: database, schema and signing key?",
    responses=answers(STORAGE_UNAVAILABLE, SCHEMA_OUTDATED, NO_SIGNING_KEY),
)
async def ready(check_readiness: Annotated[CheckReadiness, use(CheckReadiness)]) -> Ready:
    await check_readiness()
    return Ready()
