"""The API's documentation as pages of ours, made from the OpenAPI document: no script, no other host."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response, current_app, make_response, render_template, request

from api.auth import states
from api.problems import KINDS
from api.schemas.data import TYPES
from api.schemas.posting import component, example

blueprint = Blueprint("docs", __name__, url_prefix="/docs")

SPEC = "openapi"
METHODS = ("get", "post", "put", "patch", "delete")


@blueprint.get("")
@states("anyone")
def page() -> Response:
    """Every operation with its parameters, body and answers."""
    spec = _spec()
    groups: dict[str, list[dict[str, Any]]] = {}
    for path, operations in spec["paths"].items():
        shared = operations.get("parameters", [])
        for method in METHODS:
            if method in operations:
                entry = _operation(spec, path, method, operations[method], shared)
                groups.setdefault(entry["tag"], []).append(entry)
    kinds = [
        {"name": name, "meaning": type_.meaning, "fields": _fields(spec, _resolved(spec, {"$ref": f"#/components/schemas/{component(name)}"})["properties"]["data"]),
         "example": json.dumps(example(name), indent=2)}
        for name, type_ in TYPES.items()
    ]  # fmt: skip
    return make_response(
        render_template("docs/page.html", groups=groups, kinds=kinds, tags={tag["name"]: tag.get("description", "") for tag in spec["tags"]},
                        curl=_curl(), host=request.host_url.rstrip("/"))
    )  # fmt: skip


@blueprint.get("/problems")
@states("anyone")
def problems() -> Response:
    """What each kind of problem means and what to do about it."""
    return make_response(render_template("docs/problems.html", kinds=KINDS.values()))


def _spec() -> dict[str, Any]:
    found: dict[str, Any] = current_app.extensions["wissel_api"].spec.to_dict()
    return found


def _curl() -> str:
    event = json.dumps(example("order.placed"), indent=2)
    return (
        f"curl -X POST {request.host_url}v1/events \\\n  -H 'Authorization: Bearer wsl_...' \\\n"
        f"  -H 'Content-Type: application/cloudevents+json' \\\n  -d '{event}'"
    )


def _operation(
    spec: Mapping[str, Any], path: str, method: str, operation: Mapping[str, Any], shared: list[Any]
) -> dict[str, Any]:
    body = operation.get("requestBody", {}).get("content", {})
    answers = []
    for status, answer in operation.get("responses", {}).items():
        answer = _resolved(spec, answer)
        content: list[dict[str, Any]] = list(answer.get("content", {}).values())
        schema = content[0].get("schema") if content else None
        problem = status == "default" or int(status) >= 400
        answers.append({
            "status": status,
            "meaning": answer.get("description", ""),
            "fields": _fields(spec, schema) if schema and not problem else [],
        })  # fmt: skip
    first = next((content["schema"] for kind, content in body.items() if kind == "application/json"), None)
    return {
        "id": f"{method}-{path}".replace("/", "-").replace("{", "").replace("}", ""),
        "tag": (operation.get("tags") or ["other"])[0],
        "method": method.upper(),
        "path": path,
        "summary": operation.get("summary", ""),
        "description": operation.get("description", ""),
        "parameters": [_parameter(_resolved(spec, each)) for each in [*shared, *operation.get("parameters", [])]],
        "bodies": list(body),
        "body_fields": _fields(spec, first) if first and "oneOf" not in _resolved(spec, first) else [],
        "answers": answers,
    }


def _parameter(parameter: Mapping[str, Any]) -> dict[str, Any]:
    schema = parameter.get("schema", {})
    return {
        "name": parameter["name"],
        "where": parameter["in"],
        "required": parameter.get("required", False),
        "type": _type(schema),
        "meaning": parameter.get("description", ""),
    }


def _fields(spec: Mapping[str, Any], schema: Mapping[str, Any], prefix: str = "", depth: int = 0) -> list[dict[str, Any]]:
    """The fields of a schema as flat rows: `order.lines[].quantity`, type, whether required, meaning."""
    schema = _resolved(spec, schema)
    if schema.get("type") == "array":
        return _fields(spec, schema["items"], f"{prefix}[]", depth)
    rows = []
    for name, below in schema.get("properties", {}).items():
        described = below
        below = _resolved(spec, below)
        path = f"{prefix}.{name}" if prefix else name
        rows.append({
            "path": path,
            "type": _type(below),
            "required": name in schema.get("required", []),
            "meaning": described.get("description") or "",
        })  # fmt: skip
        if depth < 4:
            rows.extend(_fields(spec, below, path, depth + 1))
    return rows


def _resolved(spec: Mapping[str, Any], node: Mapping[str, Any]) -> Mapping[str, Any]:
    while True:
        if "$ref" in node:
            target: Any = spec
            for part in node["$ref"].removeprefix("#/").split("/"):
                target = target[part]
            node = target
        elif len(node.get("allOf", [])) == 1:
            node = node["allOf"][0]
        else:
            return node


def _type(schema: Mapping[str, Any]) -> str:
    if "enum" in schema:
        return " | ".join(str(value) for value in schema["enum"] if value is not None)
    kind = str(schema.get("format") or schema.get("type") or "object")
    return f"list of {_type(schema['items'])}" if kind == "array" and "items" in schema and "$ref" not in schema["items"] else kind
