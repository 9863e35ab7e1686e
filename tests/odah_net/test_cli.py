"""The command line says what it needs."""

import pytest

from odah_net.cli import COMMANDS, main


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command, capsys):
    with pytest.raises(SystemExit) as stop:
        main([command, "--help"])
    assert stop.value.code == 0
    assert f"odah-net {command}" in capsys.readouterr().out


def test_describe_prints_the_published_parameters_and_operations(capsys):
    main(["describe", "--config", "paper"])
    printed = capsys.readouterr().out.split()
    assert {"17,437,068", "13,615,241", "201.7", "33.1"} <= set(printed)


def test_a_missing_data_set_is_one_sentence(tmp_path, capsys):
    with pytest.raises(SystemExit) as stop:
        main(["train", "--data", str(tmp_path), "--out", str(tmp_path / "out")])
    assert stop.value.code == 2
    assert capsys.readouterr().err.startswith(f"odah-net: {tmp_path}: is no data set")
