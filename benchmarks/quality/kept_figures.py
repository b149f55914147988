"""What docs/results keeps of a comparison's JSON, and whether what lies there can be right."""

import itertools

from claims import CLAIMS, difference
from names import BASELINES, BEST_OF_PSAD

# What two comparisons share if their models are the same.
HOW = ["fingerprint", "epochs", "batch", "shard", "learning_rate", "dropout", "weight_decay", "patience"]


def keep(found):
    """What the text needs: no pairs that nobody asks for, five digits."""
    wanted = {frozenset((a, b)) for _, a, b, _ in CLAIMS}
    wanted |= {frozenset((a, b)) for a in BEST_OF_PSAD for b in BASELINES}
    pairs = [p for p in found["paired"] if p["metric"] == found["metric"] and frozenset((p["a"], p["b"])) in wanted]
    return rounded(found | {"paired": pairs})


def rounded(x):
    if isinstance(x, float):
        return float(f"{x:.5g}")
    if isinstance(x, list):
        return [rounded(y) for y in x]
    return {k: rounded(v) for k, v in x.items()} if isinstance(x, dict) else x


def faults_of_model(found, name):
    """What is wrong with the figures of one model."""
    model, metric = found["models"][name], found["metric"]
    if name not in found["descriptions"] or not model["buckets"].keys() <= set(found["buckets"]):
        yield f"no description or buckets of {name}"
    triples = [*model["metrics"].values(), *(bucket[metric] for bucket in model["buckets"].values())]
    times = [model["latency_us"]["p50"], model["train_seconds"]]
    possible = all(0 <= low <= value <= high < 1e9 for value, low, high in triples)
    if not possible or not all(0 <= time < 1e9 for time in times):
        yield f"figures of {name} that can't be"
    mean, seeds = model["metrics"][metric][0], model["seeds"][metric]
    if len(seeds) != (found["seeds"] if times[0] > 0 else 1) or not abs(sum(seeds) / len(seeds) - mean) < 1e-4:
        yield f"seeds of {name} that are not its own"


def faults_of_pair(found, a, b):
    """What is wrong with the difference of two models that a claim asks for."""
    metric, models = found["metric"], found["models"]
    pairs = [p for p in found["paired"] if p["metric"] == metric and {p["a"], p["b"]} == {a, b}]
    differences = [d for p in pairs for d in (p["difference"], *p["buckets"].values())]
    wanted = models[a]["metrics"][metric][0] - models[b]["metrics"][metric][0]
    if len(pairs) != 1 or not all(-1e9 < low <= value <= high < 1e9 for value, low, high in differences):
        yield f"no difference of {a} and {b}, or one that can't be"
    elif not abs(difference(found, a, b)[0] - wanted) < 1e-4:
        yield f"another difference of {a} and {b} than they have"


def faults(found, arguments):
    """What is wrong with figures that psad-compare was asked for with these arguments."""
    models, given = found["models"], dict(zip(arguments[::2], arguments[1::2]))
    if ("world" in found) != ("--world" in given):
        yield "figures of neither the world nor the data"
    lists = int(given.get("--lists", found["train_lists"]))
    if found["seeds"] != int(given.get("--seeds", 3)) or found["train_lists"] != lists:
        yield "figures of other seeds or lists"
    for key in (*HOW, "version", "revision", "machine", "test_lists"):
        if not isinstance(found.get(key), (str, int, float)):
            yield f"no {key}"
    paired = [pair[side] for pair in found["paired"] for side in "ab"]
    for name in ("initial", *given.get("--models", "psad").split(","), *paired):
        if name not in models:
            yield f"no {name}"
    for name in models:
        yield from faults_of_model(found, name)
    for _, a, b, _ in CLAIMS:
        if a in models and b in models:
            yield from faults_of_pair(found, a, b)


def check(found, arguments):
    """A ValueError unless these are the whole figures that psad-compare was asked for with these arguments."""
    if found.get("arguments") != arguments:
        raise ValueError(f"found the figures of {found.get('arguments')}, wanted those of {arguments}: run it again")
    if fault := next(faults(found, arguments), None):
        raise ValueError(f"found {fault}, wanted the whole figures that the command results writes")


def check_agreement(kept):
    """All are of one revision of psad, and a model and a seed trained on the same lists are the same in all of them.

    Else a ValueError.
    """
    for (one, x), (other, y) in itertools.combinations(kept.items(), 2):
        version, other_version = (f"version {found['version']}, revision {found['revision']}" for found in (x, y))
        if version != other_version:
            what = f"found {version} in {one} and {other_version} in {other}"
            raise ValueError(f"{what}, wanted one of both: run the older again")
    for (one, x), (other, y) in itertools.combinations(kept.items(), 2):
        if any(x[key] != y[key] for key in HOW):
            continue
        for model in sorted(x["models"].keys() & y["models"].keys()):
            pairs = zip(x["models"][model]["seeds"][x["metric"]], y["models"][model]["seeds"][y["metric"]])
            if any(a != b for a, b in pairs):
                what = f"found other figures of {model} in {one} than in {other}"
                raise ValueError(f"{what}, wanted the same: train it again")
