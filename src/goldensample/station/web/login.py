"""The API of sessions: log in with a token or a name alone, and log out."""

from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, HTTPException, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from goldensample.station.web.access import (
    NAME_COOKIE,
    SESSION_COOKIE,
    SESSION_S,
    Sessions,
    clean_name,
)
from goldensample.station.web.requests import person_of, station_of

router = APIRouter(prefix="/api")


class Credentials(BaseModel):
    """A person's name, and the token that proves the role."""

    model_config = ConfigDict(extra="forbid")
    name: Annotated[str, Field(max_length=64)] = ""
    token: Annotated[str, Field(max_length=256)] = ""


@router.post("/login")
def login(request: Request, credentials: Credentials, response: Response) -> dict[str, str]:
    """Begin a session; where no tokens are set, keep the name alone."""
    station = station_of(request)
    name, secure = clean_name(credentials.name), request.url.scheme == "https"
    if not station.settings.tokens:
        response.set_cookie(
            NAME_COOKIE,
            quote(name),
            max_age=SESSION_S,
            httponly=True,
            samesite="strict",
            secure=secure,
        )
        return {"name": name, "role": person_of(request).role}
    sessions: Sessions = request.app.state.sessions
    role = sessions.role(credentials.token)
    if role is None:
        request.scope["login_rate"].count(request.client.host if request.client else "")
        raise HTTPException(
            401, "a token must be known here; this one is not; see how it is typed, or ask for one"
        )
    response.set_cookie(
        SESSION_COOKIE,
        sessions.begin(name, role),
        max_age=SESSION_S,
        httponly=True,
        samesite="strict",
        secure=secure,
    )
    return {"name": name, "role": role}


@router.post("/logout")
def logout(request: Request, response: Response) -> dict[str, bool]:
    """End the session."""
    sessions: Sessions = request.app.state.sessions
    sessions.end(request.cookies.get(SESSION_COOKIE, ""))
    response.delete_cookie(SESSION_COOKIE, httponly=True, samesite="strict")
    return {"left": True}
