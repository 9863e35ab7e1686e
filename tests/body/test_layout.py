import re

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from odah_gen.body.landmarks import MIDLINE_RULES, SIDE_RULES, find_landmarks, mirror_vertices, place_on_skin
from odah_gen.body.layout import MARKERS, load_layout, write_layout
from odah_gen.body.model import JOINT_NAMES, BodyModel, load_body_model
from odah_gen.errors import InputError
from odah_gen.paths import ASSETS

LIMB_BODIES = ("femur", "tibia", "calcn", "toes", "humerus", "ulna", "radius", "hand")
NEEDED_BODIES = {"pelvis", "torso"} | {f"{body}_{side}" for body in LIMB_BODIES for side in "lr"}


@pytest.fixture(scope="module")
def neutral():
    return load_body_model(ASSETS / "body" / "free_neutral.npz")


@pytest.fixture(scope="module")
def layout():
    return load_layout()


def sham_body(vertices):
    """A body model of which only the number of vertices and the path matter."""
    return BodyModel(
        name="sham",
        gender="neutral",
        path=MARKERS.with_name("sham.npz"),
        v_template=torch.zeros(vertices, 3),
        shapedirs=torch.zeros(vertices, 3, 0),
        expressions=torch.zeros(vertices, 3, 0),
        posedirs=torch.zeros(vertices, 3, 0),
        joint_regressor=torch.zeros(55, 0),
        weights=torch.zeros(vertices, 0),
        parents=(-1,),
        faces=np.zeros((0, 3), int),
    )


@pytest.mark.parametrize("vertices", [13_524, 10_475])
def test_enough_markers_on_every_body(layout, vertices):
    used = layout.on(sham_body(vertices))
    bodies = np.array(used.bodies)[used.weights > 0]
    assert len(bodies) >= 60
    assert set(bodies) >= NEEDED_BODIES
    assert all((bodies == f"toes_{side}").sum() >= 2 for side in "lr")
    assert all((bodies == f"hand_{side}").sum() >= 3 for side in "lr")


def test_weights_spare_what_the_skeleton_cannot_follow(layout):
    weight = dict(zip(layout.names, layout.weights))
    assert all(weight[f"{side}{name}"] == 0 for side in "LR" for name in ("FHD", "BHD"))
    assert all(weight[f"{side}{name}"] <= 0.05 for side in "LR" for name in ("ACR", "ASH", "PSH", "UA1"))
    trunk = [weight[name] for name, body in zip(layout.names, layout.bodies) if body == "torso"]
    leaders = sum(weight[name] for name in ("C7", "T10", "CLAV", "STRN", "XIPH", "RRIB", "LRIB"))
    assert leaders > 0.99 * sum(trunk)


def test_sides_are_mirror_images_on_the_skeleton(layout):
    place = dict(zip(layout.names, layout.locations_m))
    # The published list has LPSH 8 mm behind RPSH; a calibration may move a pair a little apart as well.
    for name in SIDE_RULES:
        if f"R{name}" in place:
            assert np.linalg.norm(place[f"R{name}"] * [1, 1, -1] - place[f"L{name}"]) < 0.010, name


def test_committed_vertices_are_what_the_rules_find(layout, neutral):
    again = place_on_skin(layout, neutral)
    assert again.vertex_ids(neutral).tolist() == layout.vertex_ids(neutral).tolist()
    assert again.held_out_ids(neutral).tolist() == layout.held_out_ids(neutral).tolist()


def test_every_rule_serves_a_marker_and_every_vertex_serves_one(layout):
    names = layout.names + layout.held_out_names
    assert set(names) == set(MIDLINE_RULES) | {side + name for side in "LR" for name in SIDE_RULES}
    for tables in ("free", "smplx"):
        ids = np.concatenate([layout.vertices[tables], layout.held_out_vertices[tables]])
        assert len(np.unique(ids[ids >= 0])) == (ids >= 0).sum()


def test_pairs_mirror_on_the_skin(layout, neutral):
    vertices = neutral.v_template.numpy()
    place = dict(
        zip(layout.names + layout.held_out_names, np.r_[layout.vertex_ids(neutral), layout.held_out_ids(neutral)])
    )
    for name in SIDE_RULES:
        left, right = vertices[place[f"L{name}"]], vertices[place[f"R{name}"]]
        assert left[0] > 0 > right[0]
        assert np.linalg.norm(left * [-1, 1, 1] - right) < 1e-3
    assert all(abs(vertices[place[name], 0]) < 1e-3 for name in MIDLINE_RULES)


def test_rules_fitted_on_the_mean_hold_for_women_and_men(layout, neutral):
    """The same rules on bodies they were not made on land near the same vertices."""
    ids = find_landmarks(neutral)
    for gender in ("female", "male"):
        vertices = load_body_model(ASSETS / "body" / f"free_{gender}.npz")
        found = find_landmarks(vertices)
        place = vertices.v_template.numpy()
        apart = np.array([np.linalg.norm(place[found[name]] - place[ids[name]]) for name in ids])
        assert apart.mean() < 0.010
        assert apart.max() < 0.040


def test_landmarks_agree_with_surveys_of_adults(neutral, layout):
    """Heights over stature (ANSUR, Winter) and widths, within what skin and vertex spacing allow."""
    vertices = neutral.v_template.numpy()
    stature, sole = np.ptp(vertices[:, 1]), vertices[:, 1].min()
    place = {name: vertices[vertex] for name, vertex in zip(layout.names, layout.vertex_ids(neutral))}
    surveyed = {"C7": 0.86, "CLAV": 0.817, "LACR": 0.82, "LASI": 0.57, "LLFC": 0.285, "LLMAL": 0.039, "XIPH": 0.72}
    for name, height in surveyed.items():
        assert (place[name][1] - sole) / stature == pytest.approx(height, abs=0.025), name
    assert 0.22 < place["LASI"][0] - place["RASI"][0] < 0.27
    assert 0.07 < place["LPSI"][0] - place["RPSI"][0] < 0.11
    assert abs(place["LLFC"][1] - place["LMFC"][1]) < 0.010
    # The outer malleolus is lower than the inner one and behind it.
    assert place["LLMAL"][1] < place["LMMAL"][1]
    assert place["LLMAL"][2] < place["LMMAL"][2]


def test_landmarks_lie_beside_their_joints(neutral, layout):
    place = {name: neutral.v_template.numpy()[vertex] for name, vertex in zip(layout.names, layout.vertex_ids(neutral))}
    joints = dict(zip(JOINT_NAMES, neutral.joint_template.numpy()))
    for pair, joint in {("LFC", "MFC"): "knee", ("LMAL", "MMAL"): "ankle", ("LEL", "MEL"): "elbow"}.items():
        middle = (place[f"L{pair[0]}"] + place[f"L{pair[1]}"]) / 2
        assert np.linalg.norm(middle - joints[f"left_{joint}"]) < 0.025, joint
    styloids = (place["LFAradius"] + place["LFAulna"]) / 2
    assert np.linalg.norm(styloids - joints["left_wrist"]) < 0.025


def test_held_out_points_keep_their_distance(layout, neutral):
    vertices = neutral.v_template.numpy()
    used, held_out = vertices[layout.vertex_ids(neutral)], vertices[layout.held_out_ids(neutral)]
    assert len(held_out) >= 20
    assert np.linalg.norm(held_out[:, None] - used, axis=2).min() >= 0.025
    segments = {body.rsplit("_", 1)[0] for body in layout.held_out_bodies}
    assert segments >= {"pelvis", "torso", "femur", "tibia", "calcn", "humerus", "ulna", "radius", "hand"}


def test_offsets_follow_the_kind(layout):
    assert set(layout.offset_sd_m[np.array(layout.kinds) == "bony"]) == {0.005}
    assert set(layout.offset_sd_m[np.array(layout.kinds) == "soft"]) == {0.020}


def test_layout_on_smplx_leaves_out_what_has_no_vertex(layout):
    smplx = sham_body(10_475)
    with pytest.raises(InputError, match=r"T10.*have no vertex on sham.npz"):
        layout.vertex_ids(smplx)
    reduced = layout.on(smplx)
    assert "T10" not in reduced.names
    assert len(reduced.names) == len(reduced.bodies) == len(reduced.weights) == len(reduced.vertex_ids(smplx))
    assert len(reduced.held_out_names) == len(reduced.held_out_ids(smplx)) >= 15
    assert reduced.vertex_ids(smplx)[reduced.names.index("LLFC")] == 3639


def test_list_survives_writing(tmp_path, layout):
    write_layout(tmp_path / "markers.yaml", layout)
    again = load_layout(tmp_path / "markers.yaml")
    assert again.names == layout.names
    assert again.held_out_names == layout.held_out_names
    np.testing.assert_allclose(again.locations_m, layout.locations_m, atol=1e-5)
    assert (tmp_path / "markers.yaml").read_text() == MARKERS.read_text()


def altered(tmp_path, pattern, replacement):
    """The committed list with the first match of a pattern replaced."""
    text, count = re.subn(pattern, replacement, MARKERS.read_text(), count=1)
    assert count == 1
    (tmp_path / "markers.yaml").write_text(text)
    return tmp_path / "markers.yaml"


@pytest.mark.parametrize(
    ("pattern", "replacement", "message"),
    [
        (r"  LASI:", "  RASI:", "RASI stands there twice"),
        (r"free: \d+", "free: -3", "must give a vertex number or null"),
        (r"kind: bony", "kind: hairy", "kind of C7 is 'hairy'; bony or soft was expected"),
        (r"weight: 10.0", "weight: -1", "weight of C7 is -1"),
        (r"location_m: \[[^]]*\]", "location_m: [0.1, 0.2]", "three numbers"),
        (r"kind: bony, ", "", "C7 must have exactly body, kind, location_m, vertex, weight"),
        (r"held_out:\n", "spare:\n", "two keys markers and held_out were expected"),
        (r"markers:\n[^#]*held_out:", "markers: 5\nheld_out:", "is no marker list"),
        (r"markers:\n", "markers: [\n", "is not valid YAML"),
    ],
)
def test_bad_list_is_refused_in_one_sentence(tmp_path, pattern, replacement, message):
    with pytest.raises(InputError, match=message):
        load_layout(altered(tmp_path, pattern, replacement))


def test_vertex_used_twice_is_refused(tmp_path):
    other = load_layout().vertices["free"][1]
    with pytest.raises(InputError, match=f"C7 and T10 both have free vertex {other}"):
        load_layout(altered(tmp_path, r"free: \d+", f"free: {other}"))


def test_vertex_beyond_the_body_is_refused(tmp_path, neutral):
    layout = load_layout(altered(tmp_path, r"free: \d+", "free: 13524"))
    with pytest.raises(InputError, match="beyond the free body, which has 13524 vertices"):
        layout.on(neutral)


def test_missing_list_is_refused(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        load_layout(tmp_path / "markers.yaml")


def test_unknown_topology_is_refused(layout):
    with pytest.raises(InputError, match=r"has 6890 vertices; marker vertices are known for 13524 .free. or 10475"):
        layout.on(sham_body(6_890))


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000))
def test_mirror_of_a_mirror_is_the_vertex_itself(seed):
    generator = np.random.default_rng(seed)
    half = generator.uniform(0.01, 1, (30, 3))
    cloud = generator.permutation(np.concatenate([half, half * [-1, 1, 1]]))
    partner = mirror_vertices(cloud, "cloud")
    assert (partner[partner] == np.arange(60)).all()
    np.testing.assert_allclose(cloud[partner], cloud * [-1, 1, 1], atol=1e-12)


def test_lopsided_mesh_is_refused():
    with pytest.raises(InputError, match="not mirror-symmetric"):
        mirror_vertices(np.array([[0.5, 0, 0], [-0.4, 0, 0]]), "cloud")
