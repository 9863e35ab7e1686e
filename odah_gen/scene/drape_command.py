"""`odah-gen drape`: simulated clothes of clips."""

import argparse
import sys

from odah_gen.cli import add_clip_arguments
from odah_gen.run import open_run
from odah_gen.scene.drape_stage import drape_clips
from odah_gen.scene.render_command import ProgressLine

EPILOG = """\
Only for runs with clothes.simulation: true. Needs the scene stage. Blender's cloth simulation lets shirts, shorts and
trousers hang and swing about the body: from the rest pose into the clip's first frame, where they come to rest, and then
through the clip, in at least 60 steps a second. Waistband and shoulders, where cloth fits closely, move with the body. It
writes cloth.npz, the garments' vertices in every frame, which the render stage and the add-on then show; the same inputs
give the same bytes. A garment whose simulation fails moves with the body, and a sentence says so. Next stage: odah-gen
render.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The run folder and the clips."""
    add_clip_arguments(parser)
    parser.epilog = EPILOG


def main(arguments: argparse.Namespace) -> None:
    """Simulate the clothes of every clip, with progress on standard error."""
    line = ProgressLine("drape", what="step")
    drape_clips(open_run(arguments.run), arguments.clips, line.show, tell)


def tell(sentence: str) -> None:
    """What happened to a clip."""
    sys.stderr.write(f"\ndrape {sentence}\n")
