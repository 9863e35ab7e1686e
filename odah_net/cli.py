"""The `odah-net` command: one sub-command per task, each a plain function of paths and options."""

from collections.abc import Sequence

from odah_gen.command_line import Command, Program, run_program

COMMANDS = {
    "describe": Command("odah_net.describe_command", "print the size of a network and what it computes"),
    "train": Command("odah_net.training.command", "train a network on an exported data set"),
    "ablate": Command("odah_net.training.ablate_command", "train and evaluate with less data or fewer losses"),
    "evaluate": Command("odah_net.evaluation.command", "hold a trained network against the labels of a data set"),
    "baseline": Command("odah_net.baseline.command", "hold established methods against the labels of a data set"),
    "convert": Command("odah_net.convert.command", "to and from the layout that the paper authors' program reads"),
    "predict": Command("odah_net.predict.command", "joint angles of a person from two videos"),
}

PROGRAM = Program(
    name="odah-net",
    description="Two videos in; joint angles and body scales out.",
    commands=COMMANDS,
    stopped="stopped; what was saved last is whole.",
)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one sub-command; a user's mistake gives one sentence and exit code 2."""
    run_program(PROGRAM, arguments)


if __name__ == "__main__":
    main()
