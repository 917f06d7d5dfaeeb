"""What happened to one's account."""

from datetime import datetime
from typing import Annotated, Any, Self
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from application.audit.list_activity import ListActivity
from domain.actor import InvalidAccessToken, NotAuthenticated
from domain.audit import Action, Agent, Outcome, Recorded
from entrypoints.http.actor import CurrentActor
from entrypoints.http.documented import INVALID_CURSOR, INVALID_QUERY, NO_SIGNING_KEY, STORAGE_UNAVAILABLE, answers
from entrypoints.http.inject import use
from entrypoints.http.strict import StrictRoute

router = APIRouter(tags=["accounts"], route_class=StrictRoute)

_EXAMPLE: dict[str, Any] = {
    "at": "2026-11-24T16:38:53.302148Z",
    "action": "login",
    "outcome": "done",
    "by": "user",
    "times": 1,
    "session_id": "01a20e6c-ae10-77cc-8912-62dd01a7275a",
    "network": "203.0.113.0/24",
}


class ActivityOut(BaseModel):
    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    at: datetime
    action: Action | str = Field(description="Releases to come have more.")
    outcome: Outcome | str
    by: Agent | str = Field(description="Who acted: `user` is the caller, `unknown` somebody who has proved nothing.")
    times: int = Field(description="How often, where many alike are one entry.")
    session_id: UUID | None
    network: str | None = Field(description="Where from: the address without its last part.")

    @classmethod
    def of(cls, one: Recorded) -> Self:
        entry = one.entry
        return cls(
            at=entry.at,
            action=entry.action,
            outcome=entry.outcome,
            by=entry.by,
            times=entry.times,
            session_id=entry.session_id,
            network=one.detail.origin.network if one.detail else None,
        )


class ActivitiesOut(BaseModel):
    model_config = ConfigDict(json_schema_extra={"examples": [{"activity": [_EXAMPLE], "next": None}]})

    activity: list[ActivityOut]
    next: str | None = Field(description="The `cursor` of the following page; null on the last.")


@router.get(
    "/users/me/activity",
    operation_id="list_activity",
    summary="What happened to my account?",
    description="What the audit trail says about the caller, as long as it is kept; the newest first.",
    responses=answers(NotAuthenticated, InvalidAccessToken, STORAGE_UNAVAILABLE, NO_SIGNING_KEY, INVALID_QUERY, INVALID_CURSOR),
)
async def list_own_activity(
    actor: CurrentActor,
    list_activity: Annotated[ListActivity, use(ListActivity)],
    limit: Annotated[int, Query(ge=1, le=100, description="The most entries in one answer.")] = 50,
    cursor: Annotated[str | None, Query(max_length=128, description="`next` of the page before.")] = None,
) -> ActivitiesOut:
    page = await list_activity(actor=actor, limit=limit, cursor=cursor)
    return ActivitiesOut(activity=[ActivityOut.of(one) for one in page.entries], next=page.next)
