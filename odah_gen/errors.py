"""The one exception that stands for a mistake the user can mend."""


class InputError(Exception):
    """Bad input, told in one sentence: file, what is wrong, what was expected, the cure.

    The command line prints the sentence without a traceback and exits with 2.
    """
