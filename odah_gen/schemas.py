"""Plain data against the JSON schemas of workflow/schemas/ and blender_addon/."""

import functools
from pathlib import Path
from typing import Any

import jsonschema

from odah_gen.storage import read_yaml


def schema_problems(content: Any, schema: Path) -> list[str]:
    """What a schema objects to: one clause each, "key.key: what is wrong", in the order of the keys."""
    errors = sorted(validator(schema).iter_errors(content), key=lambda error: [str(part) for part in error.path])
    return [f"{'.'.join(map(str, error.path))}: {error.message}".removeprefix(": ") for error in errors]


@functools.cache
def validator(schema: Path) -> jsonschema.Draft202012Validator:
    """The validator of a schema file, in YAML or JSON (which is YAML too)."""
    return jsonschema.Draft202012Validator(read_yaml(schema))
