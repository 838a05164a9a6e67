"""Runs queries as the vendor does: parsed, validated, priced against a leaky bucket, executed.

Source: shopify.dev, "Admin GraphQL rate limits" and "Idempotent requests". What one connection costs is not published
for certain; the switch `linear_costs` takes the older rule, by which it costs its whole `first`.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Collection, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    OperationDefinitionNode,
    OperationType,
    VariableNode,
    build_schema,
    execute_sync,
    get_named_type,
    parse,
    validate,
)

from adapters.sandbox import Sandbox
from adapters.shopify.sandbox_mutations import Mutations
from adapters.shopify.sandbox_shop import Shop

MOST_POINTS = 1000
"""What one query may cost."""

_MUTATION_POINTS = 10


@lru_cache(maxsize=1)
def schema() -> GraphQLSchema:
    """The part of the Admin API that the sandbox serves."""
    return build_schema((Path(__file__).parent / "sandbox_schema.graphql").read_text(encoding="utf-8"))


class Bucket:
    """The points an app may spend: `capacity` at most, refilled by `restore` each second."""

    def __init__(self, capacity: float, restore: float) -> None:
        self.capacity, self.restore = capacity, restore
        self._lock = threading.Lock()
        self._points, self._at = capacity, time.monotonic()

    def take(self, points: float) -> bool:
        """Take points; False when there are not enough."""
        with self._lock:
            self._refill()
            if points > self._points:
                return False
            self._points -= points
            return True

    def give_back(self, points: float) -> None:
        with self._lock:
            self._points = min(self.capacity, self._points + max(points, 0))

    def status(self) -> dict[str, float]:
        with self._lock:
            self._refill()
            return {
                "maximumAvailable": float(self.capacity), "currentlyAvailable": math.floor(self._points),
                "restoreRate": float(self.restore),
            }  # fmt: skip

    def _refill(self) -> None:
        now = time.monotonic()
        self._points = min(self.capacity, self._points + (now - self._at) * self.restore)
        self._at = now


def run(
    box: Sandbox, bucket: Bucket, body: Mapping[str, Any], *, scopes: Collection[str], version: str
) -> dict[str, Any]:
    """The answer to a request's body: `{"data", "errors", "extensions"}` as the vendor shapes them, always HTTP 200."""
    document, problems = _checked(str(body.get("query") or ""))
    if document is None or problems:
        return {"errors": problems}
    operation = _operation(document, body.get("operationName"))
    if operation is None:
        return {"errors": [{"message": "An operation name is required"}]}
    variables = body.get("variables") or {}
    price = _Price(document, variables, linear=box.switch("linear_costs")).of(operation)
    if price > MOST_POINTS:
        return {"errors": [{
            "message": f"Query cost is {price}, which exceeds the single query max cost limit ({MOST_POINTS}).",
            "extensions": {"code": "MAX_COST_EXCEEDED", "cost": price, "maxCost": MOST_POINTS},
        }]}  # fmt: skip
    if not bucket.take(price):
        return {"errors": [{"message": "Throttled", "extensions": {"code": "THROTTLED"}}],
                "extensions": _cost(price, None, bucket)}  # fmt: skip
    answer = _execute(box, document, operation, variables, scopes, version)
    actual = min(price, _actual(answer.get("data"), operation))
    bucket.give_back(price - actual)
    return answer | {"extensions": _cost(price, actual, bucket)}


@lru_cache(maxsize=200)
def _checked(text: str) -> tuple[DocumentNode | None, list[dict[str, Any]]]:
    """A query parsed, and what is wrong with it. Clients send few texts, again and again."""
    try:
        document = parse(text, max_tokens=15_000)
        return document, [_shown(error) for error in validate(schema(), document)]
    except GraphQLError as error:
        return None, [_shown(error)]
    except RecursionError:
        return None, [{"message": "The query is nested too deeply."}]


def _execute(
    box: Sandbox,
    document: DocumentNode,
    operation: OperationDefinitionNode,
    variables: dict[str, Any],
    scopes: Collection[str],
    version: str,
) -> dict[str, Any]:
    objects = Mutations(Shop(box), scopes)
    objects.version, directive = version, schema().get_directive("idempotent")
    assert directive is not None
    objects.directive = directive
    root = objects.changes() if operation.operation is OperationType.MUTATION else objects.root()
    name = operation.name.value if operation.name else None
    if operation.operation is OperationType.MUTATION:
        done = execute_sync(schema(), document, root, variable_values=variables, operation_name=name)
    else:
        # One moment for the whole answer.
        with box.state.lock:
            done = execute_sync(schema(), document, root, variable_values=variables, operation_name=name)
    answer: dict[str, Any] = {"data": done.data}
    if done.errors:
        answer["errors"] = [_shown(error) for error in done.errors]
    return answer


def _operation(document: DocumentNode, name: Any) -> OperationDefinitionNode | None:
    found = [each for each in document.definitions if isinstance(each, OperationDefinitionNode)]
    if name:
        found = [each for each in found if each.name and each.name.value == name]
    return found[0] if len(found) == 1 else None


def _shown(error: GraphQLError) -> dict[str, Any]:
    shown: dict[str, Any] = dict(error.formatted)
    original = error.original_error
    if original is not None and not isinstance(original, GraphQLError):
        shown = {"message": "Internal error. Looks like something went wrong on our end.",
                 "extensions": {"code": "INTERNAL_SERVER_ERROR"}}  # fmt: skip
    return shown


def _cost(price: int, actual: int | None, bucket: Bucket) -> dict[str, Any]:
    return {"cost": {"requestedQueryCost": price, "actualQueryCost": actual, "throttleStatus": bucket.status()}}


class _Price:
    """What a query may cost at most: an object 1, a connection 2 and its nodes, a mutation 10."""

    def __init__(self, document: DocumentNode, variables: Mapping[str, Any], *, linear: bool) -> None:
        self._fragments = {
            each.name.value: each for each in document.definitions if isinstance(each, FragmentDefinitionNode)
        }
        self._variables, self._linear = dict(variables), linear

    def of(self, operation: OperationDefinitionNode) -> int:
        root = schema().get_root_type(operation.operation)
        assert root is not None
        base = _MUTATION_POINTS if operation.operation is OperationType.MUTATION else 0
        return math.ceil(base + self._selections(operation.selection_set, root))

    def _selections(self, selections: Any, parent: GraphQLObjectType | GraphQLInterfaceType) -> float:
        total = 0.0
        for node in selections.selections if selections else ():
            if isinstance(node, FieldNode):
                total += self._field(node, parent)
            elif isinstance(node, FragmentSpreadNode):
                fragment = self._fragments[node.name.value]
                total += self._selections(fragment.selection_set, self._type(fragment.type_condition.name.value, parent))
            elif isinstance(node, InlineFragmentNode):
                name = node.type_condition.name.value if node.type_condition else ""
                total += self._selections(node.selection_set, self._type(name, parent))
        return total

    def _type(self, name: str, parent: Any) -> Any:
        return schema().type_map.get(name, parent)

    def _field(self, node: FieldNode, parent: GraphQLObjectType | GraphQLInterfaceType) -> float:
        field = parent.fields.get(node.name.value)
        if field is None or node.selection_set is None:
            return 0
        kind = get_named_type(field.type)
        if not isinstance(kind, GraphQLObjectType | GraphQLInterfaceType):
            return 0
        inside = self._selections(node.selection_set, kind)
        if kind.name.endswith("Connection"):
            return 2 + self._nodes(self._first(node), inside)
        if kind.name.endswith("Edge") or kind.name in ("PageInfo",):
            return inside
        return 1 + inside

    def _nodes(self, first: int, inside: float) -> float:
        return (first if self._linear else math.sqrt(first)) * inside

    def _first(self, node: FieldNode) -> int:
        """How many nodes a connection is asked for: written out, or a variable."""
        given = next((each.value for each in node.arguments or () if each.name.value == "first"), None)
        if isinstance(given, IntValueNode):
            return int(given.value)
        value = self._variables.get(given.name.value) if isinstance(given, VariableNode) else None
        return value if isinstance(value, int) and value > 0 else 10


def _actual(data: Any, operation: OperationDefinitionNode) -> int:
    """What an answer did cost: its objects."""
    base = _MUTATION_POINTS if operation.operation is OperationType.MUTATION else 0
    return base + max(_objects(data) - 1, 1)


def _objects(value: Any) -> int:
    if isinstance(value, dict):
        return 1 + sum(_objects(each) for key, each in value.items() if key not in ("pageInfo", "userErrors"))
    if isinstance(value, list):
        return sum(_objects(each) for each in value)
    return 0
