"""Where the authors' program looks for what; their repository is zylinilyz/3D-Kinematics-Estimation-with-Biomechanical-Model."""

from dataclasses import dataclass
from pathlib import Path

SHAPE = "bmiORI"
"""Their folder of a subject's own shape; variants of ours are subjects of their own."""
SHAPE_NUMBER = 2
SOURCE, LABELS = "train_data", "train_data_yolo"


@dataclass(frozen=True)
class AuthorsClip:
    """A clip in their layout, whose names hold no underscore.

    Attributes:
        root: their data folder.
        subject, action: of the clip.
    """

    root: Path
    subject: str
    action: str

    @property
    def name(self) -> str:
        """Subject and action as they stand in file names."""
        return f"{self.subject}_{self.action}"

    def video(self, camera: str) -> Path:
        """A camera's video."""
        return self.root / SOURCE / "video" / self.subject / SHAPE / f"{self.name}_{camera}.mp4"

    @property
    def cameras(self) -> Path:
        """Both cameras."""
        return self.video("front").with_name(f"{self.name}_camera_info.npy")

    @property
    def generic(self) -> Path:
        """The generic model."""
        return self.root / SOURCE / "opensim_data" / "generic.osim"

    @property
    def model(self) -> Path:
        """The subject's model."""
        return self.generic.parent / self.subject / f"{self.subject}.osim"

    @property
    def motion(self) -> Path:
        """The motion; any folder below the subject's will do for their program."""
        return self.model.parent / "ik" / f"{self.name}_rad.mot"

    def coordinates(self, frame: int) -> Path:
        """The label of a frame: 39 coordinates in their frame."""
        return self.root / LABELS / "coords" / f"{self.name}_{SHAPE_NUMBER}" / f"frame_{frame}_coords.npy"

    def points(self, frame: int) -> Path:
        """The label of a frame: 44 key points in their frame."""
        return self.root / LABELS / "points" / f"{self.name}_{SHAPE_NUMBER}" / f"frame_{frame}_joint_points.npy"

    @property
    def scales(self) -> Path:
        """The label of a subject: 22 × 3 scale factors."""
        return self.root / LABELS / "scales" / self.subject / "body_scales.npy"


def find_clips(root: Path) -> list[AuthorsClip]:
    """The clips of a data folder, by their front videos; other shapes of a subject would bear the same names."""
    ending = "_front.mp4"
    videos = sorted((root / SOURCE / "video").glob(f"*/{SHAPE}/*_*{ending}"))
    names = [video.name.removesuffix(ending).split("_", 1) for video in videos]
    return [AuthorsClip(root, subject, action) for subject, action in names]
