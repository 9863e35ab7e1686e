from pathlib import Path

import numpy as np
import pytest

from odah_gen.errors import InputError
from odah_gen.storage import atomic, read_json, read_npz, remove_leftovers, write_json, write_npz


def test_a_failed_write_keeps_the_old_file_and_leaves_nothing(tmp_path: Path):
    path = tmp_path / "a.json"
    write_json(path, {"kept": 1})

    def write_half() -> None:
        with atomic(path) as temporary:
            temporary.write_text("half")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write_half()
    assert read_json(path) == {"kept": 1}
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.json"]


def test_arrays_come_back_as_they_were(tmp_path: Path):
    arrays = {"x": np.arange(6.0).reshape(2, 3), "names": np.array(["a", "bc"]), "flag": np.array([True])}
    write_npz(tmp_path / "a.npz", **arrays)
    back = read_npz(tmp_path / "a.npz", ["x"])
    assert all(np.array_equal(back[name], arrays[name]) and back[name].dtype == arrays[name].dtype for name in arrays)


def test_a_missing_array_is_named(tmp_path: Path):
    write_npz(tmp_path / "a.npz", x=np.zeros(2))
    with pytest.raises(InputError, match=r"lacks poses; it has x"):
        read_npz(tmp_path / "a.npz", ["x", "poses"])


def test_objects_are_neither_written_nor_read(tmp_path: Path):
    objects = np.array([{"a": 1}], dtype=object)
    with pytest.raises(TypeError, match="pickle"):
        write_npz(tmp_path / "a.npz", x=objects)
    np.savez(tmp_path / "b.npz", x=objects)
    with pytest.raises(InputError, match="Python objects"):
        read_npz(tmp_path / "b.npz")


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 cut short", b"no archive at all"])
def test_a_broken_archive_is_one_sentence(tmp_path: Path, content: bytes):
    path = tmp_path / "broken.npz"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"broken\.npz"):
        read_npz(path)


def test_an_unwritable_folder_is_one_sentence(tmp_path: Path):
    (tmp_path / "file").write_text("a file where a folder should be")
    with pytest.raises(InputError, match="cannot be written"):
        write_json(tmp_path / "file" / "a.json", {})


def test_leftovers_of_killed_jobs_are_removed_and_nothing_else(tmp_path: Path):
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / ".front.123.part.mp4").write_text("half")
    (tmp_path / "deep" / "front.mp4").write_text("whole")
    (tmp_path / ".lock").touch()
    assert remove_leftovers(tmp_path) == 1
    assert sorted(entry.name for entry in tmp_path.rglob("*")) == [".lock", "deep", "front.mp4"]
