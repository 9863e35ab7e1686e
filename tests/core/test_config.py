import dataclasses
from pathlib import Path

import pytest
import yaml

from odah_gen.config import Config, View, from_mapping, load_config, paper_views, plain, to_mapping
from odah_gen.errors import InputError
from odah_gen.paths import ROOT, SCHEMAS

SCHEMA = yaml.safe_load((SCHEMAS / "config.schema.yaml").read_text())


def keys_of_schema() -> dict[str, dict]:
    return {name: entry for name, entry in SCHEMA["properties"].items()}


def test_schema_and_dataclasses_name_the_same_keys():
    defaults = plain(dataclasses.asdict(Config()))
    assert list(keys_of_schema()) == list(defaults)
    for name, entry in keys_of_schema().items():
        if "properties" in entry:
            assert list(entry["properties"]) == list(defaults[name]), name
    assert list(SCHEMA["$defs"]["view"]["properties"]) == [entry.name for entry in dataclasses.fields(View)]


def view_rows() -> list[str]:
    """What each camera may have of its own."""
    needed = SCHEMA["$defs"]["view"]["required"]
    return [
        f"| `camera.views.<name>.{key}` | {'must be given' if key in needed else 'null'} | {row['description']} |"
        for key, row in SCHEMA["$defs"]["view"]["properties"].items()
    ]


def readme_rows() -> list[str]:
    """The table of config/README.md: every key with its default and what the schema says of it."""
    defaults = plain(dataclasses.asdict(Config()))
    views = defaults["camera"]["views"]
    defaults["camera"]["views"] = {name: {"azimuth_deg": view["azimuth_deg"]} for name, view in views.items()}
    rows = []
    for name, entry in keys_of_schema().items():
        inner = entry.get("properties", {})
        keys = [(f"{name}.{key}", defaults[name][key], row) for key, row in inner.items()] if inner else []
        for key, default, row in keys or [(name, defaults[name], entry)]:
            shown = yaml.safe_dump(default, default_flow_style=True, width=10_000).removesuffix("\n...\n").strip()
            rows.append(f"| `{key}` | {shown} | {row['description']} |")
            rows += view_rows() if key == "camera.views" else []
    return rows


def test_readme_shows_every_key_with_its_default_and_meaning():
    table = [line for line in (ROOT / "config" / "README.md").read_text().splitlines() if line.startswith("| `")]
    assert table == readme_rows()


def test_defaults_satisfy_the_schema_and_survive_a_round_trip():
    assert from_mapping(to_mapping(Config())) == Config()


@pytest.mark.parametrize("path", sorted((ROOT / "config").glob("*.yaml")), ids=lambda path: path.stem)
def test_every_shipped_configuration_loads(path: Path):
    assert load_config([path]).run in (path.stem, "default")


def test_later_files_win_key_by_key(tmp_path: Path):
    (tmp_path / "a.yaml").write_text("fps: 30\nmotion: {subjects: 3, actions: [walking]}\n")
    (tmp_path / "b.yaml").write_text("motion: {subjects: 5}\n")
    config = load_config([tmp_path / "a.yaml", tmp_path / "b.yaml"])
    assert (config.fps, config.motion.subjects, config.motion.actions) == (30, 5, ("walking",))


def test_cameras_that_are_named_are_all_there_are(tmp_path: Path):
    assert load_config([]).camera.views == paper_views()
    (tmp_path / "a.yaml").write_text(
        "camera: {width: 360, views: {back: {azimuth_deg: 180, look_at_m: [0, 0, 1.5]}}}\n"
    )
    (tmp_path / "b.yaml").write_text("camera: {views: {top-left: {azimuth_deg: 45, lens_mm: 50}}}\n")
    back = View(180, look_at_m=(0, 0, 1.5))
    assert load_config([tmp_path / "a.yaml"]).camera.views == {"back": back}
    both = load_config([tmp_path / "a.yaml", tmp_path / "b.yaml"])
    assert both.camera.views == {"back": back, "top-left": View(45, lens_mm=50)}
    assert both.camera.names == ("back", "top-left")
    assert from_mapping(to_mapping(both)) == both


def test_a_tilde_is_the_user_s_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HOME", "/home/ada")
    path = tmp_path / "a.yaml"
    path.write_text(
        "motion: {amass_dir: ~/amass}\nbody: {model_dir: ~/smplx}\nskeleton: {model: ~/a.osim, markers: m}\n"
    )
    config = load_config([path])
    assert (config.motion.amass_dir, config.body.model_dir) == ("/home/ada/amass", "/home/ada/smplx")
    assert (config.skeleton.model, config.skeleton.markers) == ("/home/ada/a.osim", "m")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("fsp: 30\n", ["fsp", "bad.yaml"]),
        ("motion: {subject: 3}\n", ["motion", "subject"]),
        ("camera: {width: 361}\n", ["camera.width", "361"]),
        ("fps: -1\n", ["fps", "-1"]),
        ("fps: [\n", ["bad.yaml", "YAML"]),
        ("camera: {views: {}}\n", ["bad.yaml", "camera.views names no camera"]),
        ("camera: {views: {side: {lens_mm: 50}}}\n", ["camera.views.side", "azimuth_deg", "required"]),
        ("camera: {views: {a: {azimuth_deg: 0, zoom: 2}}}\n", ["camera.views.a", "zoom is no key here", "lens_mm"]),
        ("camera: {views: {a b: {azimuth_deg: 0}}}\n", ["camera.views.a b", "letters, digits, - and _"]),
        ("camera: {views: {overlay: {azimuth_deg: 0}}}\n", ["camera.views.overlay", "Choose another name"]),
        ("camera: {views: {a_mask: {azimuth_deg: 0}}}\n", ["camera.views.a_mask", "Choose another name"]),
        ("camera: {views: {a: {azimuth_deg: 0}, A: {azimuth_deg: 9}}}\n", ["camera.views", "capitals"]),
        ("camera: {views: {a: {azimuth_deg: 0, height_m: 0.05}}}\n", ["camera.views.a", "below the floor"]),
        ("camera: {front: {azimuth_deg: 0}}\n", ["camera: front is no key here", "views"]),
        ("room: {hdri_dir: skies}\n", ["room.hdri_dir", "room.kinds has no hdri", "Add hdri"]),
    ],
)
def test_a_mistake_is_named_with_file_and_key(tmp_path: Path, text: str, words: list[str]):
    path = tmp_path / "bad.yaml"
    path.write_text(text)
    with pytest.raises(InputError) as caught:
        load_config([path])
    assert all(word in str(caught.value) for word in words)
    assert "\n" not in str(caught.value)
