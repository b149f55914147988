#!/usr/bin/env python3
"""Kills programs that write, at random moments and at calls, and lets two of them write into one target.

Usage: kills_test.py PSAD FAIL_CALLS [KILLS]

KILLS (25) SIGKILLs, a fifth as many SIGTERM and SIGINT, and as many pairs of writers. After each the target is what it was
or a whole new one; SIGTERM and SIGINT end a training within a second, say what is kept, and what is kept is the best so far.
"""

import collections
import concurrent.futures
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PSAD, FAIL_CALLS = sys.argv[1], str(Path(sys.argv[2]).resolve())
KILLS = int(sys.argv[3]) if len(sys.argv) > 3 else 25
OLD = b"OLD" * 1000
CALLS = [("open", 12), ("write", 12), ("rename", 12), ("fsync", 12), ("close", 12)]


def run(words, **more):
    return subprocess.run([str(w) for w in words], capture_output=True, check=False, timeout=120, **more)


def training(data, out, seed=1, epochs=8):
    return [PSAD, "train", "--data", data, "--variant", "small", "--epochs", epochs, "--patience", 0, "--batch", 16,
            "--threads", 1, "--seed", seed, "--out", out]


def simulation(out, seed=1):
    return [PSAD, "simulate", "--lists", 60, "--valid", 5, "--test", 5, "--threads", 1, "--seed", seed, "--out", out]


def files(folder):
    return {p.name: p.read_bytes() for p in folder.iterdir()} if folder.exists() else None


class Kills:
    def __init__(self, work):
        self.work, self.data = work, work / "data"
        assert run(simulation(self.data)).returncode == 0
        self.clean = {}
        for seed in (1, 2):
            out = work / f"clean-{seed}"
            start = time.monotonic()
            done = run(training(self.data, out, seed))
            assert done.returncode == 0, done.stderr
            self.seconds = time.monotonic() - start
            self.clean[seed] = out.read_bytes()
            assert run(simulation(work / f"folder-{seed}", seed)).returncode == 0
            self.clean["folder", seed] = files(work / f"folder-{seed}")

    def is_whole(self, path):
        return run([PSAD, "rerank", "--model", path], stdin=subprocess.DEVNULL).returncode == 0

    def training_is_killed(self, number, how, at_call):
        """Returns how it ended, or what is wrong as WRONG."""
        draw = random.Random(f"{number} {how}")
        folder = Path(tempfile.mkdtemp(dir=self.work))
        target = folder / "model.st"
        target.write_bytes(OLD)
        environment = dict(os.environ)
        if at_call:
            kind, most = CALLS[number % len(CALLS)]
            environment.update(LD_PRELOAD=FAIL_CALLS, PSAD_FAIL=kind, PSAD_FAIL_AT=str(1 + draw.randrange(most)),
                               PSAD_FAIL_HOW="kill" if how == signal.SIGKILL else "term")
        process = subprocess.Popen([str(w) for w in training(self.data, target)], stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, env=environment)
        sent = time.monotonic()
        if not at_call:
            time.sleep(draw.uniform(0, 1.05 * self.seconds))
            sent = time.monotonic()
            process.send_signal(how)
        out, err = process.communicate(timeout=60)
        waited = time.monotonic() - sent
        content = target.read_bytes()
        epochs = len(re.findall(rb"^epoch ", out, re.MULTILINE))
        state = "old" if content == OLD else "whole" if self.is_whole(target) else "BROKEN"
        left = [p.name for p in folder.iterdir() if p.name.startswith(".psad-")]
        run(training(self.data, target, epochs=1))
        swept = not [p for p in folder.iterdir() if p.name.startswith(".psad-")]
        shutil.rmtree(folder)
        if state == "BROKEN":
            return "WRONG: a broken model"
        if not swept:
            return "WRONG: the next run leaves temporary files"
        if how == signal.SIGKILL:
            return f"SIGKILL: {state}" + (", swept by the next" if left else "")
        if process.returncode == 0:
            return "a signal after the end"
        if process.returncode != -how and not (at_call and process.returncode == -signal.SIGTERM):
            return f"WRONG: exit code {process.returncode}: {err[-200:]}"
        if not at_call and waited > 1:
            return f"WRONG: {waited:.1f} s from the signal to the end"
        if epochs > 1 and state == "old":
            return f"WRONG: {epochs} epochs and the old model"
        if err and not re.fullmatch(rb"psad: stopped by a signal[^\n]*\n", err):
            return f"WRONG: said {err[-200:]}"
        if state == "whole" and err and b"holds the student of epoch" not in err and epochs > 1:
            return f"WRONG: said {err[-200:]}"
        return f"{signal.Signals(how).name}: {state}"

    def simulation_is_killed(self, number):
        draw = random.Random(number)
        folder = Path(tempfile.mkdtemp(dir=self.work))
        kind, most = CALLS[number % len(CALLS)]
        environment = dict(os.environ, LD_PRELOAD=FAIL_CALLS, PSAD_FAIL=kind, PSAD_FAIL_AT=str(1 + draw.randrange(2 * most)),
                           PSAD_FAIL_HOW="kill")
        run(simulation(folder / "lists"), env=environment)
        found = files(folder / "lists")
        again = run(simulation(folder / "lists"))
        wrong = found not in (None, self.clean["folder", 1])
        left = len(list(folder.iterdir())) != 1
        shutil.rmtree(folder)
        if wrong or left or (found is None) != (again.returncode == 0):
            return "WRONG: a part of a folder, or leftovers"
        return "SIGKILL of simulate: " + ("nothing" if found is None else "whole")

    def two_write(self, number):
        folder = Path(tempfile.mkdtemp(dir=self.work))
        if number % 2 == 0:
            target = folder / "model.st"
            pair = [subprocess.Popen([str(w) for w in training(self.data, target, seed)], stdout=subprocess.DEVNULL,
                                     stderr=subprocess.DEVNULL) for seed in (1, 2)]
            codes = [p.wait(timeout=60) for p in pair]
            good = codes == [0, 0] and target.read_bytes() in (self.clean[1], self.clean[2])
        else:
            target = folder / "lists"
            pair = [subprocess.Popen([str(w) for w in simulation(target, seed)], stdout=subprocess.DEVNULL,
                                     stderr=subprocess.DEVNULL) for seed in (1, 2)]
            codes = [p.wait(timeout=60) for p in pair]
            winners = [seed for seed, code in zip((1, 2), codes) if code == 0]
            good = len(winners) == 1 and files(target) == self.clean["folder", winners[0]]
        left = len(list(folder.iterdir())) != 1
        shutil.rmtree(folder)
        return f"WRONG: two writers, exit codes {codes}, left {left}" if not good or left else "two writers: whole"


def main():
    work = Path(tempfile.mkdtemp(prefix="psad-kills-"))
    try:
        kills = Kills(work)
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            runs = []
            for i in range(KILLS):
                if i % 5 == 4:
                    runs.append(pool.submit(kills.simulation_is_killed, i))
                else:
                    runs.append(pool.submit(kills.training_is_killed, i, signal.SIGKILL, i % 2 == 1))
            for i in range(max(2, KILLS // 5)):
                for how in (signal.SIGTERM, signal.SIGINT):
                    runs.append(pool.submit(kills.training_is_killed, i, how, how == signal.SIGTERM and i % 4 == 3))
                runs.append(pool.submit(kills.two_write, i))
            ends = collections.Counter(run.result() for run in runs)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    for end, count in sorted(ends.items()):
        print(f"{count:6d} {end}")
    return 1 if any(end.startswith("WRONG") for end in ends) else 0


if __name__ == "__main__":
    sys.exit(main())
