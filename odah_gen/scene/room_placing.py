"""Where props stand: along the walls, in sight of a camera, and clear of the body and of every camera's view of it."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from jaxtyping import Float
from scipy.spatial import ConvexHull

from odah_gen.scene.cameras import Camera, in_picture, project, to_camera
from odah_gen.scene.room import Room
from odah_gen.scene.room_parts import Prop, placed
from odah_gen.scene.room_props import build_prop

CLEAR_M = 0.3
"""Least distance of a prop from the body and from what a camera sees in front of it."""
GAP_M = 0.08
CORNER_M = 0.1
NEAR_M = 0.1
TRIES = 40

Polygon = Float[np.ndarray, "corners 2"]


def place_props(
    room: Room,
    names: Iterable[str],
    points_m: Float[np.ndarray, "points 3"],
    cameras: Mapping[str, Camera],
    generator: np.random.Generator,
) -> list[Prop]:
    """Stand each prop at a wall. One that finds no free place, or is in no picture, is left out.

    Args:
        room: its bounds.
        names: props, the most important first.
        points_m: outline of the body over the whole clip (world frame).
        cameras: by name.
        generator: draws sizes and places.
    """
    free = free_zones(points_m, cameras.values())
    props: list[Prop] = []
    for name in names:
        wanted = build_prop(name, generator)
        for _ in range(TRIES):
            prop = at_wall(wanted, room, generator)
            if prop is not None and fits(prop, room, props, free) and seen(prop, cameras.values()):
                props.append(prop)
                break
    return props


def at_wall(prop: Prop, room: Room, generator: np.random.Generator) -> Prop | None:
    """The prop with its back at a wall, all walls equally likely; None where the wall is too short."""
    wall, share = int(generator.integers(4)), generator.uniform()
    # Quarter turns that let y point into the room from the walls at least y, most x, most y, least x.
    along = wall % 2
    half = np.abs(prop.bounds_m[:, 0]).max() + CORNER_M
    low, high = room.min_m[along] + half, room.max_m[along] - half
    if low > high:
        return None
    at = low + share * (high - low)
    corner = (room.min_m[1], room.max_m[0], room.max_m[1], room.min_m[0])[wall]
    place = (at, corner) if along == 0 else (corner, at)
    return placed(prop, wall, (float(place[0]), float(place[1])))


def fits(prop: Prop, room: Room, others: Sequence[Prop], free: Sequence[Polygon]) -> bool:
    """Whether a prop lies in the room, apart from others, and outside all zones that stay free."""
    low, high = prop.bounds_m
    if (low < room.min_m - 1e-6).any() or (high > room.max_m + 1e-6).any():
        return False
    for other in others:
        least, most = other.bounds_m
        if (low[:2] < most[:2] + GAP_M).all() and (high[:2] > least[:2] - GAP_M).all():
            return False
    return all(distance(footprint(prop), zone) > CLEAR_M for zone in free)


def seen(prop: Prop, cameras: Iterable[Camera]) -> bool:
    """Whether the prop's middle is in a picture."""
    middle = prop.bounds_m.mean(0)
    return any(bool(in_picture(camera, project(camera, middle))) for camera in cameras)


def footprint(prop: Prop) -> Polygon:
    """Corners of a prop's bounds on the floor."""
    (x0, y0, _), (x1, y1, _) = prop.bounds_m
    return np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]])


def free_zones(points_m: Float[np.ndarray, "points 3"], cameras: Iterable[Camera]) -> list[Polygon]:
    """On the floor, for each camera the hull of the body and of all that the camera sees in front of it.

    What stands outside can neither touch the body nor come between it and the camera, nor fill the picture from
    close by.
    """
    return [hull(np.concatenate([points_m[:, :2], view_in_front(camera, points_m)])) for camera in cameras]


def view_in_front(camera: Camera, points_m: Float[np.ndarray, "points 3"]) -> Polygon:
    """The camera's place on the floor, and what the picture's left and right edge show beside the body's nearest point."""
    near = max(to_camera(camera, points_m)[:, 2].min(), NEAR_M)
    edges = camera.width / 2 / camera.intrinsics[0, 0] * near
    sides = [camera.rotation.T @ ([x, 0.0, near] - camera.translation_m) for x in (-edges, edges)]
    return np.array([camera.position_m[:2], *(side[:2] for side in sides)])


def hull(points: Float[np.ndarray, "points 2"]) -> Polygon:
    """Corners of the convex hull, counterclockwise."""
    return points[ConvexHull(points).vertices]


def distance(first: Polygon, second: Polygon) -> float:
    """A lower bound of the distance (m) of two convex polygons: the widest gap along a normal of an edge, else 0."""
    gap = 0.0
    for one, other in ((first, second), (second, first)):
        edges = np.roll(one, -1, axis=0) - one
        normals = np.stack([edges[:, 1], -edges[:, 0]], 1) / np.linalg.norm(edges, axis=1, keepdims=True)
        reach = (normals * one).sum(1)
        gap = max(gap, float(((other @ normals.T).min(0) - reach).max()))
    return gap
