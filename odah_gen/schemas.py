"""Plain data against the JSON schemas of workflow/schemas/ and blender_addon/."""

import functools
from pathlib import Path
from typing import Any

import jsonschema
from jsonschema.exceptions import ValidationError
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from odah_gen.storage import read_yaml


def schema_problems(content: Any, schema: Path) -> list[str]:
    """What a schema objects to: one clause each, "key.key: what is wrong", in the order of the keys.

    Of a file that says itself that it is of another schema number, this alone: the rest follows from it.
    """
    rules: Any = validator(schema).schema
    wanted = rules.get("properties", {}).get("schema", {}).get("const")
    if isinstance(content, dict) and wanted is not None and content.get("schema", wanted) != wanted:
        return [f"is of schema {content['schema']}, {wanted} was expected; another version of odah-gen wrote it"]
    errors = sorted(validator(schema).iter_errors(content), key=lambda error: [str(part) for part in error.path])
    return [f"{'.'.join(map(str, error.path))}: {told(error)}".removeprefix(": ") for error in errors]


def told(error: ValidationError) -> str:
    """One objection in words; an unknown key comes with those that there are."""
    if error.validator != "additionalProperties":
        return str(error.message)
    schema: Any = error.schema
    content: Any = error.instance
    known = schema.get("properties", {})
    unknown = [str(key) for key in content if key not in known]
    return f"{', '.join(unknown)} is no key here (known: {', '.join(known)})"


@functools.cache
def validator(schema: Path) -> jsonschema.Draft202012Validator:
    """The validator of a schema file, in YAML or JSON (which is YAML too); it may refer to files beside it."""

    def beside(name: str) -> Resource[Any]:
        return Resource.from_contents(read_yaml(schema.parent / name), DRAFT202012)

    return jsonschema.Draft202012Validator(read_yaml(schema), registry=Registry(retrieve=beside))  # type: ignore[call-arg]
