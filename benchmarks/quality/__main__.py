"""How good psad's models are: runs comparisons, draws their reports, keeps the figures of docs/results.md.

Each command is a module beside this file; what it needs (matplotlib, xgboost) is imported once it is chosen.
"""

import argparse
import importlib
import subprocess
import sys
from pathlib import Path

from common import build_path


BUILT = {
    "psad-compare": build_path("benchmarks/quality/psad-compare"),
    "psad": build_path("tools/psad/psad"),
    "world-effects": build_path("benchmarks/quality/world-effects"),
}


def add_program(command, name):
    command.add_argument("--program", type=lambda text: Path(text).resolve(), default=BUILT[name],
                         help=f"{name} (default: %(default)s)")


def results_arguments(command):
    command.add_argument("--data", type=Path, help="folder of the real data sets; without it they are left out")
    add_program(command, "psad-compare")
    what = command.add_mutually_exclusive_group()
    what.add_argument("--text-only", action="store_true", help="run nothing: write what docs/results holds")
    what.add_argument("--check", action="store_true",
                      help="run and write nothing: fail if docs/results.md says something else")
    command.add_argument("names", nargs="*", metavar="NAME", help="data sets and comparisons to run; all if absent")


def report_arguments(command):
    command.add_argument("json", type=Path, help="what psad-compare --json wrote")
    command.add_argument("folder", type=Path, help="gets report.html, which stands alone, and report.md with its plots")


def seeds_arguments(command):
    command.add_argument("data", type=Path, help="folder of lists")
    command.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3], help="default: 1 2 3")
    command.add_argument("--name", default="", help="figures go to build/quality/DATA-NAME, not DATA")
    add_program(command, "psad")
    command.epilog = "What follows -- goes to psad train, such as: -- --variant no-match"


def table_arguments(command):
    command.add_argument("folder", type=Path, help="such as build/quality/movietweetings-ci")
    command.add_argument("--split", default="test", choices=["valid", "test"])
    command.add_argument("--seeds", type=int, nargs="+", help="all that are there, if absent")
    command.add_argument("--into", type=Path, metavar="FILE.md", help="write into its block `seeds of FOLDER`")


def lambdamart_arguments(command):
    command.add_argument("data", type=Path, help="folder of lists")
    command.add_argument("orders", type=Path, help="file to write, for psad-compare --orders")
    command.add_argument("--one-setting", action="store_true", help="train with one setting instead of the grid")
    add_program(command, "psad")


def world_picture_arguments(command):
    command.add_argument("svg", type=Path, help="file to write, such as docs/world.svg")
    add_program(command, "world-effects")


def files_arguments(command):
    command.add_argument("data", type=Path, help="folder of the data sets")
    command.add_argument("names", nargs="*", metavar="NAME", help="sets to run; all if absent")
    command.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3], help="default: 1 2 3")
    command.add_argument("--jobs", type=int, default=2, help="trainings at a time (default: %(default)s)")
    command.add_argument("--keep", action="store_true",
                         help="write the figures to docs/results, where the command results finds them")
    add_program(command, "psad")
    command.epilog = "What follows -- goes to psad train, beside which then nothing else is trained"


def convert_lists_arguments(command):
    command.add_argument("data", type=Path, help="folder in the format psad-lists-1, such as data/movietweetings-ci")
    command.add_argument("out", type=Path, help="folder to write to")


def sweep_arguments(command):
    command.add_argument("data", type=Path, help="folder of the data sets")
    command.add_argument("names", nargs="*", metavar="NAME", help="sets to run; all if absent")
    command.add_argument("--settings", nargs="+", required=True, metavar="NAME=FLAGS",
                         help="flags of psad train by a name, such as default= or 'decay=--weight-decay 0.3'")
    command.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3], help="default: 1 2 3")
    command.add_argument("--jobs", type=int, default=2, help="trainings at a time (default: %(default)s)")
    add_program(command, "psad")


COMMANDS = {
    "results": (results_arguments, "run the comparisons of docs/results.md and write their figures"),
    "report": (report_arguments, "a page of tables and plots from the JSON of psad-compare"),
    "seeds": (seeds_arguments, "train and evaluate one variant with several seeds; goes on where it was stopped"),
    "table": (table_arguments, "Markdown tables of what the command seeds gathered"),
    "files": (files_arguments, "psad, LambdaMART and baselines on data sets that come as files"),
    "sweep": (sweep_arguments, "train with several settings, and compare them on validation lists"),
    "convert-lists": (convert_lists_arguments, "write a folder of lists as JSON Lines, by titles where it has them"),
    "lambdamart": (lambdamart_arguments, "train LambdaMART on what models read, and write its orders"),
    "world-picture": (world_picture_arguments, "draw how much order, history and fading matter in the world"),
}


def main():
    words = sys.argv[1:]
    cut = words.index("--") if "--" in words else len(words)
    description = __doc__.split("\n\n", maxsplit=1)[0]
    parser = argparse.ArgumentParser(prog="python3 benchmarks/quality", description=description)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, (add_arguments, text) in COMMANDS.items():
        add_arguments(commands.add_parser(name, help=text, description=text[0].upper() + text[1:] + "."))
    options = parser.parse_args(words[:cut])
    options.train_arguments = words[cut + 1 :]
    if options.train_arguments and options.command not in ("seeds", "files"):
        parser.error(f"found -- {options.train_arguments[0]}, wanted it after the commands seeds and files alone")
    try:
        return importlib.import_module(options.command.replace("-", "_")).run(options)
    except subprocess.CalledProcessError as problem:
        return f"{options.command}: {problem.cmd[0]} failed with {problem.returncode}"
    except (OSError, ValueError) as problem:
        return f"{options.command}: {problem}"


if __name__ == "__main__":
    sys.exit(main())
