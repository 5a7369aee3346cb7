"""The page for programmers: the OpenAPI description as a person reads it."""

from typing import Any

from fastapi import APIRouter, Request, Response

from goldensample.station.web.rendering import page

router = APIRouter(include_in_schema=False)


@router.get("/api")
def api_page(request: Request) -> Response:
    """Show all routes, with what they take and give."""
    described = request.app.openapi()
    return page(
        request, "api.html", {"routes": routes(described), "address": str(request.base_url)}
    )


def routes(described: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the routes of an OpenAPI description, in its order."""
    return [
        {
            "method": method.upper(),
            "path": path,
            "words": route.get("description", route["summary"]),
            "asks": [_parameter(one) for one in route.get("parameters", [])],
            "body": _body(described, route.get("requestBody")),
        }
        for path, methods in described["paths"].items()
        for method, route in methods.items()
    ]


def _parameter(one: dict[str, Any]) -> str:
    """Return a parameter's name and kind in words."""
    return f"{one['name']}: {_kind(one['schema'])}"


def _kind(schema: dict[str, Any]) -> str:
    """Return what a value may be."""
    if "anyOf" in schema:
        return _kind(next(one for one in schema["anyOf"] if one.get("type") != "null"))
    if "enum" in schema:
        return " | ".join(map(str, schema["enum"]))
    return str(schema.get("const", schema.get("type", "any")))


def _body(described: dict[str, Any], body: dict[str, Any] | None) -> list[str]:
    """Return what a request's body holds: a picture, or the names of a JSON object."""
    if not body:
        return []
    content = body["content"]
    if "application/json" not in content:
        return ["the picture's file"]
    schema = content["application/json"]["schema"]
    name = schema.get("$ref", "").rpartition("/")[2]
    fields = described["components"]["schemas"][name]["properties"] if name else {}
    return [f"{field}: {_kind(kind)}" for field, kind in fields.items()]
