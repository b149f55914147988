#!/usr/bin/env python3
"""LambdaMART (xgboost) on what psad's models read but ids: an outside yardstick for `psad compare --orders`.

Usage: lambdamart.py DATA_FOLDER ORDERS_FILE [--trends] [--model-inputs PROGRAM]

Trains gradient-boosted trees for NDCG on the training lists, with every setting of a small grid; the
validation lists choose the setting and the number of trees. Writes one JSON line per test list, {"order": [...]},
best candidate first. With --trends the trees read what no request carries too: how many events of all users each
candidate had in the DAYS before, and its place in the list by that. Needs xgboost and numpy (Debian: python3-xgboost).
"""

import argparse
import gzip
import itertools
import json
import math
import os
import subprocess
import sys
from pathlib import Path

DEBIAN = "/usr/bin/python3"

try:
    import numpy
    import xgboost
except ImportError:
    if os.path.exists(DEBIAN) and os.path.realpath(sys.executable) != os.path.realpath(DEBIAN):
        os.execv(DEBIAN, [DEBIAN, *sys.argv])  # Debian's xgboost belongs to Debian's python
    sys.exit("lambdamart.py: found no xgboost, wanted Debian's python3-xgboost or another")

GRID = {"max_depth": [4, 6], "eta": [0.05, 0.1], "min_child_weight": [1, 20], "colsample_bytree": [0.7]}
MOST_TREES, PATIENCE = 600, 50
SPLITS = ("train", "valid", "test")
DAYS = numpy.array([0.5, 1, 2, 3, 5, 7, 14, 30, 90, 365])
PROGRAM = Path(__file__).parent.parent / "build" / "release" / "examples" / "model_inputs"


def read(program, folder, split):
    """Columns [candidates, columns], labels, and the candidates of each list."""
    done = subprocess.run([program, folder, split], capture_output=True, check=False, text=True)
    if done.returncode != 0:
        sys.exit(f"lambdamart.py: {done.stderr.strip() or f'{program} failed'}")
    lines = done.stdout.splitlines()[1:]
    if not lines:
        sys.exit(f"lambdamart.py: {folder}, split {split}: found no lists, wanted some")
    table = numpy.loadtxt(lines, dtype=numpy.float32, delimiter="\t", ndmin=2)
    _, sizes = numpy.unique(table[:, 0], return_counts=True)
    return table[:, 2:], table[:, 1], sizes


def rows_of(path):
    """The rows of a table of psad-lists-1, as dictionaries."""
    with gzip.open(path, "rt", encoding="utf-8") as file:
        names = file.readline().lstrip("#").rstrip("\n").split("\t")
        return [dict(zip(names, line.rstrip("\n").split("\t"))) for line in file]


def event_times(folder):
    """When each item had an event, of any user; ascending."""
    times = {}
    for event in rows_of(Path(folder) / "events.tsv.gz"):
        times.setdefault(event["item"], []).append(int(event["ts"]))
    return {item: numpy.sort(numpy.array(found)) for item, found in times.items()}


def trends(times, folder, split):
    """Columns [candidates, 2 DAYS]: events of all users on a candidate before the request, and its rank by them."""
    never = numpy.array([], dtype=int)
    out = []
    for row in rows_of(Path(folder) / f"lists_{split}.tsv.gz"):
        bounds = int(row["ts"]) - numpy.append(DAYS * 86400, 0)
        before = numpy.array([numpy.searchsorted(times.get(item, never), bounds) for item in row["items"].split(",")])
        counts = before[:, -1:] - before[:, :-1]
        ranks = numpy.argsort(numpy.argsort(-counts, axis=0, kind="stable"), axis=0)
        out.append(numpy.hstack([counts, ranks]))
    return numpy.vstack(out)


def orders_of(scores, sizes):
    """Per list the positions by falling score; ties keep the initial order."""
    ends = numpy.cumsum(sizes)
    return [numpy.argsort(-scores[end - size : end], kind="stable") for end, size in zip(ends, sizes)]


def ndcg10(scores, labels, sizes):
    """Mean NDCG@10 of the lists with a positive."""
    values, first = [], 0
    for size, order in zip(sizes, orders_of(scores, sizes)):
        mine = labels[first : first + size]
        first += size
        positives = int(mine.sum())
        if positives == 0:
            continue
        gain = sum(mine[i] / math.log2(place + 2) for place, i in enumerate(order[:10]))
        values.append(gain / sum(1 / math.log2(place + 2) for place in range(min(10, positives))))
    return sum(values) / len(values)


def with_positives(columns, labels, sizes):
    """What can teach: lists with a positive."""
    of_list = numpy.repeat(numpy.arange(len(sizes)), sizes)
    good = numpy.bincount(of_list, weights=labels, minlength=len(sizes)) > 0
    kept = good[of_list]
    return columns[kept], labels[kept], sizes[good]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("data")
    parser.add_argument("orders")
    parser.add_argument("--trends", action="store_true", help="read events of all users on the candidates too")
    parser.add_argument("--model-inputs", default=PROGRAM, help="the built example (default: %(default)s)")
    options = parser.parse_args()
    if not Path(options.orders).parent.is_dir():
        sys.exit(f"lambdamart.py: {options.orders}: found no such folder, wanted a place for a file")
    if Path(options.orders).is_dir():
        sys.exit(f"lambdamart.py: {options.orders}: found a folder, wanted a file")
    try:
        splits = [read(options.model_inputs, options.data, s) for s in SPLITS]
        if options.trends:
            times = event_times(options.data)
            for at, (columns, labels, sizes) in enumerate(splits):
                columns = numpy.hstack([columns, trends(times, options.data, SPLITS[at])])
                splits[at] = (columns, labels, sizes)
        train, valid, test = splits
    except (OSError, ValueError, KeyError) as problem:
        sys.exit(f"lambdamart.py: {problem}")
    if not (train[1].any() and valid[1].any()):
        sys.exit(f"lambdamart.py: {options.data}: found no positive to train or to choose by, wanted some in both splits")
    matrices = []
    for columns, labels, sizes in (with_positives(*train), with_positives(*valid)):
        matrix = xgboost.DMatrix(columns, labels)
        matrix.set_group(sizes)
        matrices.append(matrix)
    best = None
    for values in itertools.product(*GRID.values()):
        setting = dict(zip(GRID, values))
        booster = xgboost.train(
            {"objective": "rank:ndcg", "eval_metric": "ndcg@10", "seed": 1, **setting},
            matrices[0],
            MOST_TREES,
            evals=[(matrices[1], "valid")],
            early_stopping_rounds=PATIENCE,
            verbose_eval=False,
        )
        trees = (0, booster.best_iteration + 1)
        score = ndcg10(booster.predict(xgboost.DMatrix(valid[0]), iteration_range=trees), valid[1], valid[2])
        print(f"{setting}, {trees[1]} trees: validation ndcg@10 {score:.4f}", flush=True)
        if best is None or score > best[0]:
            best = (score, booster, trees, setting)
    score, booster, trees, setting = best
    scores = booster.predict(xgboost.DMatrix(test[0]), iteration_range=trees)
    written = Path(options.orders + ".part")
    written.write_text("".join(json.dumps({"order": o.tolist()}) + "\n" for o in orders_of(scores, test[2])))
    written.replace(options.orders)
    print(f"kept {setting}, {trees[1]} trees; test ndcg@10 {ndcg10(scores, test[1], test[2]):.4f}; wrote {options.orders}")


if __name__ == "__main__":
    main()
