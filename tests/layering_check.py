#!/usr/bin/env python3
"""Checks the order of psad's folders: those under include/psad, and the programs beside them.

Usage: layering_check.py PROJECT_DIR

A header includes only headers of its own or an earlier folder, each included file of psad exists, other
libraries stay where they belong, no header is longer than 350 lines and no function than 80.
"""

import pathlib
import re
import sys

FOLDERS = [
    "core", "backend", "autograd", "nn", "features", "model", "model_file",
    "data", "simulator", "eval", "train", "serve",
]
LONGEST = 350
LONGEST_FUNCTION = 80

# What an include of another library looks like, and the folders that may have it.
LIBRARIES = [
    ("Eigen", r"(unsupported/)?Eigen/", ["backend/cpu"]),
    ("TBB", r"(oneapi/)?tbb[/.]", ["backend/cpu", "backend/thrust"]),
    ("Thrust or CUDA", r"(thrust|cub|cuda|cublas)[/_]", ["backend/thrust"]),
    ("xtensor", r"(xtensor|xtl|xsimd)[/-]", ["data"]),
    ("simdjson", r"simdjson", ["data"]),
    ("nlohmann", r"nlohmann/", ["model_file"]),
    ("zlib", r"zlib\.h|zconf\.h", ["data", "model_file"]),
    ("fast_float", r"fast_float/", ["data"]),
    ("a library of the tests or the command line", r"(fmt|CLI|doctest|benchmark)/", []),
]
# Folders of programs, and those whose headers they share.
PROGRAMS = {
    "tools/common": [],
    "tools/psad": ["tools/common"],
    "examples": [],
    "benchmarks": [],
    "benchmarks/devices": ["benchmarks"],
    "benchmarks/peers": ["benchmarks"],
    "benchmarks/quality": ["tools/common"],
}
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')


def rank_of(header: str) -> int:
    """The rank of a header like "psad/core/error.hpp"; one directly in psad/ stands above all folders."""
    parts = header.split("/")
    return FOLDERS.index(parts[1]) if len(parts) > 2 else len(FOLDERS)


def check_include(root: pathlib.Path, header: str, quote: str, name: str) -> str:
    """What is wrong with `header` including `name`, or nothing."""
    beside = (root / header).parent / name
    if quote == '"' and beside.is_file():
        target = beside.resolve().relative_to(root).as_posix()
    elif quote == '"' or name.startswith("psad/"):
        target = name
        if not (root / name).is_file():
            return f"includes {name}, which does not exist"
    else:
        folder = header.removeprefix("psad/")
        for library, pattern, homes in LIBRARIES:
            if re.match(pattern, name) and not any(folder.startswith(home + "/") for home in homes):
                return f"includes <{name}>: {library} belongs in {' and '.join(homes) or 'no header'}"
        return ""
    if rank_of(target) > rank_of(header):
        return f"includes {target}, which lies in a later folder"
    return ""


def check_header(root: pathlib.Path, header: str) -> list[str]:
    parts = header.split("/")
    if len(parts) > 2 and parts[1] not in FOLDERS:
        return [f"{header}: {parts[1]} is none of the folders {', '.join(FOLDERS)}"]
    lines = (root / header).read_text(encoding="utf-8").splitlines()
    faults = []
    if len(lines) > LONGEST:
        faults.append(f"{header}: {len(lines)} lines, more than {LONGEST}: one file, one idea")
    for number, line in enumerate(lines, start=1):
        if found := INCLUDE.match(line):
            if fault := check_include(root, header, *found.groups()):
                faults.append(f"{header}:{number}: {fault}")
    return faults + check_functions(header, lines)


def check_functions(header: str, lines: list[str]) -> list[str]:
    """Bodies that are too long. The sources are formatted: a body ends where a brace has its indent again."""
    faults, opened = [], []
    for number, line in enumerate(lines, start=1):
        indent = len(line) - len(line.lstrip())
        if line.lstrip().startswith("}"):
            while opened and opened[-1][0] >= indent:
                begin_indent, begin = opened.pop()
                if begin_indent == indent and number - begin >= LONGEST_FUNCTION:
                    length = number - begin + 1
                    faults.append(f"{header}:{begin}: a function of {length} lines, more than {LONGEST_FUNCTION}")
        if line.endswith("{") and ")" in line and not re.match(r"\s*(namespace|class|struct|union|enum)\b", line):
            opened.append((indent, number))
    return faults


def check_program(root: pathlib.Path, folder: str, shared: list[str]) -> list[str]:
    """A program includes psad's headers, its own and those of the shared folders, each of which exists."""
    faults = []
    for path in sorted((root / folder).glob("*")):
        if path.suffix not in (".hpp", ".cpp", ".cu"):
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
            found = INCLUDE.match(line)
            if not found or (found[1] == "<" and not found[2].startswith("psad/")):
                continue
            homes = ["include"] if found[2].startswith("psad/") else [folder, *shared]
            if not any((root / home / found[2]).is_file() for home in homes):
                faults.append(f"{folder}/{path.name}:{number}: includes {found[2]}, which is not in {' or '.join(homes)}")
    return faults


def main() -> int:
    project = pathlib.Path(sys.argv[1]).resolve()
    root = project / "include"
    files = (path for path in (root / "psad").rglob("*") if path.is_file())
    headers = sorted(path.relative_to(root).as_posix() for path in files)
    if not headers:
        print(f"no headers under {root}/psad")
        return 1
    faults = [fault for header in headers for fault in check_header(root, header)]
    for folder, shared in PROGRAMS.items():
        faults += check_program(project, folder, shared)
    print("\n".join(faults) or f"{len(headers)} headers and {len(PROGRAMS)} folders of programs are in order")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
