"""A network of one's own finds the person; without onnxruntime one sentence says what to install."""

import sys

import numpy as np
import pytest

from odah_gen.dataset.video import read_frames
from odah_gen.errors import InputError
from odah_net.cli import main
from odah_net.configuration import VIEWS
from odah_net.predict.recording import open_recording
from odah_net.predict.segmenter import Segmenter


def brighter_than(path, level, size=("H", "W"), channels=3, sigmoid=True):
    """A network whose answer is above 0.5 where the mean of the colours exceeds `level`."""
    import onnx

    helper, kind = onnx.helper, onnx.TensorProto.FLOAT
    weight = np.full((1, channels, 1, 1), 200.0 / channels, dtype=np.float32)
    tensors = [
        helper.make_tensor("weight", kind, weight.shape, weight.ravel()),
        helper.make_tensor("bias", kind, [1], [-200.0 * level]),
    ]
    nodes = [helper.make_node("Conv", ["picture", "weight", "bias"], ["scores" if sigmoid else "person"])]
    if sigmoid:
        nodes.append(helper.make_node("Sigmoid", ["scores"], ["person"]))
    graph = helper.make_graph(
        nodes,
        "brighter",
        [helper.make_tensor_value_info("picture", kind, ["N", channels, *size])],
        [helper.make_tensor_value_info("person", kind, ["N", 1, *size])],
        tensors,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, str(path))
    return path


@pytest.fixture
def files(drawn):
    folder = drawn / "clips" / "s02-waving-00"
    videos = {camera: folder / f"{camera}.mp4" for camera in VIEWS}
    return videos, folder / "cameras.json", {camera: folder / f"{camera}_mask.mkv" for camera in VIEWS}


@pytest.mark.segmenter
def test_its_masks_are_where_its_answer_says(tmp_path):
    pictures = np.random.default_rng(0).integers(0, 256, (5, 12, 16, 3), dtype=np.uint8)
    found = Segmenter(brighter_than(tmp_path / "net.onnx", 0.5)).masks(pictures)
    assert np.array_equal(found, pictures.mean(-1) > 127.5)


@pytest.mark.segmenter
def test_a_network_of_fixed_size_gets_and_gives_resized_pictures(tmp_path):
    pictures = np.zeros((2, 40, 60, 3), dtype=np.uint8)
    pictures[:, 10:30, 15:45] = 255
    found = Segmenter(brighter_than(tmp_path / "net.onnx", 0.5, size=(20, 30))).masks(pictures)
    assert found.shape == (2, 40, 60)
    assert (found != (pictures[..., 0] > 0)).mean() < 0.05


@pytest.mark.segmenter
def test_a_prediction_takes_its_masks_as_given_ones(trained, files, tmp_path, capsys):
    videos, cameras, _masks = files
    network = brighter_than(tmp_path / "net.onnx", 0.45)
    recording = open_recording(videos, cameras, segmenter=Segmenter(network))
    pictures = np.stack(list(read_frames(videos["front"])))
    masks = np.stack([mask for _, mask in recording.shown("front")])
    assert np.array_equal(masks, pictures.mean(-1) > 0.45 * 255)
    given = ["predict", "--checkpoint", str(trained), "--cameras", str(cameras), "--out", str(tmp_path / "out")]
    main(
        [
            *given,
            *(word for camera in VIEWS for word in (f"--{camera}", str(videos[camera]))),
            "--segmenter",
            str(network),
        ]
    )
    assert "of 40 frames show the person" in capsys.readouterr().out
    assert (tmp_path / "out" / "kinematics.mot").is_file()


@pytest.mark.segmenter
def test_other_networks_are_refused(tmp_path):
    pictures = np.full((1, 8, 8, 3), 255, dtype=np.uint8)
    with pytest.raises(InputError, match=r"float32 \[N, 3, H, W\] was expected"):
        Segmenter(brighter_than(tmp_path / "one.onnx", 0.5, channels=1))
    with pytest.raises(InputError, match="end with a sigmoid"):
        Segmenter(brighter_than(tmp_path / "scores.onnx", 0.5, sigmoid=False)).masks(pictures)
    (tmp_path / "text.onnx").write_text("no network")
    with pytest.raises(InputError, match="is no ONNX network"):
        Segmenter(tmp_path / "text.onnx")
    with pytest.raises(InputError, match="there is no such file"):
        Segmenter(tmp_path / "absent.onnx")


def test_without_onnxruntime_the_sentence_tells_the_cure(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(InputError, match="--with segmenter"):
        Segmenter(tmp_path / "net.onnx")
