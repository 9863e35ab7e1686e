# SPDX-License-Identifier: GPL-3.0-or-later
"""Arrays of the meshes that stand in Blender."""

import bpy
import numpy as np


def world_vertices(item: bpy.types.Object) -> np.ndarray:
    """Vertices [N, 3] of an object (m, world frame)."""
    vertices = np.empty(3 * len(item.data.vertices), np.float32)
    item.data.vertices.foreach_get("co", vertices)
    matrix = np.array(item.matrix_world)
    return vertices.reshape(-1, 3) @ matrix[:3, :3].T + matrix[:3, 3]


def triangles(item: bpy.types.Object) -> np.ndarray:
    """Vertices of the triangles of a mesh, [F, 3]."""
    item.data.calc_loop_triangles()
    corners = np.empty(3 * len(item.data.loop_triangles), np.int32)
    item.data.loop_triangles.foreach_get("vertices", corners)
    return corners.reshape(-1, 3)


def vertex_normals(item: bpy.types.Object) -> np.ndarray:
    """Normals of the vertices [N, 3], of an object that is not turned."""
    normals = np.empty(3 * len(item.data.vertices), np.float32)
    item.data.vertices.foreach_get("normal", normals)
    return normals.reshape(-1, 3)
