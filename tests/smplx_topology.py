"""A body model with SMPL-X's 10,475 vertices, made from the free body; no licensed file is needed.

Every SMPL-X vertex that the marker list names gets the free body's vertex of the same marker, so that the table of
SMPL-X vertices finds its landmarks. The other vertices are any of the free body's; 3,049 vertices are merged into a
neighbour, which leaves no holes to speak of. Like real files it has pickled tables, and no tights.
"""

from pathlib import Path

import numpy as np

from odah_gen.body.free.landmarks import SMPLX_SLOTS
from odah_gen.body.layout import load_layout
from odah_gen.paths import ASSETS

SMPLX_VERTICES = 10_475
PER_VERTEX = ("v_template", "shapedirs", "posedirs", "weights")
COPIED = ("kintree_table", "hands_componentsl", "hands_componentsr", "hands_meanl", "hands_meanr")


def write_smplx_topology(path: Path, gender: str = "neutral") -> Path:
    """Write the model, for instance as <folder>/SMPLX_NEUTRAL.npz; give the path back."""
    with np.load(ASSETS / "body" / f"free_{gender}.npz") as free:
        arrays = {name: free[name] for name in (*PER_VERTEX, *COPIED, "J_regressor", "f")}
    chosen, place = number_vertices(arrays["J_regressor"], arrays["f"])
    merged = place[arrays["f"]]
    whole = (merged != np.roll(merged, 1, axis=1)).all(1)
    regressor = np.zeros((55, SMPLX_VERTICES))
    np.add.at(regressor, (slice(None), place), arrays["J_regressor"])
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(
        path,
        **{name: arrays[name][chosen] for name in PER_VERTEX},
        **{name: arrays[name] for name in COPIED},
        J_regressor=regressor,
        f=merged[whole].astype(np.uint32),
        joint2num=np.array({"Pelvis": 0}, dtype=object),
        allow_pickle=np.array(True),
    )
    return path


def number_vertices(regressor, faces):
    """The free vertex at each SMPL-X vertex, and the SMPL-X vertex that stands for each free vertex."""
    fixed = {free: smplx for smplx, free in landmark_pairs().items()}
    needed = set(fixed) | set(np.flatnonzero(regressor.any(0)).tolist())
    merged = merge_vertices(faces, needed, regressor.shape[1] - SMPLX_VERTICES)
    kept = [vertex for vertex in range(regressor.shape[1]) if vertex not in merged]
    slots = iter(sorted(set(range(SMPLX_VERTICES)) - set(fixed.values())))
    place = np.full(regressor.shape[1], -1)
    for vertex in kept:
        place[vertex] = fixed[vertex] if vertex in fixed else next(slots)
    chosen = np.empty(SMPLX_VERTICES, int)
    chosen[place[kept]] = kept
    for vertex, neighbour in merged.items():
        place[vertex] = place[neighbour]
    return chosen, place


def landmark_pairs():
    """SMPL-X vertex → free vertex, from the marker list and the vertices that the smplx package reads."""
    layout = load_layout()
    pairs = {slot: slot for slot, _ in SMPLX_SLOTS.values()}
    for table in (layout.held_out_vertices, layout.vertices):
        pairs |= {s: f for s, f in zip(table["smplx"].tolist(), table["free"].tolist()) if s >= 0 and f >= 0}
    return {smplx: free for free, smplx in {free: smplx for smplx, free in pairs.items()}.items()}


def merge_vertices(faces, needed, count):
    """Vertices that go, each with a neighbour that stays; no two of them are neighbours."""
    neighbours = {}
    for a, b in faces[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2).tolist():
        neighbours.setdefault(a, []).append(b)
    merged, stays = {}, set(needed)
    for vertex in np.random.default_rng(0).permutation(sorted(neighbours)).tolist():
        if len(merged) == count:
            return merged
        if vertex not in stays:
            merged[vertex] = neighbours[vertex][0]
            stays.update(neighbours[vertex])
    raise ValueError(f"only {len(merged)} of {count} vertices can be merged")
