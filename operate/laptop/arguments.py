"""The arguments of the verbs for this machine."""

from argparse import ArgumentParser, ArgumentTypeError

from operate.arguments import path


def add_own_model(parser: ArgumentParser) -> None:
    """Add the file that is served in place of the packaged model, and what it is served as."""
    parser.add_argument(
        "--model", type=path, metavar="FILE", help="your own GGUF file (the default: SmolLM2)"
    )
    parser.add_argument(
        "--entry",
        metavar="MODEL_ID",
        help="the model of the catalog that the file is (the default: mistral-7b-instruct)",
    )


def add_time_scale(parser: ArgumentParser) -> None:
    """Add how many seconds of AWS's pass in one."""
    parser.add_argument(
        "--time-scale",
        type=_time_scale,
        default=20,
        metavar="FACTOR",
        help="how many of AWS's seconds pass in one second, from 1 to 60 (the default: 20)",
    )


def add_conversion(parser: ArgumentParser) -> None:
    """Add the checkpoint, the file to write, and how its numbers are written."""
    parser.add_argument("--from", dest="source", type=path, metavar="FOLDER", help="the checkpoint")
    parser.add_argument("--to", dest="target", type=path, metavar="FILE", help="a new .gguf file")
    parser.add_argument(
        "--kind",
        choices=("F16", "Q8_0", "Q4_0"),
        default="Q8_0",
        help="how the weights are written (the default: Q8_0, one byte each)",
    )


def _time_scale(text: str) -> int:
    if not (text.isdecimal() and 1 <= int(text) <= 60):  # noqa: PLR2004 - a minute in a second
        raise ArgumentTypeError(f"must be a whole number from 1 to 60, got {text!r}")
    return int(text)
