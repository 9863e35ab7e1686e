import numpy as np
import opensim
import pytest
from scipy.interpolate import CubicSpline
from scipy.spatial.transform import Rotation

from odah_gen.errors import InputError
from odah_gen.skeleton.table import body_names, coordinate_names, joint_names, skeleton_table


def test_counts_order_and_mass(generic, tasks):
    model = tasks.read_model(generic)
    state = model.initSystem()
    assert tasks.listed(model.getBodySet()) == body_names()
    assert tasks.listed(model.getJointSet()) == joint_names()
    assert tasks.listed(model.getCoordinateSet()) == coordinate_names()
    assert (len(body_names()), len(joint_names()), len(coordinate_names())) == (22, 22, 39)
    assert model.getConstraintSet().getSize() == 2
    assert model.getTotalMass(state) == pytest.approx(75.337)


def slow_body_positions(table, coordinates):
    """Body origins by a direct reading of the table: one joint after the other, no library but rotations."""
    splines = {name: CubicSpline(table["spline_knots_rad"], y) for name, y in table["splines"].items()}
    places = {"ground": (np.eye(3), np.zeros(3))}

    def value(row):
        if "constant" in row:
            return row["constant"]
        angle = coordinates[row["coordinate"]]
        return row["slope"] * angle if "slope" in row else row.get("sign", 1) * splines[row["spline"]](angle)

    def frame(side):
        return Rotation.from_euler("XYZ", side["orientation_rad"]).as_matrix(), np.array(side["translation_m"])

    for row in table["joints"].values():
        rotation, origin = places[row["parent"]["body"]]
        turn, shift = frame(row["parent"])
        rotation, origin = rotation @ turn, origin + rotation @ shift
        if row["type"] == "CustomJoint":
            axes = row["axes"]
            origin = origin + rotation @ sum(
                np.array(axes[f"translation{i}"]["axis"]) * value(axes[f"translation{i}"]) for i in (1, 2, 3)
            )
            turns = [np.array(axes[f"rotation{i}"]["axis"]) * value(axes[f"rotation{i}"]) for i in (1, 2, 3)]
        else:
            unit = {"PinJoint": [[0, 0, 1]], "UniversalJoint": [[1, 0, 0], [0, 1, 0]]}[row["type"]]
            turns = [np.array(axis) * coordinates[name] for axis, name in zip(unit, row["coordinates"])]
        for rotvec in turns:
            rotation = rotation @ Rotation.from_rotvec(rotvec).as_matrix()
        turn, shift = frame(row["child"])
        rotation = rotation @ turn.T
        places[row["child"]["body"]] = rotation, origin - rotation @ shift
    return np.array([places[name][1] for name in body_names()])


def test_body_positions_equal_the_table(generic, tasks, random_pose):
    poses = random_pose(8, spread=0.7)
    found = tasks.replay(generic, coordinate_names(), poses).body_origins_m
    for row, places in zip(poses, found):
        wanted = slow_body_positions(skeleton_table(), dict(zip(coordinate_names(), row)))
        # The twin's natural splines may differ from OpenSim's between knots by a hair.
        np.testing.assert_allclose(places, wanted, atol=5e-4)


def test_ranges_clamping_and_locks(layout, tasks):
    text = tasks.generic_model(layout.names, layout.bodies, layout.locations_m, ("wrist", "mtp"))
    model = tasks.read_model(text)
    known = model.getCoordinateSet()
    degrees = {
        n: np.rad2deg([known.get(n).getRangeMin(), known.get(n).getRangeMax()]).round(1).tolist()
        for n in coordinate_names()
    }
    assert degrees["ankle_angle_r"] == [-50, 50]
    assert degrees["subtalar_angle_l"] == [-35, 35]
    assert degrees["mtp_angle_l"] == [-45, 30]
    assert degrees["pro_sup_r"] == [0, 119.7]
    assert degrees["knee_angle_r"] == [0, 140]
    free = {n for n in coordinate_names() if not known.get(n).getDefaultClamped() and not n.endswith("_beta")}
    assert free == {n for n in coordinate_names() if n.startswith(("pelvis", "arm"))}
    locked = {n for n in coordinate_names() if known.get(n).getDefaultLocked()}
    assert locked == {f"{n}_{s}" for n in ("wrist_flex", "wrist_dev", "mtp_angle") for s in "rl"}


def test_display_meshes_are_the_stock_ones(generic, tasks):
    model = tasks.read_model(generic)
    bodies = model.getBodySet()
    hand = bodies.get("hand_r")
    assert hand.getPropertyByName("attached_geometry").size() == 27
    assert opensim.Mesh.safeDownCast(hand.get_attached_geometry(0)).get_mesh_file() == "pisiform_rvs.vtp"
    assert hand.get_attached_geometry(0).get_scale_factors().to_numpy() == pytest.approx([0.85] * 3)
    assert bodies.get("pelvis").get_attached_geometry(0).get_scale_factors().to_numpy() == pytest.approx([1.0] * 3)


def test_an_unknown_group_is_refused(layout, tasks):
    with pytest.raises(InputError, match=r"toes.*subtalar, mtp, wrist"):
        tasks.generic_model(layout.names, layout.bodies, layout.locations_m, ("toes",))


def test_an_own_model_keeps_its_markers_and_gets_those_it_lacks(generic, layout, tasks, tmp_path):
    model = tasks.read_model(generic)
    model.updMarkerSet().remove(model.getMarkerSet().get("C7"))
    model.updMarkerSet().get("T10").set_location(opensim.Vec3(0.1, 0.2, 0.3))
    model.finalizeConnections()
    model.printToXML("own.osim")
    text = tasks.generic_model(layout.names, layout.bodies, layout.locations_m, (), tmp_path / "own.osim")
    finished = tasks.read_model(text)
    assert set(layout.names) <= set(tasks.listed(finished.getMarkerSet()))
    assert tasks.location(finished, "T10") == pytest.approx([0.1, 0.2, 0.3])
    assert tasks.location(finished, "C7") == pytest.approx(layout.locations_m[layout.names.index("C7")])
    assert tasks.base_body(finished, "C7") == "torso"


def test_the_wanted_groups_of_an_own_model_are_locked_at_zero_beside_its_own_locks(generic, layout, tasks, tmp_path):
    model = tasks.read_model(generic)
    model.updCoordinateSet().get("mtp_angle_r").setDefaultLocked(True)
    model.updCoordinateSet().get("subtalar_angle_l").setDefaultValue(0.2)
    model.printToXML("own.osim")
    text = tasks.generic_model(layout.names, layout.bodies, layout.locations_m, ("subtalar",), tmp_path / "own.osim")
    finished = tasks.read_model(text)
    known = finished.getCoordinateSet()
    locked = {name for name in coordinate_names() if known.get(name).getDefaultLocked()}
    assert locked == {"mtp_angle_r", "subtalar_angle_r", "subtalar_angle_l"}
    assert known.get("subtalar_angle_l").getDefaultValue() == 0


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("patella_l", "kneecap_l", "no body patella_l"),
        ("lumbar_bending", "lumbar_lean", "no coordinate lumbar_bending"),
        ("walker_knee_r", "knee_r", "no joint walker_knee_r"),
    ],
)
def test_an_own_model_without_a_body_or_coordinate_is_refused(generic, layout, tasks, tmp_path, old, new, told):
    (tmp_path / "own.osim").write_text(generic.replace(old, new))
    with pytest.raises(InputError, match=told) as error:
        tasks.generic_model(layout.names, layout.bodies, layout.locations_m, (), tmp_path / "own.osim")
    assert "own.osim" in str(error.value)
    assert "\n" not in str(error.value)


def test_a_file_that_is_no_model_is_refused(layout, tasks, tmp_path):
    (tmp_path / "own.osim").write_text("<html></html>")
    with pytest.raises(InputError, match=r"own\.osim"):
        tasks.generic_model(layout.names, layout.bodies, layout.locations_m, (), tmp_path / "own.osim")
    with pytest.raises(InputError, match="no such file"):
        tasks.generic_model(layout.names, layout.bodies, layout.locations_m, (), tmp_path / "absent.osim")


def test_a_marker_on_an_unknown_body_is_refused(tasks):
    with pytest.raises(InputError, match="NOSE on body head"):
        tasks.generic_model(["NOSE"], ["head"], np.zeros((1, 3)), ())
