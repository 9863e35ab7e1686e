"""Where the markers lie on the free body's skin: rules from anatomy and geometry instead of picked numbers.

Every rule aims from inside the body: an origin, and a direction in which the skin is looked for. Origins are given
in quantities an anatomist knows: heights as fractions of stature, places along a bone, parts of a limb's width.
The rules work on the mean shape at rest (X left, Y up, Z forward) of a mirror-symmetric body model; they are written
for the left side, and the right side is the mirror image, vertex by vertex. The vertices in assets/markers.yaml are
what they find on the free neutral body; `place_on_skin` finds them again.

Heights of the bony landmarks follow adult surveys (ANSUR, Gordon et al. 1989 and 2014; Dempster 1955; Bell et al.
1990 for the hips) and the generic skeleton's proportions, because a smooth skin does not show them all.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.spatial import cKDTree

from odah_gen.body.layout import MarkerLayout
from odah_gen.body.model import JOINT_NAMES, BodyModel
from odah_gen.errors import InputError
from odah_gen.geometry import vertex_normals

Direction = tuple[float, float, float]
"""(outward to the side, up, forward); need not have unit length."""

OUT, IN, UP, DOWN, FRONT, BACK = (1, 0, 0), (-1, 0, 0), (0, 1, 0), (0, -1, 0), (0, 0, 1), (0, 0, -1)
SLICE_HALF_HEIGHT = 0.012
"""Half the thickness of a horizontal slice, as a fraction of stature: two rows of the mesh and more."""
FACING = 0.3
"""A vertex belongs to the looked-for side when its normal and the direction have at least this scalar product."""
MIRROR_TOLERANCE_M = 1e-3

REGIONS = {
    "trunk": ("pelvis", "spine1", "spine2", "spine3", "neck", "left_hip", "left_collar"),
    "shoulder": ("spine3", "left_collar", "left_shoulder"),
    "head": ("head", "jaw", "neck"),
    "thigh": ("left_hip", "left_knee"),
    "shank": ("left_knee", "left_ankle"),
    "foot": ("left_ankle", "left_foot"),
    "upper_arm": ("left_shoulder", "left_elbow"),
    "forearm": ("left_elbow", "left_wrist"),
    "hand": ("left_wrist",),
}
"""The joints whose skin a rule may choose from; a vertex belongs to the joint of its largest weight."""


@dataclass(frozen=True)
class Slice:
    """Aim from a point of a horizontal slice.

    Attributes:
        region: a key of REGIONS.
        height: above the sole, as a fraction of stature.
        across: from the inner (0) to the outer (1) edge of the slice; for trunk and head 0 is the midline.
        depth: from the back (0) to the front (1) of the slice.
        towards: the direction in which the skin is looked for.
    """

    region: str
    height: float
    across: float
    depth: float
    towards: Direction


@dataclass(frozen=True)
class Bone:
    """Aim from the point at `fraction` of the line between two joints; `towards` as in Slice."""

    region: str
    start: str
    end: str
    fraction: float
    towards: Direction


@dataclass(frozen=True)
class Foot:
    """Aim from a point of the foot's bounding box at a quarter of its height.

    Attributes:
        across: from the inner (0) to the outer (1) edge.
        along: from the heel (0) to the longest toe (1).
        towards: the direction in which the skin is looked for.
    """

    across: float
    along: float
    towards: Direction


Rule = Slice | Bone | Foot

MIDLINE_RULES: Mapping[str, Rule] = {
    "C7": Slice("trunk", 0.850, 0, 0.3, BACK),
    "T10": Slice("trunk", 0.715, 0, 0.5, BACK),
    "CLAV": Slice("trunk", 0.819, 0, 0.6, FRONT),
    "STRN": Slice("trunk", 0.770, 0, 0.6, FRONT),
    "XIPH": Slice("trunk", 0.722, 0, 0.6, FRONT),
    "NAVE": Slice("trunk", 0.600, 0, 0.6, FRONT),
    "T4": Slice("trunk", 0.800, 0, 0.4, BACK),
    "L3": Slice("trunk", 0.632, 0, 0.4, BACK),
}
"""Markers on the midline."""

SIDE_RULES: Mapping[str, Rule] = {
    "ASI": Slice("trunk", 0.581, 0.77, 0.5, FRONT),
    "PSI": Slice("trunk", 0.591, 0.30, 0.4, BACK),
    "RIB": Slice("trunk", 0.680, 0.5, 0.5, OUT),
    "ACR": Bone("shoulder", "left_collar", "left_shoulder", 0.82, UP),
    "ASH": Bone("shoulder", "left_shoulder", "left_elbow", 0, FRONT),
    "PSH": Bone("shoulder", "left_shoulder", "left_elbow", 0.06, BACK),
    "FHD": Slice("head", 0.962, 0.3, 0.5, (0.55, 0, 1)),
    "BHD": Slice("head", 0.962, 0.3, 0.5, (0.55, 0, -1)),
    "UA1": Bone("upper_arm", "left_shoulder", "left_elbow", 0.17, UP),
    "UA2": Bone("upper_arm", "left_shoulder", "left_elbow", 0.69, UP),
    "UA3": Bone("upper_arm", "left_shoulder", "left_elbow", 0.45, (0, 0.6, 1)),
    "LEL": Bone("upper_arm", "left_shoulder", "left_elbow", 0.94, UP),
    "MEL": Bone("upper_arm", "left_shoulder", "left_elbow", 0.96, DOWN),
    "PUL": Bone("forearm", "left_elbow", "left_wrist", 0.12, BACK),
    "FAsuperior": Bone("forearm", "left_elbow", "left_wrist", 0.33, UP),
    "FAradius": Bone("forearm", "left_elbow", "left_wrist", 0.98, FRONT),
    "FAulna": Bone("forearm", "left_elbow", "left_wrist", 0.98, BACK),
    "HM2": Bone("hand", "left_wrist", "left_index1", 0.8, UP),
    "HM3": Bone("hand", "left_wrist", "left_middle1", 0.55, UP),
    "HM5": Bone("hand", "left_wrist", "left_pinky1", 0.8, UP),
    "THB": Bone("hand", "left_wrist", "left_index1", 0.35, (0, 0.5, 1)),
    "TH1": Slice("thigh", 0.438, 0.5, 0.5, OUT),
    "TH2": Slice("thigh", 0.391, 0.5, 0.5, FRONT),
    "TH3": Slice("thigh", 0.350, 0.5, 0.5, OUT),
    "TH4": Slice("thigh", 0.340, 0.5, 0.5, IN),
    "LFC": Slice("thigh", 0.282, 0.5, 0.45, OUT),
    "MFC": Slice("thigh", 0.282, 0.5, 0.40, IN),
    "TTU": Slice("shank", 0.255, 0.5, 0.5, FRONT),
    "TB1": Slice("shank", 0.193, 0.5, 0.5, OUT),
    "TB2": Slice("shank", 0.153, 0.36, 0.5, FRONT),
    "TB3": Slice("shank", 0.111, 0.5, 0.5, OUT),
    "LMAL": Slice("shank", 0.040, 0.5, 0.24, OUT),
    "MMAL": Slice("shank", 0.047, 0.5, 0.34, IN),
    "CAL": Slice("foot", 0.020, 0.5, 0.3, BACK),
    "MFT": Foot(0.45, 0.50, UP),
    "TOE": Foot(0.20, 0.73, UP),
    "MT5": Foot(0.80, 0.635, (1, 0.3, 0)),
    "TO1": Foot(0.20, 0.95, UP),
    "TO3": Foot(0.60, 0.92, UP),
    "TO5": Foot(0.88, 0.82, UP),
    "PEC": Slice("trunk", 0.775, 0.5, 0.6, FRONT),
    "ILC": Slice("trunk", 0.605, 0.5, 0.45, OUT),
    "LUM": Slice("trunk", 0.660, 0.45, 0.4, BACK),
    "ABD": Slice("trunk", 0.640, 0.5, 0.6, FRONT),
    "TRI": Bone("upper_arm", "left_shoulder", "left_elbow", 0.55, BACK),
    "BIC": Bone("upper_arm", "left_shoulder", "left_elbow", 0.70, (0, -0.4, 1)),
    "FAM": Bone("forearm", "left_elbow", "left_wrist", 0.45, DOWN),
    "FAB": Bone("forearm", "left_elbow", "left_wrist", 0.65, (0, 0.7, -0.7)),
    "PLM": Bone("hand", "left_wrist", "left_ring1", 0.6, DOWN),
    "THF": Slice("thigh", 0.450, 0.4, 0.5, FRONT),
    "THK": Slice("thigh", 0.390, 0.5, 0.5, BACK),
    "THM": Slice("thigh", 0.400, 0.5, 0.5, IN),
    "CLF": Slice("shank", 0.205, 0.5, 0.5, BACK),
    "SHM": Slice("shank", 0.150, 0.5, 0.5, IN),
    "ACH": Slice("shank", 0.080, 0.5, 0.4, BACK),
    "ARC": Foot(0.25, 0.42, IN),
    "SOL": Foot(0.50, 0.62, DOWN),
    "HLO": Foot(0.50, 0.18, OUT),
}
"""Markers of either side, without the L or R of their name."""


def find_landmarks(model: BodyModel) -> dict[str, int]:
    """Vertex of every landmark on a body model, used and held out, by marker name.

    The model must be mirror-symmetric to 1 mm, with 55 joints and its arms out at rest.

    Raises:
        InputError: the mesh is not symmetric, or a rule finds no skin.
    """
    finder = Finder.of(model)
    mirror = mirror_vertices(finder.vertices, str(model.path))
    found = {name: finder.find(name, rule, midline=True) for name, rule in MIDLINE_RULES.items()}
    for name, rule in SIDE_RULES.items():
        left = finder.find(name, rule, midline=False)
        found |= {f"L{name}": left, f"R{name}": int(mirror[left])}
    return found


def place_on_skin(layout: MarkerLayout, model: BodyModel) -> MarkerLayout:
    """The layout with its vertices on the model's topology found anew; `write_layout` stores it.

    Raises:
        InputError: as for `find_landmarks`, or the layout has a marker without a rule.
    """
    found = find_landmarks(model)
    unknown = [name for name in layout.names + layout.held_out_names if name not in found]
    if unknown:
        raise InputError(f"{layout.path}: no rule tells where {', '.join(unknown)} lies. Add one to landmarks.py.")
    topology = layout.topology(model)
    return dataclasses.replace(
        layout,
        vertices={**layout.vertices, topology: np.array([found[name] for name in layout.names])},
        held_out_vertices={
            **layout.held_out_vertices,
            topology: np.array([found[name] for name in layout.held_out_names]),
        },
    )


def mirror_vertices(vertices: Float[np.ndarray, "vertices 3"], name: str) -> Int[np.ndarray, " vertices"]:
    """For every vertex the one at its mirror image across X = 0.

    Raises:
        InputError: a vertex has no partner within 1 mm.
    """
    distance, partner = cKDTree(vertices).query(vertices * [-1, 1, 1])
    if distance.max() > MIRROR_TOLERANCE_M or len(np.unique(partner)) < len(partner):
        raise InputError(
            f"{name}: the mesh is not mirror-symmetric ({1000 * distance.max():.1f} mm off); landmarks are found on a "
            "symmetric mean shape. Use the neutral model, or place the markers by hand."
        )
    return partner


@dataclass(frozen=True)
class Finder:
    """The mean shape of a body model, prepared for looking up landmarks.

    Attributes:
        vertices: [V, 3] at rest (m).
        normals: [V, 3] unit normals, outward.
        owners: [V] joint with the largest weight.
        joints: joint centres at rest by name.
    """

    vertices: Float[np.ndarray, "vertices 3"]
    normals: Float[np.ndarray, "vertices 3"]
    owners: Int[np.ndarray, " vertices"]
    joints: Mapping[str, Float[np.ndarray, "3"]]

    @classmethod
    def of(cls, model: BodyModel) -> "Finder":
        """Prepare a body model."""
        vertices = model.v_template.double().numpy()
        joints = model.joint_template.double().numpy()
        return cls(
            vertices=vertices,
            normals=vertex_normals(vertices, model.faces),
            owners=model.weights.argmax(1).numpy(),
            joints=dict(zip(JOINT_NAMES, joints)),
        )

    def find(self, name: str, rule: Rule, midline: bool) -> int:
        """The vertex of a left or midline landmark.

        It is the one nearest to the ray from the rule's origin, among those of the region that lie ahead and face
        the direction.

        Raises:
            InputError: no vertex qualifies.
        """
        region = self.region("foot" if isinstance(rule, Foot) else rule.region)
        origin = self.origin(rule, region)
        direction = self.direction(rule)
        offset = self.vertices - origin
        ahead = offset @ direction
        allowed = region & (ahead > 0) & (self.normals @ direction > FACING)
        if midline:
            allowed &= np.abs(self.vertices[:, 0]) < MIRROR_TOLERANCE_M
        if not allowed.any():
            raise InputError(f"landmark {name}: the mesh has no skin where its rule looks. Correct the rule.")
        aside = np.linalg.norm(offset - ahead[:, None] * direction, axis=1)
        return int(np.where(allowed, aside, np.inf).argmin())

    def region(self, name: str) -> Bool[np.ndarray, " vertices"]:
        """The vertices of a region's left half, midline included."""
        joints = [JOINT_NAMES.index(joint) for joint in REGIONS[name]]
        return np.isin(self.owners, joints) & (self.vertices[:, 0] > -MIRROR_TOLERANCE_M)

    def direction(self, rule: Rule) -> Float[np.ndarray, "3"]:
        """The unit direction of a rule; along a bone only its part across the bone, so that hanging arms do not matter."""
        direction = np.asarray(rule.towards, dtype=float)
        if isinstance(rule, Bone):
            bone = self.joints[rule.end] - self.joints[rule.start]
            direction = direction - (direction @ bone) / (bone @ bone) * bone
        return direction / np.linalg.norm(direction)

    def origin(self, rule: Rule, region: Bool[np.ndarray, " vertices"]) -> Float[np.ndarray, "3"]:
        """The point that a rule aims from."""
        if isinstance(rule, Bone):
            return (1 - rule.fraction) * self.joints[rule.start] + rule.fraction * self.joints[rule.end]
        low, high = self.vertices.min(0), self.vertices.max(0)
        if isinstance(rule, Foot):
            box = self.vertices[region & (self.vertices[:, 1] < low[1] + 0.045 * (high[1] - low[1]))]
            return mix(box, (rule.across, 0.25, rule.along))
        stature = high[1] - low[1]
        level = low[1] + rule.height * stature
        layer = self.vertices[region & (np.abs(self.vertices[:, 1] - level) < SLICE_HALF_HEIGHT * stature)]
        point = mix(layer, (rule.across, 0.5, rule.depth))
        return np.array([point[0], level, point[2]])


def mix(points: Float[np.ndarray, "points 3"], parts: Direction) -> Float[np.ndarray, "3"]:
    """The point at the given parts of a bounding box."""
    low, high = points.min(0), points.max(0)
    return low + np.asarray(parts) * (high - low)
