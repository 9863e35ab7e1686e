# SPDX-License-Identifier: GPL-3.0-or-later
"""Operators of the section Import: an AMASS .npz, or an .osim with a .mot; odah-gen reads them."""

import shutil
from collections.abc import Sequence
from pathlib import Path

import bpy

from ..description import SceneError
from .import_files import RECORDING
from .owned import cache_folder
from .rendering import Child, Working
from .settings import odah_gen


class Importing(Working):
    """What both imports share: odah-gen writes to a folder, which is then loaded."""

    def begin(self, context: bpy.types.Context) -> None:
        """Start odah-gen.

        Raises:
            SceneError: a file is not there, or there is no odah-gen.
        """
        settings = context.scene.odah
        files = [Path(bpy.path.abspath(name)) for name in self.files(settings)]
        for file in files:
            if not file.is_file():
                raise SceneError(f"{file}: is no file. Choose one to import.")
        self._name = files[-1].stem
        self._folder = cache_folder().with_name("odah-imports") / self._name
        shutil.rmtree(self._folder, ignore_errors=True)
        self._folder.mkdir(parents=True)
        self.child = Child([*odah_gen(), *self.words(files)])
        self.told(context, "importing")

    def hear(self, context: bpy.types.Context, _lines: Sequence[str]) -> None:
        """There is nothing to tell before it is done."""

    def close(self, context: bpy.types.Context) -> set[str]:
        """Load what was written."""
        if self.child.failed:
            raise SceneError(self.child.last.removeprefix("odah-gen: "))
        result = self.succeed(context, "")
        how = "EXEC_DEFAULT" if bpy.app.background else "INVOKE_DEFAULT"
        bpy.ops.odah.load(how, folder=str(self._folder), clip=self._name, subject="")
        return result


class ODAH_OT_import_amass(Importing, bpy.types.Operator):
    """Show an AMASS file on a body, in the world frame; Esc stops it."""

    bl_idname = "odah.import_amass"
    bl_label = "Import AMASS"

    def files(self, settings: bpy.types.PropertyGroup) -> list[str]:
        """What is read."""
        return [settings.amass]

    def words(self, files: Sequence[Path]) -> list[str]:
        """What odah-gen is told."""
        return ["import", str(files[0]), "--out", str(self._folder)]


class ODAH_OT_import_opensim(Importing, bpy.types.Operator):
    """Show an OpenSim model moved by a .mot; Esc stops it."""

    bl_idname = "odah.import_opensim"
    bl_label = "Import OpenSim"

    def files(self, settings: bpy.types.PropertyGroup) -> list[str]:
        """What is read."""
        return [settings.osim, settings.mot]

    def words(self, files: Sequence[Path]) -> list[str]:
        """What odah-gen is told."""
        out = self._folder / RECORDING
        return ["pose", "--model", str(files[0]), "--mot", str(files[1]), "--out", str(out)]


CLASSES = (ODAH_OT_import_amass, ODAH_OT_import_opensim)
