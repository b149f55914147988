"""The command files: psad on data sets that come as files, trained and evaluated by the program with no flag but the
files; beside it, on the same inputs, LambdaMART (lambdamart.py) and the baselines that the program has as variants.

A run whose figures exist in build/quality/files is not made again, so remove that folder after a change to psad.
"""

import datetime
import importlib
import json
import random
import re
import statistics
import subprocess
import sys
import time

from common import ROOT, markdown, package, processor, work_off, write_whole
from sets import FOLDER, SETS, runs_of

KEPT = ROOT / "docs" / "results" / "files.json"
BASELINES = {"MLP": "mlp", "DLCM": "dlcm", "PRM": "prm", "SetRank": "setrank"}
ORDERS = {"initial": "as shown", "best-feature": "best single feature", "history-first": "history first",
          "by-aux": "by `aux`"}
MEASURES = {"ndcg@10": "NDCG@10", "map": "MAP", "value": "value"}
HEAD = ["order", "NDCG@10", "spread of seeds", "MAP", "psad - it", "s a training", "us a list"]
SHORT = ["set", "measure", "as shown", "best single feature", "best network", "best LambdaMART", "psad",
         "psad - LambdaMART"]


def values_of(run, orders):
    """Where the truth is known: what the orders of the test lists are worth, list by list."""
    if "truth" not in run:
        return None
    truth = package("numpy", "python3-numpy").load(run["truth"])
    return importlib.import_module("make_warehouse").values(truth, list(run["tested"]), orders).tolist()


def train_and_judge(program, run, variant, seed, extra, path):
    """Trains and evaluates once, on one thread; the figures of each list."""
    if path.exists():
        return
    model, lists, report = (path.with_suffix(f".{end}") for end in ("safetensors", "lists.jsonl", "report.json"))
    words = [*run["flags"], *run.get("own_flags", ()), "--variant", variant, "--seed", str(seed), "--threads", "1"]
    start = time.monotonic()
    subprocess.run([program, "train", *words, *extra, "--out", model], check=True, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)
    seconds = time.monotonic() - start
    subprocess.run([program, "evaluate", "--model", model, *run["lists"]["test"], "--per-list", lists,
                    "--json", report], check=True, stdout=subprocess.DEVNULL)
    rows = [json.loads(line) for line in lists.read_text(encoding="utf-8").splitlines()]
    found = json.loads(report.read_text(encoding="utf-8"))["orders"]
    out = {"seconds": seconds, "latency": found["student"]["latency_us"]["p50"], "orders": {}}
    for order in [key for key in (*ORDERS, "student", "teacher") if key in rows[0]]:
        out["orders"][order] = {name: [row[order][name] for row in rows] for name in ("ndcg@10", "map")}
        out["orders"][order]["value"] = values_of(run, [row[order]["order"] for row in rows])
    write_whole(path, json.dumps(out))
    for file in (model, lists, report):
        file.unlink()


def make_trees(program, run, seeds, path):
    """LambdaMART with each seed, and the mean of their scores: the figures of each list."""
    if path.exists():
        return
    trees = importlib.import_module("lambdamart")
    train, valid, test = trees.tables(program, run["flags"], run["lists"])
    forests = trees.best_trees(train, valid, seeds)
    scores = [forest.scores(test) for forest in forests]
    out = {"kept": str(forests[0]), "seconds": statistics.fmean(forest.seconds for forest in forests)}
    for name, some in (("seeds", scores), ("bag", [sum(scores)])):
        out[name] = [{"ndcg@10": trees.ndcg10(of_all, test), "map": trees.average_precision(of_all, test),
                      "value": values_of(run, [order.tolist() for order in trees.orders_of(of_all, test.sizes)])}
                     for of_all in some]
    write_whole(path, json.dumps(out))


def interval(values):
    """95 % of the bootstrap means."""
    draw = random.Random(1)
    means = sorted(statistics.fmean(draw.choices(values, k=len(values))) for _ in range(1000))
    return [means[25], means[974]]


def pooled(runs, measure):
    """Of one seed: all lists of all runs (folds). None for a list without a positive; nothing where none is known."""
    return [value for run in runs for value in run[measure] or ()]


def mean(values):
    counted = [value for value in values if value is not None]
    return statistics.fmean(counted) if counted else None


def ranker(by_seed, measure, psad=None, seconds=None, latency=None, best=False):
    """One order's figures. `by_seed[seed][fold]` holds measures of lists; `psad` the same of psad, compared with their
    mean over the seeds, or with that of the best seed on these very lists."""
    if best:
        by_seed = [max(by_seed, key=lambda runs: mean(pooled(runs, measure)))]
    found = {name: [mean(pooled(runs, name)) for runs in by_seed] for name in MEASURES}
    out = {name: mean(found[name]) for name in MEASURES} | {"by_seed": found[measure]}
    out |= {"seconds": seconds, "latency": latency}
    lists = [[None if None in of_list else statistics.fmean(of_list)
              for of_list in zip(*(pooled(runs, measure) for runs in some), strict=True)]
             for some in (psad or by_seed, by_seed)]
    if psad is None:
        out["interval"] = interval([x for x in lists[0] if x is not None])
    else:
        differences = [a - b for a, b in zip(*lists, strict=True) if a is not None and b is not None]
        out |= {"difference": statistics.fmean(differences), "interval": interval(differences)}
    return out


def read_runs(work, variant, seeds, folds):
    return [[json.loads((work / f"{variant}.{seed}.{k}.json").read_text(encoding="utf-8")) for k in range(folds)]
            for seed in seeds]


def orders_of(runs_by_seed, order):
    return [[run["orders"][order] for run in runs] for runs in runs_by_seed]


def cost(runs_by_seed):
    """Of all folds: seconds of their trainings on average, microseconds of a list."""
    return [statistics.fmean(run[what] for runs in runs_by_seed for run in runs) for what in ("seconds", "latency")]


def figures_of(measure, beside, work, seeds, folds):
    """All orders of a set, by name."""
    psad = read_runs(work, "default", seeds, folds)
    student, orders = orders_of(psad, "student"), {}
    for key in [key for key in ORDERS if key in psad[0][0]["orders"]]:
        orders[ORDERS[key]] = ranker(orders_of(psad, key)[:1], measure, student)
    if beside:
        for title, variant in BASELINES.items():
            runs = read_runs(work, variant, seeds, folds)
            orders[title] = ranker(orders_of(runs, "student"), measure, student, *cost(runs))
        trees = [json.loads(trees_path(work, seeds, k).read_text(encoding="utf-8")) for k in range(folds)]
        seconds = statistics.fmean(run["seconds"] for run in trees)
        of_seeds = [[run["seeds"][k] for run in trees] for k in range(len(trees[0]["seeds"]))]
        orders["LambdaMART"] = ranker(of_seeds, measure, student, seconds)
        orders["LambdaMART, best seed"] = ranker(of_seeds, measure, student, best=True)
        orders["LambdaMART, bag"] = ranker([[run["bag"][0] for run in trees]], measure, student)
    orders["psad's teacher"] = ranker(orders_of(psad, "teacher"), measure, student)
    orders["psad"] = ranker(student, measure, None, *cost(psad))
    lists = pooled(student[0], "ndcg@10")
    out = {"measure": measure, "lists": len(lists), "counted": sum(x is not None for x in lists), "orders": orders}
    if beside:
        out["kept"] = [run["kept"] for run in trees]
    return out


def number(value, digits=4):
    return "-" if value is None else f"{value:.{digits}f}"


def digits_of(measure):
    return 3 if measure == "value" else 4


def with_interval(value, bounds, digits, sign=""):
    return f"{value:{sign}.{digits}f} [{bounds[0]:{sign}.{digits - 1}f}, {bounds[1]:{sign}.{digits - 1}f}]"


def set_text(name, found):
    """The table of one set, and what it is of."""
    measure, digits = found["measure"], digits_of(found["measure"])
    known = any(f["value"] is not None for f in found["orders"].values())
    rows = [[*HEAD[:4], *([MEASURES["value"]] if known else []), *HEAD[4:]]]
    for title, f in found["orders"].items():
        if title == "LambdaMART, best seed":
            continue  # the summary has it
        spread = f"{statistics.stdev(f['by_seed']):.{digits}f}" if len(f["by_seed"]) > 1 else "-"
        difference = "" if "difference" not in f else with_interval(f["difference"], f["interval"], digits, "+")
        value = [number(f["value"], 3)] if known else []
        rows.append([title, number(f["ndcg@10"]), spread, number(f["map"]), *value, difference,
                     number(f["seconds"], 1), number(f["latency"], 0)])
    empty, share = found["lists"] - found["counted"], found["counted"] / found["lists"]
    psad = found["orders"]["psad"]
    facts = f"{found['lists']} test lists"
    if empty:
        facts += (f", {empty} of them without a positive, which do not count (psad's NDCG@10 if they count as 0: "
                  f"{psad['ndcg@10'] * share:.3f}, as 1: {psad['ndcg@10'] * share + 1 - share:.3f})")
    facts += f"; spread and differences are of {MEASURES[measure]}; {found['date']}, {found['processor']}."
    return f"**{name}**: {facts}\n\n{markdown(rows)}"


def short_row(name, found):
    """The row of a set in the summary."""
    orders, measure = found["orders"], found["measure"]
    digits = digits_of(measure)
    simple = [orders[title] for title in ("best single feature", "history first", "by `aux`") if title in orders]
    networks = [orders[title] for title in BASELINES if title in orders]
    trees = orders.get("LambdaMART, best seed")
    best_trees = trees[measure] if trees else None
    return [name, MEASURES[measure], number(orders["as shown"][measure], digits),
            number(max((f[measure] for f in simple), default=None), digits),
            number(max((f[measure] for f in networks), default=None), digits), number(best_trees, digits),
            with_interval(orders["psad"][measure], orders["psad"]["interval"], digits),
            with_interval(trees["difference"], trees["interval"], digits, "+") if trees else "-"]


def blocks(kept):
    """The blocks of docs/results.md by name, if there are figures."""
    shown = [name for name in SETS if name in kept]
    if not shown:
        return {}
    return {"files in short": markdown([SHORT, *(short_row(name, kept[name]) for name in shown)]),
            "files": "\n\n".join(set_text(name, kept[name]) for name in shown if SETS[name].beside)}


def trees_path(work, seeds, fold):
    return work / f"trees.{'-'.join(map(str, seeds))}.{fold}.json"


def read_kept():
    return json.loads(KEPT.read_text(encoding="utf-8")) if KEPT.exists() else {}


def run_set(name, options):
    """The figures of a set; what is not there yet is trained. With flags of psad train, which other variants may not
    take, psad stands alone, and its figures lie in a folder of their own."""
    flags = options.train_arguments
    work = FOLDER / re.sub(r"[^A-Za-z0-9,. -]", "_", " ".join([name, *flags]))
    beside = SETS[name].beside and not flags
    runs = runs_of(name, options.data, work, options.program)
    variants = ["default", *BASELINES.values()] if beside else ["default"]
    jobs = [(make_trees, (options.program, fold, options.seeds, trees_path(work, options.seeds, k)))
            for k, fold in enumerate(runs) if beside]
    jobs += [(train_and_judge, (options.program, fold, variant, seed, flags,
                                work / f"{variant}.{seed}.{k}.json"))
             for variant in variants for seed in options.seeds for k, fold in enumerate(runs)]
    work_off(jobs, options.jobs)
    found = figures_of(SETS[name].measure, beside, work, options.seeds, len(runs))
    return found | {"date": datetime.date.today().isoformat(), "processor": processor()}


def keep(name, found):
    write_whole(KEPT, json.dumps(read_kept() | {name: found}, indent=1, sort_keys=True) + "\n")


def run(options):
    names = options.names or list(SETS)
    if unknown := [name for name in names if name not in SETS]:
        raise ValueError(f"found {unknown[0]}, wanted some of {', '.join(SETS)}")
    if options.keep and options.train_arguments:
        raise ValueError(f"found --keep and {options.train_arguments[0]}, wanted no flags of training in what is kept")
    package("xgboost", "python3-xgboost")  # before any work: it may start another python
    for name in names:
        found = run_set(name, options)
        print(markdown([SHORT, short_row(name, found)]) + "\n\n" + set_text(name, found) + "\n", flush=True)
        if options.keep:
            keep(name, found)
