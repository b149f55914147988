#!/usr/bin/env python3
"""Checks the order of psad's rooms (the folders under include/psad).

Usage: layering_check.py INCLUDE_DIR

A header includes only headers of its own or an earlier room, each included file of psad exists, heavy
libraries stay where they belong, and no header is longer than 350 lines.
"""

import pathlib
import re
import sys

ROOMS = ["core", "backend", "autograd", "nn", "input", "model", "data", "world", "eval", "train", "io", "serve"]
LONGEST = 350

# What an include of another library looks like, and the folders that may have it.
LIBRARIES = [
    ("Eigen", r"(unsupported/)?Eigen/", ["backend/cpu"]),
    ("TBB", r"(oneapi/)?tbb[/.]", ["backend/cpu", "backend/thrust"]),
    ("Thrust or CUDA", r"(thrust|cub|cuda|cublas)[/_]", ["backend/thrust"]),
    ("xtensor", r"(xtensor|xtl|xsimd)[/-]", ["data", "world", "eval"]),
    ("nlohmann", r"nlohmann/", ["io", "serve"]),
    ("zlib", r"zlib\.h|zconf\.h", ["data", "io"]),
    ("a library of the tests or the command line", r"(fmt|CLI|doctest|benchmark)/", []),
]
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')


def room_of(header: str) -> int:
    """The rank of a header like "psad/core/error.hpp"; one directly in psad/ stands above all rooms."""
    parts = header.split("/")
    return ROOMS.index(parts[1]) if len(parts) > 2 else len(ROOMS)


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
    if room_of(target) > room_of(header):
        return f"includes {target}, which lies in a later room"
    return ""


def check_header(root: pathlib.Path, header: str) -> list[str]:
    parts = header.split("/")
    if len(parts) > 2 and parts[1] not in ROOMS:
        return [f"{header}: {parts[1]} is none of the rooms {', '.join(ROOMS)}"]
    lines = (root / header).read_text(encoding="utf-8").splitlines()
    faults = []
    if len(lines) > LONGEST:
        faults.append(f"{header}: {len(lines)} lines, more than {LONGEST}: one file, one idea")
    for number, line in enumerate(lines, start=1):
        if found := INCLUDE.match(line):
            if fault := check_include(root, header, *found.groups()):
                faults.append(f"{header}:{number}: {fault}")
    return faults


def main() -> int:
    root = pathlib.Path(sys.argv[1]).resolve()
    files = (path for path in (root / "psad").rglob("*") if path.is_file())
    headers = sorted(path.relative_to(root).as_posix() for path in files)
    if not headers:
        print(f"no headers under {root}/psad")
        return 1
    faults = [fault for header in headers for fault in check_header(root, header)]
    print("\n".join(faults) or f"{len(headers)} headers are in order")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
