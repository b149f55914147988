#!/usr/bin/env python3
"""Compiles and runs what the README and the other pages show.

Usage: readme_test.py SOURCE_DIR [--psad FILE] -- COMPILER FLAG...

- The first ```cpp block is examples/quickstart.cpp, character by character; another test runs that.
- Any other ```cpp block of the README is compiled, and those of docs/*.md that have a mark. The line above says how:
  "<!-- declarations -->", or "<!-- inside: SIGNATURE -->" for statements of a function.
- A ```sh block below the line "<!-- run -->" is run, page after page in one folder, with the folder of FILE (the
  command line program) first in PATH; without FILE such blocks are left out.
- Links of all pages to files of the repository lead somewhere.
"""

import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

BLOCK = re.compile(r"(?:^<!-- (?P<mark>[^\n]+) -->\n)?^```(?P<kind>\w+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)#\s]+)[^)]*\)")


class Failed(Exception):
    pass


def run(command: list[str], folder: pathlib.Path, what: str, **more) -> str:
    start = time.monotonic()
    try:
        result = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=240, **more)
    except subprocess.TimeoutExpired as e:
        raise Failed(f"{what}: not done after {e.timeout:.0f} s") from e
    if result.returncode != 0:
        raise Failed(f"{what} failed with {result.returncode}:\n{result.stdout[-2000:]}{result.stderr[-6000:]}")
    print(f"{what}: good ({time.monotonic() - start:.1f} s)")
    return result.stdout


def fragments(blocks: list[dict]) -> str:
    """One source file that holds all blocks without a main function, each in a namespace of its own."""
    out = ["#include <psad/psad.hpp>", "#include <psad/serve/request_json.hpp>"]
    for number, block in enumerate(blocks):
        mark = block["mark"] or ""
        out.append(f"namespace block_{number} {{  // {block['place']}")
        if mark == "declarations":
            out.append(block["text"])
        elif mark.startswith("inside: "):
            out.append(f"{mark.removeprefix('inside: ')} {{\n{block['text']}}}")
        else:
            raise Failed(f"{block['place']}: a C++ block without main wants '<!-- declarations -->' or "
                         "'<!-- inside: SIGNATURE -->' on the line above")
        out.append("}")
    return "\n".join(out) + "\n"


def blocks_of(page: pathlib.Path, source: pathlib.Path) -> list[dict]:
    name, text = page.relative_to(source).as_posix(), page.read_text(encoding="utf-8")
    blocks = [m.groupdict() | {"place": f"{name}:{text.count(chr(10), 0, m.start('kind')) + 1}"}
              for m in BLOCK.finditer(text)]
    if len(blocks) * 2 != len(re.findall(r"^```", text, re.MULTILINE)):
        raise Failed(f"{name}: a block that is not ```KIND ... ```")
    return blocks


def check_links(source: pathlib.Path, docs: list[pathlib.Path]) -> None:
    pages = [source / name for name in ("README.md", "CONTRIBUTING.md", "AGENTS.md", "CHANGELOG.md")] + docs
    for page in pages:
        prose = re.sub(r"^```.*?^```$|`[^`\n]*`", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
        for target in LINK.findall(prose):
            if not re.match(r"[a-z]+:", target) and not (page.parent / target).exists():
                raise Failed(f"{page.relative_to(source)}: there is no {target}")
    print(f"links of {len(pages)} pages: good")


def check(source: pathlib.Path, psad: str, compiler: list[str]) -> None:
    docs = sorted((source / "docs").glob("*.md"))
    blocks = blocks_of(source / "README.md", source)
    cpp = [block for block in blocks if block["kind"] == "cpp"]
    if not cpp or cpp[0]["text"] != (source / "examples/quickstart.cpp").read_text(encoding="utf-8"):
        raise Failed("README.md: the first C++ block is not examples/quickstart.cpp")
    of_docs = [block for page in docs for block in blocks_of(page, source) if block["mark"]]
    blocks += of_docs
    cpp += [block for block in of_docs if block["kind"] == "cpp"]
    rest = cpp[1:]
    check_links(source, docs)

    with tempfile.TemporaryDirectory() as name:
        work = pathlib.Path(name)
        for part in ("data", "examples", "include", "scripts"):  # what commands and programs may name
            (work / part).symlink_to(source / part)
        (work / "fragments.cpp").write_text(fragments(rest), encoding="utf-8")
        run([*compiler, "-fsyntax-only", "fragments.cpp"], work, f"{len(rest)} fragments, compiled")
        marked = [block for block in blocks if block["kind"] == "sh" and block["mark"] == "run"]
        if not psad:
            print(f"{len(marked)} blocks of commands left out: no psad program given")
            return
        path = os.path.dirname(os.path.abspath(psad)) + os.pathsep + os.environ["PATH"]
        for block in marked:
            what = f"commands at {block['place']}"
            bash = ["bash", "-e", "-u", "-o", "pipefail", "-c", block["text"]]
            output = run(bash, work, what, env=os.environ | {"PATH": path})
            if '"error"' in output:  # the answer to a request that is none
                raise Failed(f"{what}: {output}")


def main() -> int:
    words = sys.argv[1:]
    if words.count("--") != 1 or words[0] == "--":
        print(__doc__)
        return 2
    own, compiler = words[: words.index("--")], words[words.index("--") + 1 :]
    if len(own) not in (1, 3) or own[1:2] not in ([], ["--psad"]):
        print(__doc__)
        return 2
    try:
        check(pathlib.Path(own[0]).resolve(), own[2] if len(own) == 3 else "", compiler)
    except Failed as e:
        print(e)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
