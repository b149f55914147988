"""What the commands share: tables, figures in a text, files, packages of another python."""

import importlib
import os
import platform
import queue
import re
import sys
import threading
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
DEBIAN = "/usr/bin/python3"


def build_path(program):
    """A program of the preset "release"."""
    return ROOT / "build" / "release" / program


def package(name, debian):
    """The imported package. Debian's belongs to Debian's python: if this one lacks it, starts again with that."""
    try:
        return importlib.import_module(name)
    except ImportError:
        if os.path.exists(DEBIAN) and os.path.realpath(sys.executable) != os.path.realpath(DEBIAN):
            os.execv(DEBIAN, [DEBIAN, *sys.argv])
        sys.exit(f"{sys.argv[0]}: found no {name}, wanted Debian's {debian} or another")


def markdown(rows):
    """A table as text; the first row is its head."""
    lines = ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]
    lines.insert(1, "| " + " | ".join(["---"] + ["---:"] * (len(rows[0]) - 1)) + " |")
    return "\n".join(lines)


def with_figures(text, name, figures):
    """The text with other figures between <!-- figures: NAME --> and <!-- end of figures -->."""
    begin, end = f"<!-- figures: {name} -->", "<!-- end of figures -->"
    pattern = re.compile(re.escape(begin) + ".*?" + re.escape(end), re.DOTALL)
    found = pattern.findall(text)
    if len(found) != 1 or found[0].count("<!-- figures: ") != 1:
        raise ValueError(f"found {len(found)} blocks from {begin} to {end}, wanted one, and no other block in it")
    return pattern.sub(lambda _: f"{begin}\n\n{figures}\n\n{end}", text)


def write_whole(path, text):
    """The file as a whole or not at all."""
    part = path.with_name(path.name + ".part")
    try:
        part.write_text(text, encoding="utf-8")
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def processor():
    """Its name, as figures tell it."""
    try:
        found = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(encoding="utf-8"), re.MULTILINE)
    except OSError:
        found = None
    return found[1].strip() if found else platform.machine()


def work_off(jobs, workers):
    """Calls each (function, arguments), so many at a time; stops at the first failure and throws it."""
    waiting, failures = queue.Queue(), []
    for job in jobs:
        waiting.put(job)

    def work():
        while not failures:
            try:
                function, arguments = waiting.get_nowait()
            except queue.Empty:
                return
            try:
                function(*arguments)
            except Exception as problem:  # pylint: disable=broad-except  # whatever it is, it must not be lost
                failures.append(problem)

    threads = [threading.Thread(target=work) for _ in range(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
