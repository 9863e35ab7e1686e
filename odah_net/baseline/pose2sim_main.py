"""Run by the Python of .venv-pose2sim in the folder of one project: triangulation, filter, scaling, kinematics."""

import json
from pathlib import Path

import matplotlib

# Pose2Sim opens windows unless the drawing library is told before its import.
matplotlib.use("Agg")

from Pose2Sim.Pose2Sim import Pose2SimPipeline


def main() -> None:
    """Its own default settings, but for those in settings.json."""
    pipeline = Pose2SimPipeline(json.loads(Path("settings.json").read_text()))
    pipeline.triangulation()
    pipeline.filtering()
    pipeline.kinematics()


if __name__ == "__main__":
    main()
