"""The command sweep: settings of psad train side by side, judged by validation lists alone.

Where lists say what was shown where, validation gains are less what each training thinks of the page: settings that
change that can't be compared so.

A run whose figures exist in build/quality/sweep is not made again, so remove that folder after a change to psad.
"""

import json
import re
import statistics
import subprocess

from common import ROOT, markdown, package, work_off, write_whole
from sets import SETS, runs_of

FOLDER = ROOT / "build" / "quality" / "sweep"


def score(program, words, path):
    """NDCG@10 of the validation lists in the epoch that psad train keeps."""
    if not path.exists():
        model, report = path.with_suffix(".safetensors"), path.with_suffix(".part")
        subprocess.run([program, "train", *words, "--threads", "1", "--out", model, "--json", report], check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        model.unlink()
        report.replace(path)
    report = json.loads(path.read_text(encoding="utf-8"))
    return report["valid"][report["best_student_epoch"] - 1]["student_ndcg@10"]


def named(words):
    """NAME=FLAGS: what a row of the table is called, and what psad train is given."""
    settings = [word.partition("=")[::2] for word in words]
    for name, _ in settings:
        if not re.fullmatch(r"[A-Za-z0-9._-]+", name) or [n for n, _ in settings].count(name) > 1:
            raise ValueError(f"--settings: found the name {name!r}, wanted letters, digits, . _ -, and each once")
    return settings


def run(options):
    names, settings = options.names or list(SETS), named(options.settings)
    if unknown := [name for name in names if name not in SETS]:
        raise ValueError(f"found {unknown[0]}, wanted some of {', '.join(SETS)}")
    package("numpy", "python3-numpy")  # before any work: it may start another python
    if any(SETS[name].taught for name in names):
        package("xgboost", "python3-xgboost")
    for name in names:
        work = FOLDER / name
        runs = runs_of(name, options.data, work, options.program)
        rows = [["set", "settings", "validation NDCG@10", "deviation of seeds"]]
        by_settings = {}
        for label, flags in settings:
            kept = work / f"{label}.flags"
            if kept.exists() and kept.read_text(encoding="utf-8") != flags:
                raise ValueError(f"{kept}: found figures of other flags, wanted another name than {label}")
            write_whole(kept, flags)
            words = [[*run["flags"], *run.get("own_flags", ()), *flags.split()] for run in runs]
            by_settings[label] = [[(options.program, [*of_fold, "--seed", str(seed)], work / f"{label}.{seed}.{k}.json")
                                   for k, of_fold in enumerate(words)] for seed in options.seeds]
        work_off([(score, job) for seeds in by_settings.values() for folds in seeds for job in folds], options.jobs)
        for label, seeds in by_settings.items():
            means = [statistics.fmean(score(*job) for job in folds) for folds in seeds]
            spread = statistics.stdev(means) if len(means) > 1 else 0
            rows.append([name, label, f"{statistics.fmean(means):.4f}", f"{spread:.4f}"])
        print(markdown(rows), flush=True)
