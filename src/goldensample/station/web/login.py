"""Who is at a page: logging in with a token, saying one's name, and logging out."""

from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, HTTPException, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from goldensample.station.web.access import COOKIE, NAME, SHIFT_S, Sessions, plain
from goldensample.station.web.requests import person_of, station_of

router = APIRouter(prefix="/api")


class Entered(BaseModel):
    """Who someone says to be, and the token that proves the role."""

    model_config = ConfigDict(extra="forbid")
    name: Annotated[str, Field(max_length=64)] = ""
    token: Annotated[str, Field(max_length=256)] = ""


@router.post("/login")
def login(request: Request, entered: Entered, response: Response) -> dict[str, str]:
    """Begin a session; where no tokens are set, keep the name alone."""
    station = station_of(request)
    name, safe = plain(entered.name), request.url.scheme == "https"
    if not station.settings.tokens:
        response.set_cookie(
            NAME,
            quote(name),
            max_age=SHIFT_S,
            httponly=True,
            samesite="strict",
            secure=safe,
        )
        return {"name": name, "role": person_of(request).role}
    sessions: Sessions = request.app.state.sessions
    role = sessions.role(entered.token)
    if role is None:
        request.scope["tries"].count(request.client.host if request.client else "")
        raise HTTPException(401, "the token must be one of this station's; it is not; ask for it")
    response.set_cookie(
        COOKIE,
        sessions.begin(name, role),
        max_age=SHIFT_S,
        httponly=True,
        samesite="strict",
        secure=safe,
    )
    return {"name": name, "role": role}


@router.post("/logout")
def logout(request: Request, response: Response) -> dict[str, bool]:
    """End the session."""
    sessions: Sessions = request.app.state.sessions
    sessions.end(request.cookies.get(COOKIE, ""))
    response.delete_cookie(COOKIE, httponly=True, samesite="strict")
    return {"left": True}
