# SPDX-License-Identifier: GPL-3.0-or-later
"""The add-on's tab in Blender's window.

What needs no window (run_folder, clip_files, import_files, shapes, residuals, point_cache, osim_geometry, shape_trial,
scene_trial, png) is numpy on plain arrays. What builds objects (clip_objects, loading, owned) keeps all its knowledge in the
datablocks themselves, so that undo and saved files tell it too. Settings, operators (opening, showing, trying, posing,
rendering, importing) and panels are thin.
"""
