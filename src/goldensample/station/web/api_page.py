"""The page for programmers: the routes of the OpenAPI description."""

from typing import Any

from fastapi import APIRouter, Request, Response

from goldensample.station.web.rendering import page

router = APIRouter(include_in_schema=False)


@router.get("/api")
def api_page(request: Request) -> Response:
    """Show all routes with their parameters."""
    openapi = request.app.openapi()
    return page(request, "api.html", {"routes": routes(openapi), "address": str(request.base_url)})


def routes(openapi: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the routes of an OpenAPI description, in its order."""
    return [
        {
            "method": method.upper(),
            "path": path,
            "words": route.get("description", route["summary"]),
            "asks": [_parameter_text(parameter) for parameter in route.get("parameters", [])],
            "body": _body_fields(openapi, route.get("requestBody")),
        }
        for path, methods in openapi["paths"].items()
        for method, route in methods.items()
    ]


def _parameter_text(parameter: dict[str, Any]) -> str:
    """Return the name and type of a parameter."""
    return f"{parameter['name']}: {_type_text(parameter['schema'])}"


def _type_text(schema: dict[str, Any]) -> str:
    """Return the type or the choices of a value."""
    if "anyOf" in schema:
        options = schema["anyOf"]
        return _type_text(next(option for option in options if option.get("type") != "null"))
    if "enum" in schema:
        return " | ".join(map(str, schema["enum"]))
    return str(schema.get("const", schema.get("type", "any")))


def _body_fields(openapi: dict[str, Any], body: dict[str, Any] | None) -> list[str]:
    """Return the fields of a request's JSON body, or that it is a picture."""
    if not body:
        return []
    content = body["content"]
    if "application/json" not in content:
        return ["the picture's file"]
    schema = content["application/json"]["schema"]
    name = schema.get("$ref", "").rpartition("/")[2]
    fields = openapi["components"]["schemas"][name]["properties"] if name else {}
    return [f"{field}: {_type_text(kind)}" for field, kind in fields.items()]
