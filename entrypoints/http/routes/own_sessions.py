"""One's own sessions: seeing them, and ending them."""

from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any, Self
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from application.sessions.list_ended_sessions import ListEndedSessions
from application.sessions.list_sessions import ListSessions
from application.sessions.revoke_all_sessions import RevokeAllSessions
from application.sessions.revoke_other_sessions import RevokeOtherSessions
from application.sessions.revoke_session import RevokeSession
from domain.actor import Actor, InvalidAccessToken, NotAuthenticated
from domain.origin import Device, DeviceKind
from domain.session import AuthenticationMethod, Ending, EndReason, Session, SessionId, SessionUnknown
from entrypoints.http.actor import CurrentActor
from entrypoints.http.documented import INVALID_CURSOR, INVALID_QUERY, NO_SIGNING_KEY, STORAGE_UNAVAILABLE, answers
from entrypoints.http.inject import use
from entrypoints.http.origin import RequestOrigin
from entrypoints.http.strict import StrictRoute

router = APIRouter(tags=["sessions"], route_class=StrictRoute)

_EXAMPLE: dict[str, Any] = {
    "id": "01a20e6c-ae10-77cc-8912-62dd01a7275a",
    "created_at": "2026-11-24T16:38:53.302148Z",
    "last_seen_at": "2026-11-24T17:02:11.009170Z",
    "device": {"browser": "Firefox", "system": "Linux", "kind": "desktop"},
    "network": "203.0.113.0/24",
    "authenticated_by": "password",
}
_LIVE_EXAMPLE: dict[str, Any] = {**_EXAMPLE, "current": True}
_ENDED_EXAMPLE: dict[str, Any] = {**_EXAMPLE, "ended_at": "2026-11-24T18:00:00.000000Z", "end_reason": "session_limit"}
_REFUSALS = (NotAuthenticated, InvalidAccessToken, STORAGE_UNAVAILABLE, NO_SIGNING_KEY)

Limit = Annotated[int, Query(ge=1, le=100, description="The most sessions in one answer.")]
Cursor = Annotated[str | None, Query(max_length=128, description="`next` of the page before.")]


class DeviceOut(BaseModel):
    browser: str | None
    system: str | None
    kind: DeviceKind

    @classmethod
    def of(cls, device: Device) -> Self:
        return cls(browser=device.browser, system=device.system, kind=device.kind)


class SessionOut(BaseModel):
    model_config = ConfigDict(json_schema_extra={"examples": [_LIVE_EXAMPLE]})

    id: UUID = Field(description="The same value as `sid` of the session's access tokens.")
    created_at: datetime
    last_seen_at: datetime = Field(description="Of the last request to Portunus, or refresh, give or take two minutes.")
    device: DeviceOut = Field(description="As the program called itself at the log-in; null is what is not recognised.")
    network: str | None = Field(description="Where it was last refreshed from: the address without its last part.")
    authenticated_by: AuthenticationMethod
    current: bool = Field(description="Whether this request came through it.")

    @classmethod
    def of(cls, session: Session, actor: Actor) -> Self:
        return cls(
            id=session.id,
            created_at=session.created_at,
            last_seen_at=session.last_seen_at,
            device=DeviceOut.of(session.device),
            network=session.network,
            authenticated_by=session.authenticated_by,
            current=session.id == actor.session.id,
        )


class EndedSessionOut(BaseModel):
    model_config = ConfigDict(json_schema_extra={"examples": [_ENDED_EXAMPLE]})

    id: UUID
    created_at: datetime
    last_seen_at: datetime = Field(description="Of the last request to Portunus, or refresh, give or take two minutes.")
    device: DeviceOut
    network: str | None
    authenticated_by: AuthenticationMethod
    ended_at: datetime
    end_reason: EndReason

    @classmethod
    def of(cls, session: Session, ending: Ending) -> Self:
        return cls(
            id=session.id,
            created_at=session.created_at,
            last_seen_at=session.last_seen_at,
            device=DeviceOut.of(session.device),
            network=session.network,
            authenticated_by=session.authenticated_by,
            ended_at=ending.at,
            end_reason=ending.reason,
        )


class SessionsOut(BaseModel):
    model_config = ConfigDict(json_schema_extra={"examples": [{"sessions": [_LIVE_EXAMPLE], "next": None}]})

    sessions: list[SessionOut]
    next: str | None = Field(description="The `cursor` of the following page; null on the last.")


class EndedSessionsOut(BaseModel):
    model_config = ConfigDict(json_schema_extra={"examples": [{"sessions": [_ENDED_EXAMPLE], "next": None}]})

    sessions: list[EndedSessionOut]
    next: str | None = Field(description="The `cursor` of the following page; null on the last.")


@router.get(
    "/users/me/sessions",
    operation_id="list_sessions",
    summary="Where am I logged in?",
    description="The live sessions of the caller, the newest first.",
    responses=answers(*_REFUSALS, INVALID_QUERY, INVALID_CURSOR),
)
async def list_own_sessions(
    actor: CurrentActor,
    list_sessions: Annotated[ListSessions, use(ListSessions)],
    limit: Limit = 50,
    cursor: Cursor = None,
) -> SessionsOut:
    page = await list_sessions(actor=actor, limit=limit, cursor=cursor)
    return SessionsOut(sessions=[SessionOut.of(session, actor) for session in page.sessions], next=page.next)


@router.get(
    "/users/me/sessions/ended",
    operation_id="list_ended_sessions",
    summary="Which sessions are over, and why?",
    description="The sessions of the caller that are over, as long as they are kept; the newest first.",
    responses=answers(*_REFUSALS, INVALID_QUERY, INVALID_CURSOR),
)
async def list_own_ended_sessions(
    actor: CurrentActor,
    list_ended_sessions: Annotated[ListEndedSessions, use(ListEndedSessions)],
    limit: Limit = 50,
    cursor: Cursor = None,
) -> EndedSessionsOut:
    page = await list_ended_sessions(actor=actor, limit=limit, cursor=cursor)
    return EndedSessionsOut(sessions=[EndedSessionOut.of(*ended) for ended in page.sessions], next=page.next)


@router.delete(
    "/users/me/sessions/{id:uuid}",  # no other spelling of an id
    operation_id="revoke_session",
    summary="End one of my sessions",
    description="At once: its refresh token and its access tokens are refused at the next request.",
    status_code=HTTPStatus.NO_CONTENT,
    responses=answers(*_REFUSALS, INVALID_QUERY, SessionUnknown),
)
async def revoke_own_session(
    id: UUID, actor: CurrentActor, origin: RequestOrigin, revoke_session: Annotated[RevokeSession, use(RevokeSession)]
) -> None:
    await revoke_session(actor=actor, session_id=SessionId(id), origin=origin)


@router.delete(
    "/users/me/sessions",
    operation_id="revoke_sessions",
    summary="End my other sessions, or all",
    status_code=HTTPStatus.NO_CONTENT,
    responses=answers(*_REFUSALS, INVALID_QUERY),
)
async def revoke_own_sessions(
    actor: CurrentActor,
    origin: RequestOrigin,
    revoke_others: Annotated[RevokeOtherSessions, use(RevokeOtherSessions)],
    revoke_all: Annotated[RevokeAllSessions, use(RevokeAllSessions)],
    including_current: Annotated[bool, Query(description="Also the session that asks.")] = False,
) -> None:
    revoke = revoke_all if including_current else revoke_others
    await revoke(actor=actor, origin=origin)
