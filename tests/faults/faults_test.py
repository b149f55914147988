#!/usr/bin/env python3
"""Makes each call of the programs fail in turn, and looks at what then holds.

Usage: faults_test.py PSAD FAIL_CALLS DATA_FOLDER [--compare PSAD_COMPARE] [options]

FAIL_CALLS is the library of fail_calls.cpp. After every run the target is the old file or the new one as a whole, the
exit code is 1 with one line on standard error unless all was done, nothing temporary is left, and each line that was sent
has an answer. Of allocations the first N (--first) and then every Nth (--every) fail; of other calls every one.
"""

import argparse
import collections
import concurrent.futures
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

KINDS = {
    "open": ["28", "13"], "read": ["5", "4"], "write": ["28", "5", "short", "4"], "rename": ["5"], "fsync": ["5", "22", "4"],
    "close": ["5"], "mkdir": ["28"], "mmap": ["12"], "unlink": ["13"], "fopen": ["24"], "fwrite": ["28"], "fclose": ["28"],
    "thread": ["11"], "memory": ["12"]}
# EINTR, "4", does not come of writing to disks: where zlib writes it may end a command.
HARMLESS = {("write", "short"), ("write", "4"), ("read", "4"), ("fsync", "4"), ("fsync", "22")}

# Its report is made with a library that ends the program where there is no memory at all.
WANT_MEMORY = {"compare"}


def digest(path):
    """Of a file or of a folder with its files; None where there is nothing."""
    if not path.exists():
        return None
    if path.suffix == ".json":  # holds times
        try:
            json.loads(path.read_text())
            return "a whole report"
        except ValueError:
            pass
    files = sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
    return [(str(p.relative_to(path)), hashlib.sha256(p.read_bytes()).hexdigest()) for p in files]


class Command:
    """A command, its standard input, what it writes, and whether that is there before."""

    def __init__(self, words, writes=(), lines=b"", replaces=True):
        self.words, self.writes, self.lines, self.replaces = words, writes, lines, replaces


def commands(options, work):
    """By name; {} stands for the folder of one run."""
    psad, data = options.psad, options.data
    named, model = work / "named.st", work / "model.st"
    small = ["--variant", "small", "--steps", "2", "--batch", "16", "--threads", "1"]
    lists = ["--train", work / "train.jsonl", "--valid", work / "train.jsonl", "--min-count", "2"]
    request = b'{"user":[4,23,7],"context":[3,5],"ts":2000000,"history":[{"item":7,"ts":5}],"candidates":[' + b",".join(
        b'{"item":%d,"score":%d,"aux":1}' % (i, i) for i in range(9)) + b"]}\n"
    of_names = b'{"request_id":"a","user_id":"u1","ts":1700000000,"device":"app","history":[],"candidates":[{"sku":"s1",' \
        b'"price":2,"brand":"b1"},{"sku":"new","price":3,"brand":"x"}]}\n'
    out = {
        "train": Command([psad, "train", "--data", work / "tiny", *small, "--out", "{}/out.st", "--json", "{}/out.json"],
                         ["out.st", "out.json"]),
        "train-files": Command([psad, "train", *lists, *small, "--out", "{}/out.st"], ["out.st"]),
        "train-threads": Command([psad, "train", "--data", work / "tiny", *small[:-1], "4", "--out", "{}/out.st"], ["out.st"]),
        "convert": Command([psad, "convert", work / "train.jsonl", "--out", "{}/folder"], ["folder"], replaces=False),
        "schema": Command([psad, "schema", work / "train.jsonl", "--out", "{}/schema.json"], ["schema.json"]),
        "simulate": Command([psad, "simulate", "--lists", "20", "--valid", "5", "--test", "5", "--threads", "1", "--out",
                             "{}/folder"], ["folder"], replaces=False),
        "encode": Command([psad, "encode", "--model", named, "--test", work / "train.jsonl", "--out", "{}/folder"],
                          ["folder"], replaces=False),
        "evaluate": Command([psad, "evaluate", "--model", named, "--test", work / "train.jsonl", "--per-list",
                             "{}/lists.jsonl"], ["lists.jsonl"]),
        "rerank": Command([psad, "rerank", "--model", model], lines=3 * request),
        "rerank-names": Command([psad, "rerank", "--model", named, "--explain"], lines=3 * of_names),
    }
    if options.compare:
        out["compare"] = Command([options.compare, "--data", work / "tiny", "--models", "prm", "--seeds", "1", "--epochs", "1",
                                  "--threads", "1", "--json", "{}/out.json"], ["out.json"], replaces=False)
    return out


def prepare(options, work):
    rows = [{"request_id": f"r{i}", "user_id": f"u{i % 7}", "ts": 1_700_000_000 + i, "device": "app",
             "candidates": [{"sku": f"s{k}", "price": k + 0.5, "brand": f"b{k % 3}", "label": int(k == i % 5)}
                            for k in range(5)],
             "history": [{"sku": f"s{i % 5}", "ts": 1_600_000_000, "type": "view"}]} for i in range(24)]
    (work / "train.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows))
    run = lambda *words: subprocess.run([options.psad, *map(str, words)], check=True, capture_output=True)
    run("simulate", "--out", work / "tiny", "--lists", 30, "--valid", 10, "--test", 10, "--threads", 1)
    small = ["--variant", "small", "--steps", 2, "--batch", 16, "--threads", 1]
    run("train", "--data", options.data, *small, "--out", work / "model.st")
    run("train", "--train", work / "train.jsonl", "--valid", work / "train.jsonl", *small, "--min-count", 2, "--out",
        work / "named.st")


def run_once(options, command, kind, at, how, work):
    """Runs with one failure; what happened, as a tuple of words, and the number of calls of the kind."""
    folder = Path(tempfile.mkdtemp(dir=work))
    for name in command.writes if command.replaces else []:
        (folder / name).write_bytes(OLD)
    log = folder.parent / (folder.name + ".log")
    words = [str(w).replace("{}", str(folder)) for w in command.words]
    environment = dict(os.environ, LD_PRELOAD=options.fail_calls, PSAD_FAIL=kind, PSAD_FAIL_AT=str(at), PSAD_FAIL_HOW=how,
                       PSAD_FAIL_LOG=str(log))
    if options.persistent:
        environment["PSAD_FAIL_ALL"] = "1"
    try:
        done = subprocess.run(words, input=command.lines, env=environment, capture_output=True, timeout=120, check=False)
        code, said, answers = done.returncode, done.stderr.decode(errors="replace"), done.stdout
    except subprocess.TimeoutExpired:
        code, said, answers = "hangs", "", b""
    logged = log.read_text().split() if log.exists() else ["calls", "0"]
    targets = [digest(folder / name) for name in command.writes]
    replaced = [p for p in folder.rglob("*") if ".psad-" in p.name or p.name.endswith(".tmp")]
    # What is said of the data is no complaint.
    said = "\n".join(line for line in said.splitlines() if line.startswith("psad") and ": note: " not in line or code != 0)
    if command.words[1] == "schema" and code == 1:  # its table is no complaint, either
        said = said.splitlines()[-1]
    lines = "nothing" if not said else "one line" if re.fullmatch(r"psad[a-z-]*: [^\n]*", said) else "WORDS: " + said[:200]
    shutil.rmtree(folder)
    log.unlink(missing_ok=True)
    return code, lines, targets, len(replaced), "hit" in logged, int(logged[1]), answers


def judge(name, command, clean, found, kind, how):
    """What is wrong with a run, or nothing; and how it ended."""
    code, lines, targets, left, hit, _, answers = found
    good_targets, good_answers = clean
    old = OLD_DIGEST if command.replaces else None
    if left:
        return "temporary files are left", ""
    if code not in (0, 1):
        return f"exit code {code}", ""
    for target, after in zip(targets, good_targets):
        if target not in (old, after):
            return "a target that is neither old nor new", ""
    if not hit:
        return ("" if code == 0 else f"exit code {code} without a failure", "untouched")
    if lines.startswith("WORDS"):
        return lines, ""
    if code == 1 and lines != "one line":
        return "exit code 1 without a line", ""
    if code == 0 and lines != "nothing":
        return f"exit code 0 and {lines}", ""
    if code == 0 and any(t != g for t, g in zip(targets, good_targets)):
        return "exit code 0 without the new file", ""
    if (kind, how) in HARMLESS and code != 0 and (name, how) != ("simulate", "4"):
        return f"no reason to fail: {lines}", ""
    if command.lines:
        sent, got = command.lines.count(b"\n"), answers.count(b"\n")
        if code == 0 and got != sent:
            return f"{got} answers to {sent} lines", ""
        for line in answers.splitlines():
            answer = json.loads(line)
            if "error" not in answer and line not in good_answers.splitlines():
                return f"a wrong answer: {line[:100]}", ""
    return "", "done all the same" if code == 0 else "refused"


OLD = b"OLD" * 1000
OLD_DIGEST = [(".", hashlib.sha256(OLD).hexdigest())]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("psad")
    parser.add_argument("fail_calls")
    parser.add_argument("data")
    parser.add_argument("--compare", default="")
    parser.add_argument("--every", type=int, default=5999)
    parser.add_argument("--first", type=int, default=5)
    parser.add_argument("--command", default="", help="this one alone")
    parser.add_argument("--kind", default="", help="of calls: this one alone")
    parser.add_argument("--persistent", action="store_true", help="all calls from the failing one on fail, too")
    parser.add_argument("--thorough", action="store_true", help="each call in each way; else each call in one")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    options = parser.parse_args()
    options.fail_calls = str(Path(options.fail_calls).resolve())
    work = Path(tempfile.mkdtemp(prefix="psad-faults-"))
    faults = 0
    total = collections.Counter()
    try:
        prepare(options, work)
        for name, command in commands(options, work).items():
            if options.command and name != options.command:
                continue
            for kind, ways in KINDS.items():
                if (options.kind and kind != options.kind) or (kind == "thread") != (name == "train-threads"):
                    continue
                if kind == "memory" and options.persistent and name in WANT_MEMORY:
                    continue
                for how in ways if options.thorough else ways[:1]:
                    found = run_once(options, command, kind, 0, how, work)
                    assert found[0] == 0, (name, kind, found)
                    clean, calls = (found[2], found[6]), found[5]
                    numbers = range(1, calls + 1)
                    if kind == "memory":
                        numbers = [k for k in numbers if k <= options.first or k % options.every == 0]
                    ends = collections.Counter()
                    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
                        runs = [(k, pool.submit(run_once, options, command, kind, k, how, work)) for k in numbers]
                        for k, run in runs:
                            wrong, end = judge(name, command, clean, run.result(), kind, how)
                            ends[wrong and "WRONG" or end] += 1
                            if wrong:
                                faults += 1
                                print(f"  {name}, {kind} {k} of {calls} ({how}): {wrong}", flush=True)
                    total.update(ends)
                    text = ", ".join(f"{count} {end}" for end, count in sorted(ends.items()))
                    if ends:
                        print(f"{name}, {kind} ({how}): {len(numbers)} of {calls} calls: {text}", flush=True)
    finally:
        shutil.rmtree(work)
    print(f"{sum(total.values())} runs: " + ", ".join(f"{count} {end}" for end, count in sorted(total.items())))
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
