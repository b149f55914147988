"""The command lambdamart: LambdaMART (xgboost) on what a psad model reads of each candidate, an outside yardstick.

psad encode writes the inputs: numbers as the model sees them, list-relative ones and history matches too, and fields
as categories; item ids are left out. Gradient-boosted trees are trained for NDCG on the training lists with every
setting of a grid; the validation lists choose the setting and the number of trees. The command writes one JSON line
per test list of a folder, {"order": [...]}, best candidate first: of a folder in the format psad-lists-1, or of one
that holds train.jsonl.gz, valid.jsonl.gz and test.jsonl.gz, and maybe tables of items, users and events of like names.
Needs xgboost and numpy (Debian: python3-xgboost).
"""

import collections
import itertools
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from common import package, write_whole

xgboost = package("xgboost", "python3-xgboost")
numpy = package("numpy", "python3-numpy")

GRID = {"fields": [False, True], "max_depth": [4, 6], "eta": [0.05, 0.1], "min_child_weight": [1, 20]}
ONE_SETTING = {"fields": [False], "max_depth": [4], "eta": [0.1], "min_child_weight": [20]}
MAX_TREES, PATIENCE = 600, 50
SPLITS = ("train", "valid", "test")

# columns [candidates, columns], the last `fields` of them categories; gains [candidates]; candidates of each list
Table = collections.namedtuple("Table", "columns gains sizes fields")


def read(program, model, words, folder):
    """The table of the lists that psad evaluate would read with these words."""
    shutil.rmtree(folder, ignore_errors=True)
    subprocess.run([program, "encode", "--model", model, *words, "--out", folder], stdout=subprocess.DEVNULL,
                   check=True)
    named = json.loads((folder / "columns.json").read_text(encoding="utf-8"))
    arrays = [numpy.load(folder / f"{name}.npy") for name in ("inputs", "gain", "offsets")]
    shutil.rmtree(folder)
    return Table(arrays[0], arrays[1], numpy.diff(arrays[2]), len(named["fields"]))


def tables(program, train_words, words_of):
    """The tables of the three splits, by the encoder that psad train fits. `words_of` holds each split's words."""
    with tempfile.TemporaryDirectory() as work:
        model = Path(work) / "model"
        subprocess.run([program, "train", *train_words, "--steps", "1", "--out", model], stdout=subprocess.DEVNULL,
                       check=True)
        return [read(program, model, words_of[split], Path(work) / "encoded") for split in SPLITS]


def orders_of(scores, sizes):
    """Per list the positions by falling score; ties keep the initial order."""
    ends = numpy.cumsum(sizes)
    return [numpy.argsort(-scores[end - size : end], kind="stable") for end, size in zip(ends, sizes)]


def ndcg10(scores, table):
    """NDCG@10 of each list, None where it has no positive."""
    values, first = [], 0
    discount = 1 / numpy.log2(numpy.arange(10) + 2)
    for size, order in zip(table.sizes, orders_of(scores, table.sizes)):
        gains = table.gains[first : first + size]
        first += size
        best = numpy.sort(gains)[::-1][:10]
        ideal = float((best * discount[: len(best)]).sum())
        values.append(float((gains[order[:10]] * discount[: len(best)]).sum()) / ideal if ideal > 0 else None)
    return values


def average_precision(scores, table):
    """Of each list over all its positives, None where it has none."""
    values, first = [], 0
    for size, order in zip(table.sizes, orders_of(scores, table.sizes)):
        positive = table.gains[first : first + size][order] > 0
        first += size
        ranks = numpy.flatnonzero(positive) + 1
        values.append(float((numpy.arange(len(ranks)) + 1).dot(1 / ranks)) / len(ranks) if len(ranks) else None)
    return values


def mean(values):
    return statistics.fmean(value for value in values if value is not None)


def with_positives(table):
    """What can teach: lists with a positive."""
    of_list = numpy.repeat(numpy.arange(len(table.sizes)), table.sizes)
    good = numpy.bincount(of_list, weights=table.gains, minlength=len(table.sizes)) > 0
    kept = good[of_list]
    return Table(table.columns[kept], table.gains[kept], table.sizes[good], table.fields)


def matrix_of(table, fields):
    """For xgboost, which reads grades: gains are 2^grade - 1."""
    numbers = table.columns.shape[1] - table.fields
    columns = table.columns if fields else table.columns[:, :numbers]
    types = ["q"] * numbers + ["c"] * (columns.shape[1] - numbers)
    matrix = xgboost.DMatrix(columns, numpy.round(numpy.log2(table.gains + 1)), feature_types=types,
                             enable_categorical=True)
    matrix.set_group(table.sizes)
    return matrix


class Trees:
    """LambdaMART of one setting and seed."""

    def __init__(self, setting, seed, train, valid):
        self.setting, self.fields = setting, setting["fields"]
        # The trees differ by the number of threads.
        parameters = {"objective": "rank:ndcg", "eval_metric": "ndcg@10", "tree_method": "hist", "seed": seed,
                      "nthread": 1, "colsample_bytree": 0.7}
        parameters |= {name: x for name, x in setting.items() if name != "fields"}
        start = time.monotonic()
        self.booster = xgboost.train(parameters, train[self.fields], MAX_TREES, evals=[(valid[self.fields], "valid")],
                                     early_stopping_rounds=PATIENCE, verbose_eval=False)
        self.seconds = time.monotonic() - start
        self.trees = self.booster.best_iteration + 1

    def scores(self, table):
        return self.booster.predict(matrix_of(table, self.fields), iteration_range=(0, self.trees))

    def __str__(self):
        return f"{self.setting}, {self.trees} trees"


def best_trees(train, valid, seeds=(1,), grid=None):
    """One forest a seed, all of the setting that is best on the validation lists with the first."""
    matrices = [[matrix_of(with_positives(table), fields) for fields in (False, True)] for table in (train, valid)]
    best = None
    grid = grid or GRID
    for values in itertools.product(*grid.values()):
        setting = dict(zip(grid, values))
        if setting["fields"] and train.fields == 0:
            continue
        trees = Trees(setting, seeds[0], *matrices)
        score = mean(ndcg10(trees.scores(valid), valid))
        print(f"{trees}: validation ndcg@10 {score:.4f}", file=sys.stderr, flush=True)
        if best is None or score > best[0]:
            best = (score, trees)
    return [best[1], *(Trees(best[1].setting, seed, *matrices) for seed in seeds[1:])]


def words_of(folder):
    """What psad train is given, and for each split what psad encode is given."""
    if (folder / "meta.tsv").exists():
        return ["--data", folder], {split: ["--data", folder, "--split", split] for split in SPLITS}
    names = ("items", "users", "events")
    known = [word for name in names if (folder / f"{name}.jsonl.gz").exists()
             for word in (f"--{name}", folder / f"{name}.jsonl.gz")]
    files = {split: folder / f"{split}.jsonl.gz" for split in SPLITS}
    train_words = ["--train", files["train"], "--valid", files["valid"], *known]
    return train_words, {split: ["--test", file, *known] for split, file in files.items()}


def run(options):
    if options.orders.is_dir() or not options.orders.parent.is_dir():
        raise ValueError(f"{options.orders}: found no place for a file, wanted one")
    train, valid, test = tables(options.program, *words_of(options.data))
    if not (train.gains.any() and valid.gains.any()):
        raise ValueError(f"{options.data}: found no positive to train or to choose by, wanted some in both splits")
    trees = best_trees(train, valid, grid=ONE_SETTING if options.one_setting else GRID)[0]
    of_test = trees.scores(test)
    lines = [json.dumps({"order": order.tolist()}) + "\n" for order in orders_of(of_test, test.sizes)]
    write_whole(options.orders, "".join(lines))
    print(f"kept {trees}; test ndcg@10 {mean(ndcg10(of_test, test)):.4f}; wrote {options.orders}")
