"""The command files: the default variant on data sets that come as files, trained and evaluated by the program.

A run whose figures exist in build/quality/files is not made again, so remove that folder after a change to psad.
"""

import datetime
import json
import random
import statistics
import subprocess
import sys
import time

import convert_kuairand
import convert_trivago
from common import ROOT, markdown, processor, with_figures, write_whole

FOLDER = ROOT / "build" / "quality" / "files"
KEPT = ROOT / "docs" / "results" / "files.json"
HEAD = ["set", "test lists", "initial order", "student NDCG@10", "spread of seeds", "teacher", "without positive as 0, as 1",
        "student MAP", "s a training"]


def folds(folder, _):
    """Five parts S1..S5: test on S_k, validation on S_{k-1}, training on the others."""
    parts = [folder / f"S{k}.txt.gz" for k in range(1, 6)]
    for k in range(5):
        rest = [parts[i] for i in range(5) if i not in (k, k - 1 if k else 4)]
        yield {"--train": rest, "--valid": [parts[k - 1]], "--test": [parts[k]], "tables": []}


def three_files(folder, _):
    yield {f"--{split}": [folder / f"{split}.txt.gz"] for split in ("train", "valid", "test")} | {"tables": []}


def converted(module):
    def runs(folder, work):
        tables = module.convert(folder, work)
        yield {f"--{split}": [work / f"{split}.jsonl"] for split in ("train", "valid", "test")} | {"tables": tables}

    return runs


SETS = {
    "mq2008": folds,
    "clueweb09": folds,
    "lgbm-example": three_files,
    "kuairand-dev": converted(convert_kuairand),
    "trivago-multi-dev": converted(convert_trivago),
}


def make_run(program, run, seed, path, extra):
    """Trains and evaluates once; the figures of each list."""
    if path.exists():
        return json.loads(path.read_text(encoding="utf-8"))
    model, lists = path.with_suffix(".safetensors"), path.with_suffix(".lists.jsonl")
    start = time.monotonic()
    subprocess.run([program, "train", "--train", *run["--train"], "--valid", *run["--valid"], *run["tables"],
                    "--out", model, "--seed", str(seed), *extra], check=True, stdout=sys.stderr)
    seconds = time.monotonic() - start
    subprocess.run([program, "evaluate", "--model", model, "--test", *run["--test"], *run["tables"],
                    "--per-list", lists], check=True, stdout=subprocess.DEVNULL)
    keys = {"initial": ["ndcg@10"], "student": ["ndcg@10", "map"], "teacher": ["ndcg@10"]}
    rows = [json.loads(line) for line in lists.read_text(encoding="utf-8").splitlines()]
    out = {"seconds": seconds, "lists": [[row[order][metric] for order in keys for metric in keys[order]] for row in rows]}
    write_whole(path, json.dumps(out))
    for file in (model, lists):
        file.unlink()
    return out


def interval(values):
    """95 % of the bootstrap means."""
    draw = random.Random(1)
    means = sorted(statistics.fmean(draw.choices(values, k=len(values))) for _ in range(1000))
    return means[25], means[974]


def figures_of(runs_by_seed):
    """Of all lists of all runs (folds pooled): means over the seeds of each list."""
    per_seed = [[row for run in runs for row in run["lists"]] for runs in runs_by_seed]
    lists = [[statistics.fmean(column) if None not in column else None for column in zip(*rows)] for rows in zip(*per_seed)]
    counted = [row for row in lists if row[0] is not None]
    initial, student, mean_ap, teacher = ([row[i] for row in counted] for i in range(4))
    share = len(counted) / len(lists)
    mean = statistics.fmean(student)
    by_seed = [statistics.fmean(row[1] for row in rows if row[0] is not None) for rows in per_seed]
    return {"lists": len(lists), "counted": len(counted), "initial": statistics.fmean(initial), "student": mean,
            "interval": interval(student), "by_seed": by_seed, "teacher": statistics.fmean(teacher), "as_0": mean * share,
            "as_1": mean * share + 1 - share, "map": statistics.fmean(mean_ap),
            "seconds": statistics.fmean(run["seconds"] for runs in runs_by_seed for run in runs)}


def row_of(name, f):
    low, high = f["interval"]
    spread = statistics.stdev(f["by_seed"]) if len(f["by_seed"]) > 1 else 0
    return [name, f"{f['lists']} ({f['lists'] - f['counted']} without a positive)", f"{f['initial']:.4f}",
            f"{f['student']:.4f} [{low:.3f}, {high:.3f}]", f"{spread:.4f}", f"{f['teacher']:.4f}",
            f"{f['as_0']:.3f}, {f['as_1']:.3f}", f"{f['map']:.4f}", f"{f['seconds']:.0f}"]


def run(options):
    names = options.names or list(SETS)
    if unknown := [name for name in names if name not in SETS]:
        raise ValueError(f"found {unknown[0]}, wanted some of {', '.join(SETS)}")
    kept = json.loads(KEPT.read_text(encoding="utf-8")) if KEPT.exists() else {}
    for name in names:
        work = FOLDER / name
        work.mkdir(parents=True, exist_ok=True)
        runs = list(SETS[name](options.data / name, work))
        figures = figures_of([[make_run(options.program, r, seed, work / f"seed-{seed}.{k}.json", options.train_arguments)
                               for k, r in enumerate(runs)] for seed in options.seeds])
        kept[name] = figures | {"date": datetime.date.today().isoformat(), "processor": processor()}
        print(markdown([HEAD, row_of(name, figures)]), flush=True)
        if options.keep:
            write_whole(KEPT, json.dumps(kept, indent=1, sort_keys=True) + "\n")
            page = ROOT / "docs" / "results.md"
            table = markdown([HEAD, *(row_of(n, kept[n]) for n in SETS if n in kept)])
            write_whole(page, with_figures(page.read_text(encoding="utf-8"), "files", table))
