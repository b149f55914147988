"""The command files: the default variant on data sets that come as files, trained and evaluated by the program.

A run whose figures exist in build/quality/files is not made again, so remove that folder after a change to psad.
"""

import datetime
import importlib
import json
import random
import statistics
import subprocess
import sys
import time

import convert_kuairand
import convert_trivago
from common import ROOT, markdown, package, processor, with_figures, write_whole

FOLDER = ROOT / "build" / "quality" / "files"
KEPT = ROOT / "docs" / "results" / "files.json"
HEAD = ["set", "test lists", "initial order", "student NDCG@10", "spread of seeds", "teacher",
        "without positive as 0, as 1", "student MAP", "value", "s a training"]


def folds(folder, _):
    """Five parts S1..S5: test on S_k, validation on S_{k-1}, training on the others."""
    parts = [folder / f"S{k}.txt.gz" for k in range(1, 6)]
    for k in range(5):
        rest = [parts[i] for i in range(5) if i not in (k, k - 1 if k else 4)]
        yield {"train": ["--train", *rest, "--valid", parts[k - 1]], "test": ["--test", parts[k]]}


def three_files(folder, _):
    train, valid, test = (folder / f"{split}.txt.gz" for split in ("train", "valid", "test"))
    yield {"train": ["--train", train, "--valid", valid], "test": ["--test", test]}


def converted(module):
    def runs(folder, work):
        tables = module.convert(folder, work)
        train, valid, test = (work / f"{split}.jsonl" for split in ("train", "valid", "test"))
        yield {"train": ["--train", train, "--valid", valid, *tables], "test": ["--test", test, *tables]}

    return runs


def marketplace(grades):
    """Made here: the first 16,000 requests are for training, the last 2,000 for testing. Without grades a click, a cart
    and a purchase are one and the same to the training; the test lists have grades all the same."""

    def runs(_, work):
        warehouse = FOLDER / "marketplace" / "warehouse"
        if not (warehouse / "truth.npz").exists():
            warehouse.mkdir(parents=True, exist_ok=True)
            importlib.import_module("make_warehouse").make(warehouse)
        requests, train = warehouse / "requests.jsonl", warehouse / "requests.jsonl"
        rows = [json.loads(line) for line in requests.read_text(encoding="utf-8").splitlines()]
        if not grades:
            train = work / "clicks.jsonl"
            for row in rows:
                for candidate in row["candidates"]:
                    candidate["label"] = min(1, candidate["label"])
            train.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        tables = [word for name in ("items", "users", "events") for word in (f"--{name}", warehouse / f"{name}.csv")]
        valid_from, test_from = str(rows[16000]["ts"]), str(rows[18000]["ts"])
        yield {"train": ["--train", train, "--valid-from", valid_from, "--test-from", test_from, *tables],
               "test": ["--test", requests, "--test-from", test_from, *tables], "truth": warehouse / "truth.npz"}

    return runs


SETS = {
    "mq2008": folds,
    "clueweb09": folds,
    "lgbm-example": three_files,
    "kuairand-dev": converted(convert_kuairand),
    "trivago-multi-dev": converted(convert_trivago),
    "marketplace": marketplace(grades=True),
    "marketplace, clicks alone": marketplace(grades=False),
}


def make_run(program, run, seed, path, extra):
    """Trains and evaluates once; the figures of each list."""
    if path.exists():
        return json.loads(path.read_text(encoding="utf-8"))
    model, lists = path.with_suffix(".safetensors"), path.with_suffix(".lists.jsonl")
    start = time.monotonic()
    subprocess.run([program, "train", *run["train"], "--out", model, "--seed", str(seed), *extra], check=True,
                   stdout=sys.stderr)
    seconds = time.monotonic() - start
    subprocess.run([program, "evaluate", "--model", model, *run["test"], "--per-list", lists], check=True,
                   stdout=subprocess.DEVNULL)
    keys = {"initial": ["ndcg@10"], "student": ["ndcg@10", "map"], "teacher": ["ndcg@10"]}
    rows = [json.loads(line) for line in lists.read_text(encoding="utf-8").splitlines()]
    figures = [[row[order][metric] for order in keys for metric in keys[order]] for row in rows]
    out = {"seconds": seconds, "lists": figures}
    if "truth" in run:
        truth = package("numpy", "python3-numpy").load(run["truth"])
        tested = [int(row["id"].removeprefix("req-")) for row in rows]
        value = importlib.import_module("make_warehouse").value
        out["value"] = value(truth, tested, [row["student"]["order"] for row in rows])
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
    lists = [[None if None in column else statistics.fmean(column) for column in zip(*rows)]
             for rows in zip(*per_seed)]
    counted = [row for row in lists if row[0] is not None]
    initial, student, mean_ap, teacher = ([row[i] for row in counted] for i in range(4))
    share = len(counted) / len(lists)
    mean = statistics.fmean(student)
    by_seed = [statistics.fmean(row[1] for row in rows if row[0] is not None) for rows in per_seed]
    return {"lists": len(lists), "counted": len(counted), "initial": statistics.fmean(initial), "student": mean,
            "interval": interval(student), "by_seed": by_seed, "teacher": statistics.fmean(teacher),
            "as_0": mean * share, "as_1": mean * share + 1 - share, "map": statistics.fmean(mean_ap),
            "value": [run["value"] for runs in runs_by_seed for run in runs if "value" in run],
            "seconds": statistics.fmean(run["seconds"] for runs in runs_by_seed for run in runs)}


def row_of(name, f):
    low, high = f["interval"]
    spread = statistics.stdev(f["by_seed"]) if len(f["by_seed"]) > 1 else 0
    value = f"{statistics.fmean(f['value']):.3f}" if f["value"] else "-"
    return [name, f"{f['lists']} ({f['lists'] - f['counted']} without a positive)", f"{f['initial']:.4f}",
            f"{f['student']:.4f} [{low:.3f}, {high:.3f}]", f"{spread:.4f}", f"{f['teacher']:.4f}",
            f"{f['as_0']:.3f}, {f['as_1']:.3f}", f"{f['map']:.4f}", value, f"{f['seconds']:.0f}"]


def run(options):
    names = options.names or list(SETS)
    if unknown := [name for name in names if name not in SETS]:
        raise ValueError(f"found {unknown[0]}, wanted some of {', '.join(SETS)}")
    if any(name.startswith("marketplace") for name in names):
        package("numpy", "python3-numpy")  # before any work: it may start another python
    kept = json.loads(KEPT.read_text(encoding="utf-8")) if KEPT.exists() else {}
    for name in names:
        work = FOLDER / name
        work.mkdir(parents=True, exist_ok=True)
        runs = list(SETS[name](options.data / name, work))
        figures = figures_of([[make_run(options.program, run_of_fold, seed, work / f"seed-{seed}.{k}.json",
                                        options.train_arguments)
                               for k, run_of_fold in enumerate(runs)] for seed in options.seeds])
        kept[name] = figures | {"date": datetime.date.today().isoformat(), "processor": processor()}
        print(markdown([HEAD, row_of(name, figures)]), flush=True)
        if options.keep:
            write_whole(KEPT, json.dumps(kept, indent=1, sort_keys=True) + "\n")
            page = ROOT / "docs" / "results.md"
            table = markdown([HEAD, *(row_of(n, kept[n]) for n in SETS if n in kept)])
            write_whole(page, with_figures(page.read_text(encoding="utf-8"), "files", table))
