"""Every schema says what it seems to say: in YAML a comma ends an unquoted description and makes a new key of its rest."""

import jsonschema
import pytest

from odah_gen.paths import SCENE_SCHEMA, SCHEMAS
from odah_gen.schemas import schema_problems
from odah_gen.storage import read_yaml

KEYWORDS = {
    *("$schema", "$ref", "$defs", "title", "description", "type", "enum", "const", "required", "items", "pattern"),
    *("properties", "additionalProperties", "minProperties", "maxProperties", "minItems", "uniqueItems", "maxItems"),
    *("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minLength"),
}


def unknown_keywords(schema, path=""):
    """Keys of a schema, and of all schemas inside it, that JSON schema does not know."""
    if not isinstance(schema, dict):
        return []
    found = [f"{path}/{key}" for key in schema if key not in KEYWORDS]
    for key in ("properties", "$defs"):
        for name, inner in schema.get(key, {}).items():
            found += unknown_keywords(inner, f"{path}/{name}")
    for key in ("items", "additionalProperties"):
        found += unknown_keywords(schema.get(key), f"{path}/{key}")
    return found


@pytest.mark.parametrize("path", [*sorted(SCHEMAS.glob("*.yaml")), SCENE_SCHEMA], ids=lambda path: path.name)
def test_a_schema_has_no_key_that_means_nothing(path):
    schema = read_yaml(path)
    jsonschema.Draft202012Validator.check_schema(schema)
    assert unknown_keywords(schema) == []


def test_problems_are_named_by_their_keys_in_order():
    problems = schema_problems({"seed": "x", "fps": 0, "camera": {"width": 3}}, SCHEMAS / "config.schema.yaml")
    assert [problem.split(":")[0] for problem in problems] == ["camera.width", "camera.width", "fps", "seed"]
    assert schema_problems([], SCHEMAS / "config.schema.yaml") == ["[] is not of type 'object'"]
