"""`odah-gen scale`: OpenSim models of subjects."""

import argparse

from odah_gen.cli import add_run_argument
from odah_gen.run import open_run
from odah_gen.skeleton.scale_stage import scale_subject

EPILOG = """\
Stands the subject's body quietly (arms 35 degrees abducted, palms to the thighs), lets OpenSim's Scale tool fit the
generic skeleton to it, and then fits factors, bounded marker offsets and angles together to the static trial and to
frames of all clips of the subject (their markers.trc; stages motion and markers come first). Writes model.osim (opens
in the OpenSim GUI), scales.json (22 bodies, factors x y z), scaling.json (measurements, factors before and after,
marker offsets in mm, static angles in degrees, mass, residuals), static.trc and body.npz to subjects/SUBJECT/. An own model is taken from
skeleton.model of the configuration: it must have the bodies, joints and coordinates of the generic model, keeps its
ranges and loses its muscles; markers that it lacks are added. With shape.variant_skeleton kept, a variant takes the
factors of the subject that it is a variant of, which comes first. Next stage: odah-gen ik.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The run folder and the subjects."""
    add_run_argument(parser)
    parser.add_argument("subjects", nargs="+", metavar="SUBJECT", help="subjects, as in clips.parquet")
    parser.epilog = EPILOG


def main(arguments: argparse.Namespace) -> None:
    """Scale every subject."""
    run = open_run(arguments.run)
    for subject in arguments.subjects:
        scale_subject(run, subject)
