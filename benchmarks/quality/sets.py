"""The real data sets and the marketplace: what psad train and psad evaluate are given for each, with no other flag."""

import collections
import gzip
import importlib
import json

import convert_kuairand
import convert_lists
import convert_trivago
from common import ROOT, package, write_whole

FOLDER = ROOT / "build" / "quality" / "files"
PARTS = 5  # of training lists: LambdaMART teaches each part by trees that have not seen it

# runs(folder, work): one or, of folds, several; measure: what rankers are compared by; beside: whether others than psad
# are trained on it; taught: whether LambdaMART is one more teacher of it
DataSet = collections.namedtuple("DataSet", "runs measure beside taught", defaults=(True, False))


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


def folder_of_lists(folder, _):
    """The format psad-lists-1."""
    yield {"flags": ["--data", folder],
           "lists": {split: ["--data", folder, "--split", split] for split in ("train", "valid", "test")}}


def converted(module):
    def runs(folder, work):
        tables = module.convert(folder, work)
        yield files_run(*([work / f"{split}.jsonl"] for split in ("train", "valid", "test")), tables)

    return runs


def with_counts(folder, work):
    """movietweetings as JSON Lines whose candidates say how many events of all users they had in several spans."""
    tables = convert_lists.convert(folder, work, counts=True)
    yield files_run(*([work / f"{split}.jsonl"] for split in ("train", "valid", "test")), tables)


def read_rows(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def write_rows(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def long_views(folder, work):
    """kuairand-dev with one label: whether a video was watched for long, or more."""
    run = next(converted(convert_kuairand)(folder, work))
    for split in ("train", "valid", "test"):
        rows = read_rows(work / f"{split}.jsonl")
        for row in rows:
            for candidate in row["candidates"]:
                candidate["grade"] = int(candidate["grade"] >= 2)
        write_rows(work / f"{split}.jsonl", rows)
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
        rows = read_rows(requests)
        if not grades:
            train = work / "clicks.jsonl"
            for row in rows:
                for candidate in row["candidates"]:
                    candidate["label"] = min(1, candidate["label"])
            write_rows(train, rows)
        tables = [word for name in ("items", "users", "events") for word in (f"--{name}", warehouse / f"{name}.csv")]
        starts = {"train": 0, "valid": 16000, "test": 18000}
        parts = {split: work / f"{split}.jsonl" for split in starts}
        for (split, path), end in zip(parts.items(), [16000, 18000, len(rows)]):
            write_rows(path, rows[starts[split] : end])
        run = files_run(*([path] for path in parts.values()), tables)
        valid_from, test_from = (str(rows[starts[split]]["ts"]) for split in ("valid", "test"))
        run["flags"] = ["--train", train, "--valid-from", valid_from, "--test-from", test_from, *tables]
        run["own_flags"] = list(flags)
        run["lists"]["test"] = ["--test", requests, "--test-from", test_from, *tables]
        run |= {"truth": warehouse / "truth.npz", "tested": range(starts["test"], len(rows))}
        yield run

    return runs


def out_of_sample_scores(program, run):
    """LambdaMART's score of each training candidate, by trees that were trained on the other parts of the lists."""
    numpy, trees = package("numpy", "python3-numpy"), importlib.import_module("lambdamart")
    train, valid, _ = trees.tables(program, run["flags"], run["lists"])
    setting = trees.best_trees(train, valid)[0].setting
    part_of_list = numpy.arange(len(train.sizes)) % PARTS
    part = numpy.repeat(part_of_list, train.sizes)

    def some(of_candidate, of_list):
        return trees.Table(train.columns[of_candidate], train.gains[of_candidate], train.sizes[of_list], train.fields)

    scores = numpy.zeros(len(part))
    for k in range(PARTS):
        others, this = some(part != k, part_of_list != k), some(part == k, part_of_list == k)
        matrices = ([trees.matrix_of(trees.with_positives(table), fields) for fields in (False, True)]
                    for table in (others, valid))
        scores[part == k] = trees.Trees(setting, 1, *matrices).scores(this)
    return scores.tolist()


def with_scores(paths, scores):
    """The text of training files with another column of candidates, and its name. Throws ValueError unless there is a
    score for each candidate."""
    left, out = list(reversed(scores)), []
    if paths[0].suffix == ".jsonl":
        name = "trees"
        rows = read_rows(paths[0])
        for candidate in [candidate for row in rows for candidate in row["candidates"]]:
            candidate[name] = left.pop() if left else None
        out = [json.dumps(row) + "\n" for row in rows]
    else:
        name = "9999"
        for line in [line for path in paths for line in gzip.open(path, "rt", encoding="utf-8")]:
            if text := line.partition("#")[0].strip():
                out.append(f"{text} {name}:{left.pop() if left else 0:.6g}\n")
    wanted = sum(len(row["candidates"]) for row in rows) if name == "trees" else len(out)
    if wanted != len(scores):
        raise ValueError(f"{paths[0]}: found {wanted} candidates, wanted {len(scores)}, as psad reads")
    return "".join(out), name


def taught_by_trees(program, run, path):
    """The same lists with LambdaMART as one more teacher (--teacher-scores), whose scores are kept at `path`."""
    at = run["flags"].index("--valid")
    paths = run["flags"][1:at]
    scored = path.with_suffix(paths[0].suffix if paths[0].suffix == ".jsonl" else ".txt")
    if not path.exists():
        write_whole(path, json.dumps(out_of_sample_scores(program, run)))
    text, name = with_scores(paths, json.loads(path.read_text(encoding="utf-8")))
    write_whole(scored, text)
    return run | {"flags": ["--train", scored, *run["flags"][at:]], "own_flags": ["--teacher-scores", name]}


def runs_of(name, data, work, program):
    """The runs of a set; `data` is the folder of all sets."""
    work.mkdir(parents=True, exist_ok=True)
    runs = list(SETS[name].runs(data / name.partition(",")[0], work))
    if SETS[name].taught:
        runs = [taught_by_trees(program, run, work / f"scores.{k}.json") for k, run in enumerate(runs)]
    return runs


SETS = {
    "mq2008": DataSet(folds, "ndcg@10"),
    "mq2008, LambdaMART as one more teacher": DataSet(folds, "ndcg@10", beside=False, taught=True),
    "clueweb09": DataSet(folds, "ndcg@10"),
    "lgbm-example": DataSet(three_files, "ndcg@10"),
    "lgbm-example, LambdaMART as one more teacher": DataSet(three_files, "ndcg@10", beside=False, taught=True),
    "kuairand-dev": DataSet(converted(convert_kuairand), "ndcg@10"),
    "kuairand-dev, LambdaMART as one more teacher":
        DataSet(converted(convert_kuairand), "ndcg@10", beside=False, taught=True),
    "kuairand-dev, long views alone": DataSet(long_views, "map"),
    "trivago-multi-dev": DataSet(converted(convert_trivago), "ndcg@10"),
    "trivago-dev": DataSet(folder_of_lists, "ndcg@10"),
    "movietweetings": DataSet(folder_of_lists, "ndcg@10"),
    "movietweetings, counts of events given": DataSet(with_counts, "ndcg@10"),
    "marketplace": DataSet(marketplace(), "value"),
    "marketplace, clicks alone": DataSet(marketplace(grades=False), "value", beside=False),
    "marketplace, --neighbour-effects 0":
        DataSet(marketplace(flags=["--neighbour-effects", "0"]), "value", beside=False),
    "marketplace, no effects of the page":
        DataSet(marketplace(flags=["--neighbour-effects", "0", "--position-effects", "0"]), "value", beside=False),
}
