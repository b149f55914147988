"""What docs/results keeps of a comparison's JSON, and whether what lies there can be told."""

import itertools

from claims import BASELINES, BEST_OF_PSAD, CLAIMS, difference

# What two comparisons share if their models are the same.
HOW = ["fingerprint", "epochs", "batch", "shard", "rate", "dropout", "weight_decay", "patience"]


def keep(found):
    """What the text needs: no pairs that nobody asks for, five digits."""
    wanted = {frozenset((a, b)) for _, a, b, _ in CLAIMS}
    wanted |= {frozenset((a, b)) for a in BEST_OF_PSAD for b in BASELINES}
    first = found["metric"]
    found["paired"] = [p for p in found["paired"] if p["metric"] == first and frozenset((p["a"], p["b"])) in wanted]
    return rounded(found)


def rounded(x):
    if isinstance(x, float):
        return float(f"{x:.5g}")
    if isinstance(x, list):
        return [rounded(y) for y in x]
    return {k: rounded(v) for k, v in x.items()} if isinstance(x, dict) else x


def faults(found, asked):
    """What is wrong with figures that were asked for with these arguments of psad compare."""
    metric, models, said = found["metric"], found["models"], dict(zip(asked[::2], asked[1::2]))
    if ("world" in found) != ("--world" in said):
        yield "figures of neither the world nor the data"
    if found["seeds"] != int(said.get("--seeds", 3)) or found["train_lists"] != int(said.get("--lists", found["train_lists"])):
        yield "figures of other seeds or lists"
    for key in (*HOW, "version", "revision", "machine", "test_lists"):
        if not isinstance(found.get(key), (str, int, float)):
            yield f"no {key}"
    paired = [p[side] for p in found["paired"] for side in "ab"]
    for name in ("initial", *said.get("--models", "psad").split(","), *paired):
        if name not in models:
            yield f"no {name}"
    for name, m in models.items():
        if name not in found["described"] or not m["buckets"].keys() <= set(found["buckets"]):
            yield f"no words or buckets of {name}"
        triples = [*m["metrics"].values(), *(x[metric] for x in m["buckets"].values())]
        mean, seeds, time = m["metrics"][metric][0], m["seeds"][metric], m["latency_us"]["p50"]
        if not all(0 <= low <= value <= high < 1e9 for value, low, high in triples) or not 0 <= time < 1e9 or not 0 <= m["train_seconds"] < 1e9:
            yield f"figures of {name} that can't be"
        if len(seeds) != (found["seeds"] if time > 0 else 1) or not abs(sum(seeds) / len(seeds) - mean) < 1e-4:
            yield f"seeds of {name} that are not its own"
    for _, a, b, _ in CLAIMS:
        if a in models and b in models:
            mine = [p for p in found["paired"] if p["metric"] == metric and {p["a"], p["b"]} == {a, b}]
            wanted = models[a]["metrics"][metric][0] - models[b]["metrics"][metric][0]
            differences = [d for p in mine for d in (p["difference"], *p["buckets"].values())]
            if len(mine) != 1 or not all(-1e9 < low <= value <= high < 1e9 for value, low, high in differences):
                yield f"no difference of {a} and {b}, or one that can't be"
            elif not abs(difference(found, a, b)[0] - wanted) < 1e-4:
                yield f"another difference of {a} and {b} than they have"


def check(found, asked):
    """A ValueError unless these are the whole figures of a comparison that was asked for with these arguments."""
    if found.get("asked") != asked:
        raise ValueError(f"found the figures of {found.get('asked')}, wanted those of {asked}: run it again")
    for fault in faults(found, asked):
        raise ValueError(f"found {fault}, wanted the whole figures that results.py wrote")


def check_agreement(kept):
    """All are of one revision of psad, and a model and a seed trained on the same lists are the same wherever they stand.

    Else a ValueError.
    """
    told = {name: f"version {found['version']}, revision {found['revision']}" for name, found in kept.items()}
    for one, other in itertools.combinations(told, 2):
        if told[one] != told[other]:
            raise ValueError(f"found {told[one]} in {one} and {told[other]} in {other}, wanted one of both: run the older again")
    for (one, x), (other, y) in itertools.combinations(kept.items(), 2):
        if any(x[key] != y[key] for key in HOW):
            continue
        for model in sorted(x["models"].keys() & y["models"].keys()):
            pairs = zip(x["models"][model]["seeds"][x["metric"]], y["models"][model]["seeds"][y["metric"]])
            if any(a != b for a, b in pairs):
                raise ValueError(f"found other figures of {model} in {one} than in {other}, wanted the same: train it again")
