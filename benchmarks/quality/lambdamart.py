"""The command lambdamart: LambdaMART (xgboost) on what models read except ids, an outside yardstick for psad-compare.

Trains gradient-boosted trees for NDCG on the training lists, with every setting of a small grid; the validation lists
choose the setting and the number of trees. Writes one JSON line per test list, {"order": [...]}, best candidate first.
With --trends the trees read what no request carries too: how many events of all users each candidate had in the DAYS
before, and its position in the list by that. Needs xgboost and numpy (Debian: python3-xgboost).
"""

import gzip
import itertools
import json
import math
import subprocess

from common import package, write_whole

xgboost = package("xgboost", "python3-xgboost")
numpy = package("numpy", "python3-numpy")

GRID = {"max_depth": [4, 6], "eta": [0.05, 0.1], "min_child_weight": [1, 20], "colsample_bytree": [0.7]}
MAX_TREES, PATIENCE = 600, 50
SPLITS = ("train", "valid", "test")
DAYS = numpy.array([0.5, 1, 2, 3, 5, 7, 14, 30, 90, 365])


def read(program, folder, split):
    """Columns [candidates, columns], labels, and the candidates of each list."""
    done = subprocess.run([program, folder, split], stdout=subprocess.PIPE, check=True, text=True)
    lines = done.stdout.splitlines()[1:]
    if not lines:
        raise ValueError(f"{folder}, split {split}: found no lists, wanted some")
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
    for event in rows_of(folder / "events.tsv.gz"):
        times.setdefault(event["item"], []).append(int(event["ts"]))
    return {item: numpy.sort(numpy.array(found)) for item, found in times.items()}


def trends(times, folder, split):
    """Columns [candidates, 2 DAYS]: events of all users on a candidate before the request, and its rank by them."""
    never = numpy.array([], dtype=int)
    out = []
    for row in rows_of(folder / f"lists_{split}.tsv.gz"):
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
        gain = sum(mine[i] / math.log2(position + 2) for position, i in enumerate(order[:10]))
        values.append(gain / sum(1 / math.log2(position + 2) for position in range(min(10, positives))))
    return sum(values) / len(values)


def with_positives(columns, labels, sizes):
    """What can teach: lists with a positive."""
    of_list = numpy.repeat(numpy.arange(len(sizes)), sizes)
    good = numpy.bincount(of_list, weights=labels, minlength=len(sizes)) > 0
    kept = good[of_list]
    return columns[kept], labels[kept], sizes[good]


def tables_of(options):
    """What read() gives of each split, with trends if they are asked for."""
    splits = [read(options.program, options.data, split) for split in SPLITS]
    if options.trends:
        times = event_times(options.data)
        for at, (columns, labels, sizes) in enumerate(splits):
            splits[at] = (numpy.hstack([columns, trends(times, options.data, SPLITS[at])]), labels, sizes)
    return splits


def matrix_of(columns, labels, sizes):
    matrix = xgboost.DMatrix(columns, labels)
    matrix.set_group(sizes)
    return matrix


def best_booster(train, valid):
    """The trees of the best setting on the validation lists: a function from columns to scores, and what they are."""
    train_matrix, valid_matrix = matrix_of(*with_positives(*train)), matrix_of(*with_positives(*valid))
    best = None
    for values in itertools.product(*GRID.values()):
        setting = dict(zip(GRID, values))
        booster = xgboost.train(
            {"objective": "rank:ndcg", "eval_metric": "ndcg@10", "seed": 1, **setting},
            train_matrix,
            MAX_TREES,
            evals=[(valid_matrix, "valid")],
            early_stopping_rounds=PATIENCE,
            verbose_eval=False,
        )
        trees = booster.best_iteration + 1

        def scores(columns, booster=booster, trees=trees):
            return booster.predict(xgboost.DMatrix(columns), iteration_range=(0, trees))

        score = ndcg10(scores(valid[0]), valid[1], valid[2])
        print(f"{setting}, {trees} trees: validation ndcg@10 {score:.4f}", flush=True)
        if best is None or score > best[0]:
            best = (score, scores, f"{setting}, {trees} trees")
    return best[1:]


def run(options):
    if options.orders.is_dir() or not options.orders.parent.is_dir():
        raise ValueError(f"{options.orders}: found no place for a file, wanted one")
    train, valid, test = tables_of(options)
    if not (train[1].any() and valid[1].any()):
        raise ValueError(f"{options.data}: found no positive to train or to choose by, wanted some in both splits")
    scores, described = best_booster(train, valid)
    of_test = scores(test[0])
    write_whole(options.orders, "".join(json.dumps({"order": o.tolist()}) + "\n" for o in orders_of(of_test, test[2])))
    print(f"kept {described}; test ndcg@10 {ndcg10(of_test, test[1], test[2]):.4f}; wrote {options.orders}")
