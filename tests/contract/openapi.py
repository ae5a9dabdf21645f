"""GitHub's OpenAPI description, and what it has against a request. Stricter than GitHub: unknown names are wrong."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import jsonschema
from jsonschema.validators import extend
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT4

_URI = "urn:github"


def _type(validator: Any, types: Any, instance: Any, schema: Mapping[str, Any]) -> Iterator[Any]:
    """OpenAPI 3.0 has its own way to say that null is allowed."""
    if not (instance is None and schema.get("nullable")):
        yield from jsonschema.Draft4Validator.VALIDATORS["type"](validator, types, instance, schema)


_VALIDATOR = extend(jsonschema.Draft4Validator, {"type": _type})  # type: ignore[no-untyped-call]


@dataclass(frozen=True)
class Operation:
    name: str
    path: re.Pattern[str]
    parameters: tuple[Mapping[str, Any], ...]
    body: Mapping[str, Any] | None  # the schema; None: it takes none
    body_required: bool
    fixed: int  # characters of the address that are no parameter's


class Description:
    def __init__(self, document: Mapping[str, Any]) -> None:
        self._document = document
        resource = Resource.from_contents(document, default_specification=DRAFT4)
        self._registry: Registry[Any] = Registry().with_resource(_URI, resource)
        self._operations: dict[str, list[Operation]] = {}
        for template, item in document["paths"].items():
            for method in {"get", "post", "patch", "put", "delete"} & set(item):
                made = self._operation(template, item[method])
                self._operations.setdefault(method.upper(), []).append(made)

    def _operation(self, template: str, raw: Mapping[str, Any]) -> Operation:
        parameters = tuple(self._resolved(one) for one in raw.get("parameters", ()))
        wide = {one["name"] for one in parameters if one.get("x-multi-segment")}
        parts = re.split(r"\{([^}]+)\}", template)
        pattern = "".join(
            f"(?P<{part.replace('-', '_')}>{'.+' if part in wide else '[^/]+'})" if odd % 2 else re.escape(part)
            for odd, part in enumerate(parts)
        )
        body = raw.get("requestBody", {})
        return Operation(
            name=raw["operationId"],
            path=re.compile(pattern),
            parameters=parameters,
            body=body.get("content", {}).get("application/json", {}).get("schema"),
            body_required=body.get("required", False),
            fixed=sum(map(len, parts[::2])),
        )

    def _resolved(self, raw: Mapping[str, Any]) -> Mapping[str, Any]:
        found: Any = raw
        while "$ref" in found:
            place, found = found["$ref"], self._document
            for part in place.removeprefix("#/").split("/"):
                found = found[part]
        resolved: Mapping[str, Any] = found
        return resolved

    def find(self, method: str, path: str) -> tuple[Operation, Mapping[str, str]] | None:
        """The operation, and its parameters out of the address; of several, the one with the most fixed text."""
        known = sorted(self._operations.get(method, ()), key=lambda one: -one.fixed)
        matches = ((one, one.path.fullmatch(path)) for one in known)
        return next(((one, found.groupdict()) for one, found in matches if found), None)

    def problems(self, method: str, path: str, query: Mapping[str, str], body: Any) -> tuple[str, list[str]]:
        """The operation's name, and every reason why GitHub might not take this request."""
        found = self.find(method, path)
        if found is None:
            return "", ["there is no such operation"]
        operation, inside = found
        told = [*self._parameters(operation, inside, query), *self._body(operation, body)]
        return operation.name, told

    def _parameters(self, operation: Operation, inside: Mapping[str, str], query: Mapping[str, str]) -> Iterator[str]:
        known = {one["name"] for one in operation.parameters if one["in"] == "query"}
        yield from (f"the query {name!r} is unknown" for name in query if name not in known)
        for one in operation.parameters:
            given = {"path": inside, "query": query}.get(one["in"], {})
            name = one["name"].replace("-", "_") if one["in"] == "path" else one["name"]
            if name in given:
                value: Any = given[name]
                schema = self._resolved(one["schema"])
                if schema.get("type") == "integer" and value.isascii() and value.isdigit():
                    value = int(value)
                yield from (f"{name}: {told}" for told in self._fits(schema, value))
            elif one.get("required") and one["in"] != "header":
                yield f"{one['in']} {name!r} is missing"

    def _body(self, operation: Operation, body: Any) -> Iterator[str]:
        if operation.body is None:
            if body is not None:
                yield "it takes no body"
            return
        if body is None:
            if operation.body_required:
                yield "the body is missing"
            return
        yield from self._fits(operation.body, body)
        names = self._names(operation.body)
        yield from (f"the property {name!r} is unknown" for name in body if names and name not in names)

    def _names(self, schema: Mapping[str, Any]) -> set[str]:
        """Every property that some variant of the body has."""
        schema = self._resolved(schema)
        found = set(schema.get("properties", ()))
        for word in ("oneOf", "anyOf", "allOf"):
            for variant in schema.get(word, ()):
                found |= self._names(variant)
        return found

    def _fits(self, schema: Mapping[str, Any], value: Any) -> Iterator[str]:
        # references in the description are to itself
        validator = _VALIDATOR(_based(schema), registry=self._registry)
        yield from (error.message for error in validator.iter_errors(value))


def _based(schema: Any) -> Any:
    if isinstance(schema, dict):
        return {
            key: _URI + value if key == "$ref" and isinstance(value, str) else _based(value)
            for key, value in schema.items()
        }
    return [_based(item) for item in schema] if isinstance(schema, list) else schema
