"""`odah-gen fit`: shape and marker offsets of subjects, or the fitted body motion of clips."""

import argparse

from odah_gen.cli import add_run_argument
from odah_gen.errors import InputError
from odah_gen.registration.fit_stage import fit_clip, fit_subject
from odah_gen.run import open_run

EPILOG = """\
Two steps. First, once per subject: odah-gen fit --run DIR --subject S finds shape and marker offsets over some
well-spread frames of all clips of the subject and writes fit.npz into its folder. Then, per clip: odah-gen fit
--run DIR CLIP moves the body until its markers and regressed joint centres lie on the skeleton's, and writes body.npz
(AMASS format) and fit.json (residuals in mm). Needs the ik stage. Next stage: odah-gen scene.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The run folder, and subjects or clips."""
    add_run_argument(parser)
    parser.add_argument("clips", nargs="*", metavar="CLIP", help="clip ids, as in clips.parquet")
    parser.add_argument(
        "--subject", action="append", default=[], metavar="S", help="find shape and marker offsets of this subject"
    )
    parser.epilog = EPILOG


def main(arguments: argparse.Namespace) -> None:
    """Fit the subjects that are named, then the clips.

    Raises:
        InputError: neither a subject nor a clip is named.
    """
    if not arguments.subject and not arguments.clips:
        raise InputError("odah-gen fit: names no clip and no subject. Give clip ids, or --subject S.")
    run = open_run(arguments.run)
    for subject in arguments.subject:
        fit_subject(run, subject)
    for clip_id in arguments.clips:
        fit_clip(run, clip_id)
