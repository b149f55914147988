"""The command files: the default variant on data sets that come as files, trained and evaluated by the program, and
LambdaMART on what psad reads of them.

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
TREES_HEAD = ["set", "LambdaMART NDCG@10", "spread of seeds", "bag of the seeds", "student - best LambdaMART",
              "value", "bag's value", "s a training"]


def files_run(train, valid, test, tables=()):
    """What psad train is given, and what psad evaluate for the lists of each split."""
    lists = {split: ["--test", *some, *tables] for split, some in (("train", train), ("valid", valid), ("test", test))}
    return {"flags": ["--train", *train, "--valid", *valid, *tables], "lists": lists}


def folds(folder, _):
    """Five parts S1..S5: test on S_k, validation on S_{k-1}, training on the others."""
    parts = [folder / f"S{k}.txt.gz" for k in range(1, 6)]
    for k in range(5):
        rest = [parts[i] for i in range(5) if i not in (k, k - 1 if k else 4)]
        yield files_run(rest, [parts[k - 1]], [parts[k]])


def three_files(folder, _):
    yield files_run(*([folder / f"{split}.txt.gz"] for split in ("train", "valid", "test")))


def converted(module):
    def runs(folder, work):
        tables = module.convert(folder, work)
        yield files_run(*([work / f"{split}.jsonl"] for split in ("train", "valid", "test")), tables)

    return runs


def long_views(folder, work):
    """kuairand-dev with one label: whether a video was watched for long, or more."""
    run = next(converted(convert_kuairand)(folder.parent / "kuairand-dev", work))
    for split in ("train", "valid", "test"):
        path = work / f"{split}.jsonl"
        rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        for row in rows:
            for candidate in row["candidates"]:
                candidate["grade"] = int(candidate["grade"] >= 2)
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    yield run


def marketplace(grades=True, flags=()):
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
        starts = {"train": 0, "valid": 16000, "test": 18000}
        parts = {split: work / f"{split}.jsonl" for split in starts}
        for (split, path), end in zip(parts.items(), [16000, 18000, len(rows)]):
            path.write_text("".join(json.dumps(row) + "\n" for row in rows[starts[split] : end]), encoding="utf-8")
        run = files_run(*([path] for path in parts.values()), tables)
        valid_from, test_from = (str(rows[starts[split]]["ts"]) for split in ("valid", "test"))
        run["flags"] = ["--train", train, "--valid-from", valid_from, "--test-from", test_from, *tables]
        run |= {"own_flags": list(flags), "has_trees": grades and not flags}  # one comparison on one log
        run["lists"]["test"] = ["--test", requests, "--test-from", test_from, *tables]
        run |= {"truth": warehouse / "truth.npz", "tested": range(starts["test"], len(rows))}
        yield run

    return runs


SETS = {
    "mq2008": folds,
    "clueweb09": folds,
    "lgbm-example": three_files,
    "kuairand-dev": converted(convert_kuairand),
    "kuairand-dev, long views alone": long_views,
    "trivago-multi-dev": converted(convert_trivago),
    "marketplace": marketplace(),
    "marketplace, clicks alone": marketplace(grades=False),
    "marketplace, --neighbour-effects 0": marketplace(flags=["--neighbour-effects", "0"]),
    "marketplace, no effects of the page": marketplace(flags=["--neighbour-effects", "0", "--position-effects", "0"]),
}


def values_of(run, orders):
    """Where the truth is known: what the orders of the test lists are worth, list by list."""
    if "truth" not in run:
        return []
    truth = package("numpy", "python3-numpy").load(run["truth"])
    return importlib.import_module("make_warehouse").values(truth, list(run["tested"]), orders).tolist()


def make_run(program, run, seed, path, extra):
    """Trains and evaluates once; the figures of each list."""
    if path.exists():
        return json.loads(path.read_text(encoding="utf-8"))
    model, lists = path.with_suffix(".safetensors"), path.with_suffix(".lists.jsonl")
    start = time.monotonic()
    words = [*run["flags"], *run.get("own_flags", ()), "--seed", str(seed), *extra]
    subprocess.run([program, "train", *words, "--out", model], check=True, stdout=sys.stderr)
    seconds = time.monotonic() - start
    subprocess.run([program, "evaluate", "--model", model, *run["lists"]["test"], "--per-list", lists], check=True,
                   stdout=subprocess.DEVNULL)
    keys = {"initial": ["ndcg@10"], "student": ["ndcg@10", "map"], "teacher": ["ndcg@10"]}
    rows = [json.loads(line) for line in lists.read_text(encoding="utf-8").splitlines()]
    figures = [[row[order][metric] for order in keys for metric in keys[order]] for row in rows]
    out = {"seconds": seconds, "lists": figures, "values": values_of(run, [row["student"]["order"] for row in rows])}
    write_whole(path, json.dumps(out))
    for file in (model, lists):
        file.unlink()
    return out


def make_trees(program, run, seeds, path):
    """LambdaMART with each seed, and the mean of their scores: NDCG@10 of each list."""
    if path.exists():
        return json.loads(path.read_text(encoding="utf-8"))
    lambdamart = importlib.import_module("lambdamart")
    train, valid, test = lambdamart.tables(program, run["flags"], run["lists"])
    forests = lambdamart.best_trees(train, valid, seeds)
    scores = [forest.scores(test) for forest in forests]
    out = {"kept": str(forests[0]), "seconds": statistics.fmean(forest.seconds for forest in forests)}
    for name, some in (("seeds", scores), ("bag", [sum(scores)])):
        out[name] = [{"lists": lambdamart.ndcg10(of_all, test),
                      "values": values_of(run, [order.tolist() for order in lambdamart.orders_of(of_all, test.sizes)])}
                     for of_all in some]
    write_whole(path, json.dumps(out))
    return out


def interval(values):
    """95 % of the bootstrap means."""
    draw = random.Random(1)
    means = sorted(statistics.fmean(draw.choices(values, k=len(values))) for _ in range(1000))
    return means[25], means[974]


def mean_value(runs_by_seed):
    values = [value for runs in runs_by_seed for run in runs for value in run["values"]]
    return statistics.fmean(values) if values else None


def trees_figures(found, runs_by_seed):
    """`found`: what make_trees gives for each run. The student's lists are their means over the seeds; it is compared
    with the seed of LambdaMART that is best on these very lists."""
    def lists(runs, at=None):
        return [row if at is None else row[at] for run in runs for row in run["lists"]]

    def mean(values):
        return statistics.fmean(value for value in values if value is not None)

    by_seed = [[trees["seeds"][k] for trees in found] for k in range(len(found[0]["seeds"]))]
    best = max((lists(runs) for runs in by_seed), key=mean)
    students = zip(*(lists(runs, 1) for runs in runs_by_seed))
    differences = [statistics.fmean(student) - tree for student, tree in zip(students, best) if tree is not None]
    bag = [trees["bag"][0] for trees in found]
    return {"by_seed": [mean(lists(runs)) for runs in by_seed], "bag": mean(lists(bag)),
            "difference": statistics.fmean(differences), "interval": interval(differences),
            "value": mean_value(by_seed), "bag_value": mean_value([bag]), "kept": [trees["kept"] for trees in found],
            "seconds": statistics.fmean(trees["seconds"] for trees in found)}


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
            "value": mean_value(runs_by_seed),
            "seconds": statistics.fmean(run["seconds"] for runs in runs_by_seed for run in runs)}


def spread(values):
    return f"{statistics.stdev(values) if len(values) > 1 else 0:.4f}"


def value_text(value):
    return "-" if value is None else f"{value:.3f}"


def row_of(name, f):
    low, high = f["interval"]
    return [name, f"{f['lists']} ({f['lists'] - f['counted']} without a positive)", f"{f['initial']:.4f}",
            f"{f['student']:.4f} [{low:.3f}, {high:.3f}]", spread(f["by_seed"]), f"{f['teacher']:.4f}",
            f"{f['as_0']:.3f}, {f['as_1']:.3f}", f"{f['map']:.4f}", value_text(f["value"]), f"{f['seconds']:.0f}"]


def trees_row(name, f):
    low, high = f["interval"]
    return [name, f"{statistics.fmean(f['by_seed']):.4f}", spread(f["by_seed"]), f"{f['bag']:.4f}",
            f"{f['difference']:+.4f} [{low:+.4f}, {high:+.4f}]", value_text(f["value"]), value_text(f["bag_value"]),
            f"{f['seconds']:.0f}"]


def run(options):
    names = options.names or list(SETS)
    if unknown := [name for name in names if name not in SETS]:
        raise ValueError(f"found {unknown[0]}, wanted some of {', '.join(SETS)}")
    package("xgboost", "python3-xgboost")  # before any work: it may start another python
    kept = json.loads(KEPT.read_text(encoding="utf-8")) if KEPT.exists() else {}
    for name in names:
        work = FOLDER / name
        work.mkdir(parents=True, exist_ok=True)
        runs = list(SETS[name](options.data / name, work))
        by_seed = [[make_run(options.program, run_of_fold, seed, work / f"seed-{seed}.{k}.json",
                             options.train_arguments) for k, run_of_fold in enumerate(runs)] for seed in options.seeds]
        figures = figures_of(by_seed)
        kept[name] = figures | {"date": datetime.date.today().isoformat(), "processor": processor()}
        print(markdown([HEAD, row_of(name, figures)]), flush=True)
        if all(run_of_fold.get("has_trees", True) for run_of_fold in runs):
            trees = trees_figures([make_trees(options.program, run_of_fold, options.seeds, work / f"trees.{k}.json")
                                   for k, run_of_fold in enumerate(runs)], by_seed)
            kept[name]["trees"] = trees
            print("\n" + markdown([TREES_HEAD, trees_row(name, trees)]), flush=True)
        if options.keep:
            write_whole(KEPT, json.dumps(kept, indent=1, sort_keys=True) + "\n")
            page, shown = ROOT / "docs" / "results.md", [n for n in SETS if n in kept]
            text = page.read_text(encoding="utf-8")
            text = with_figures(text, "files", markdown([HEAD, *(row_of(n, kept[n]) for n in shown)]))
            compared = [n for n in shown if "trees" in kept[n]]
            text = with_figures(text, "trees", markdown([TREES_HEAD, *(trees_row(n, kept[n]["trees"]) for n in compared)]))
            write_whole(page, text)
