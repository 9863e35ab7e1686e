"""Where the parts of a clone lie."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ASSETS = ROOT / "assets"
SCHEMAS = ROOT / "workflow" / "schemas"
BLENDER_ADDON = ROOT / "blender_addon"
SCENE_SCHEMA = BLENDER_ADDON / "scene.schema.json"
BLENDER_PYTHON = ROOT / ".venv-blender" / "bin" / "python"
