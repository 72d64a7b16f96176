"""`Schema`: a JSON Schema that bodies must fit, by the library jsonschema, which is imported when it is needed."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import Any

from beanops.jobs.bodies import decode
from beanops.jobs.bodies.paths import spell_path
from beanops.protocol.errors import ArgumentError, UsageError
from beanops.text import safe_text

#: A JSON Schema: the path of a file, the schema itself, or a validator of jsonschema.
SchemaLike = str | os.PathLike[str] | dict[str, Any] | Any

#: Characters of what a schema asks for, in a reason.
_LONGEST = 80
#: Keywords whose value is a schema or many of them, which says little in one line.
_APPLY = {
    "additionalProperties": "has a property that the schema does not allow",
    "allOf": "does not fit all schemas of allOf",
    "anyOf": "fits none of the schemas of anyOf",
    "contains": "has no item that fits contains",
    "not": "fits the schema of not",
    "oneOf": "does not fit exactly one of the schemas of oneOf",
    "unevaluatedProperties": "has a property that the schema does not allow",
    "unevaluatedItems": "has an item that the schema does not allow",
    "False schema": "is not allowed by the schema",
}


class SchemaError(UsageError):
    """A schema cannot be used; nothing was sent."""


class SchemaMismatch(UsageError):
    """A body does not fit a schema; nothing was sent."""


class Schema:
    """A JSON Schema that the decoded data of bodies must fit.

    References to other documents are refused, and never fetched.

    Parameters
    ----------
    plain : dict or bool
        The schema.
    name : str
        Its name in messages.

    Raises
    ------
    SchemaError
        It is no valid JSON Schema, or jsonschema is not installed.
    """

    def __init__(self, plain: Any, name: str = "the schema") -> None:
        self.plain = plain
        try:
            import jsonschema
            import referencing
            from jsonschema.validators import validator_for
        except ImportError:
            raise SchemaError("a schema needs jsonschema: pip install 'beanops[schema]'") from None
        kind = validator_for(plain, default=jsonschema.Draft202012Validator) if isinstance(plain, dict) else None
        kind = kind or jsonschema.Draft202012Validator
        try:
            kind.check_schema(plain)
        except jsonschema.SchemaError as error:
            raise SchemaError(
                f"{name} is no valid JSON Schema, at {spell_path(error.absolute_path)}: {_short(error.message)}"
            ) from None
        # A registry of its own: the default one would fetch references from the network.
        registry: Any = referencing.Registry()
        _check_references(plain, kind, registry, name)
        self._validator = kind(plain, registry=registry)

    @classmethod
    def of(cls, schema: SchemaLike) -> Schema:
        """Return the schema of a file, of a dict, or of a validator of jsonschema.

        Raises
        ------
        SchemaError
            It cannot be read, or is no valid JSON Schema.
        ArgumentError
            It is none of these.
        """
        if isinstance(schema, Schema):
            return schema
        if isinstance(schema, str | os.PathLike):
            return cls(_read(schema), os.fspath(schema))
        if isinstance(schema, dict):
            return cls(schema)
        if hasattr(schema, "iter_errors") and hasattr(schema, "schema"):
            return cls(schema.schema)
        raise ArgumentError("schema", schema, "the path of a JSON Schema, a dict, or a validator of jsonschema")

    def problem(self, body: bytes) -> str | None:
        """Return why a body does not fit, with the path in its data; None if it fits.

        The reason has no values of the body in it: they may be secret.

        Examples
        --------
        >>> schema = Schema({"properties": {"customer": {"type": "integer"}}})
        >>> schema.problem(b'{"customer": "x"}'), schema.problem(b'{"customer": 7}')
        ('schema: $.customer: does not fit type "integer"', None)
        """
        found = decode(body)
        if not found.whole:
            return f"schema: the body was not decoded whole ({', '.join(found.chain) or 'too large'})"
        try:
            first = next(iter(self._validator.iter_errors(found.data)), None)
        except RecursionError:
            return "schema: the schema refers to itself without end"
        return None if first is None else f"schema: {_reason(first)}"

    def check(self, body: bytes, about: str) -> None:
        """Raise if a body does not fit, which is called `about` in the message.

        Raises
        ------
        SchemaMismatch
            It does not fit, and why.
        """
        problem = self.problem(body)
        if problem is not None:
            raise SchemaMismatch(f"{about}: {problem}")


def _reason(error: Any) -> str:
    where = safe_text(spell_path(error.absolute_path), limit=_LONGEST)
    if error.validator == "required":
        missing = [name for name in error.validator_value if name not in error.instance]
        return f"{where}: is missing {safe_text(', '.join(missing), limit=_LONGEST)}"
    known = _APPLY.get(error.validator or "False schema")
    if known is not None:
        return f"{where}: {known}"
    return f"{where}: does not fit {error.validator} {_short(json.dumps(error.validator_value, default=str))}"


def _short(text: str) -> str:
    return safe_text(text, limit=_LONGEST)


def _read(file: str | os.PathLike[str]) -> Any:
    name = os.fspath(file)
    try:
        with open(file, "rb") as opened:
            return json.load(opened)
    except (OSError, ValueError, RecursionError) as error:
        why = getattr(error, "strerror", None) or (
            f"it is not JSON: {error}" if isinstance(error, ValueError) else error
        )
        raise SchemaError(f"schema {name} cannot be read: {why}") from None


def _check_references(plain: Any, kind: Any, registry: Any, name: str) -> None:
    """Raise if a reference leads out of the schema, or to nothing in it."""
    import referencing
    from referencing.exceptions import Unresolvable
    from referencing.jsonschema import specification_with

    specification = specification_with(kind.META_SCHEMA.get("$schema", ""), default=referencing.Specification.OPAQUE)
    resource = specification.create_resource(plain)
    for resolver, part in _parts(registry.with_resource("", resource).resolver_with_root(resource), resource):
        for keyword in ("$ref", "$dynamicRef", "$recursiveRef"):
            to = part.get(keyword)
            if isinstance(to, str):
                try:
                    resolver.lookup(to)
                except (Unresolvable, ValueError):
                    raise SchemaError(
                        f"{name} refers to {_short(to)}, which is not in it; beanops fetches none"
                    ) from None


def _parts(resolver: Any, resource: Any) -> Iterator[tuple[Any, dict[str, Any]]]:
    """Yield each object of a schema, with what resolves its references."""
    if isinstance(resource.contents, dict):
        yield resolver, resource.contents
    for part in resource.subresources():
        yield from _parts(resolver.in_subresource(part), part)
