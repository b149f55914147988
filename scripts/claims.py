"""The claims that docs/results.md asks about, and what the figures of psad compare say of each.

A comparison is the JSON of psad compare; `kept` maps the title of each to it.
"""

import itertools
from collections import Counter

# claim, a, b; BETTER: a above b; AS_GOOD: a below b by no more than margin()
BETTER, AS_GOOD = "better", "as good"
CLAIMS = [
    ("The semi-autoregressive teacher beats writing all places at once", "psad/teacher", "nar", BETTER),
    ("With the same transition head all places at once are as good as the teacher", "nar+t", "psad/teacher", AS_GOOD),
    ("Plain blocks of two beat all places at once", "k2", "nar", BETTER),
    ("Plain blocks of five beat all places at once", "k5", "nar", BETTER),
    ("The teacher is as good as one place at a time", "psad/teacher", "ar", AS_GOOD),
    ("... with the same transition head too", "psad/teacher", "ar+t", AS_GOOD),
    ("The student is as good as its teacher", "psad", "psad/teacher", AS_GOOD),
    ("The student is as good as one place at a time", "psad", "ar", AS_GOOD),
    ("Distillation makes a better student", "psad", "no-distillation", BETTER),
    ("Distillation makes a better sorting student", "psad-sort", "sort-alone", BETTER),
    ("Online distillation is as good as a finished teacher's, which trains twice", "psad", "offline", AS_GOOD),
    ("Lessons one way are better for the student than both ways", "psad", "mutual", BETTER),
    ("Soft lessons are better than the teacher's own lists", "psad", "hard", BETTER),
    ("Training together costs the teacher nothing that counts", "psad/teacher", "k5+t", AS_GOOD),
    ("The User Profile Network helps: history, item match, gates and adaptive places together", "psad", "no-upn", BETTER),
    ("Attention to the history beats its mean", "psad", "mean-history", BETTER),
    ("Gates help", "psad", "no-gates", BETTER),
    ("Fading helps", "psad", "no-fading", BETTER),
    ("A fading rate per user beats one for all", "psad", "global-fading", BETTER),
    ("Where positions carry no time, fading helps", "time-by-fading", "no-time", BETTER),
    ("... and a rate per user beats one for all", "time-by-fading", "time-by-global-fading", BETTER),
    ("Positions with time help beside fading", "psad", "time-by-fading", BETTER),
    ("Adaptive positions help", "psad", "plain-positions", BETTER),
    ("Item match helps", "psad", "no-match", BETTER),
    ("Transition heads, of teacher and student, help the student", "psad", "no-transitions", BETTER),
    ("The student beats LambdaMART", "psad", "lambdamart", BETTER),
    ("... and so does the sorting student", "psad-sort", "lambdamart", BETTER),
    ("The student beats sorting by aux, the best rule for films", "psad", "by-aux", BETTER),
    ("The student beats history first, the best rule for hotels", "psad", "history-first", BETTER),
    ("Without history too the teacher, with its transitions, beats Seq2Slate, which has none", "no-upn/teacher", "seq2slate", BETTER),
    ("Imitating what was shown beats the logger", "psad", "logger", BETTER),
    ("A click model that knows its neighbours beats the logger", "clicks", "logger", BETTER),
    ("... with five times the passes", "clicks-5x", "logger", BETTER),
    ("A click model beats the student that imitates", "clicks", "psad", BETTER),
    ("A student that imitates, then learns clicks, beats the logger", "taught-clicks", "logger", BETTER),
    ("... and the student that only imitates", "taught-clicks", "psad", BETTER),
    ("... and a click model without that start, with more passes", "taught-clicks", "clicks-5x", BETTER),
    ("... and one that does not know its neighbours", "taught-clicks", "taught-clicks-sort", BETTER),
    ("The student with self-attention is as good as one place at a time", "attention", "ar", AS_GOOD),
    ("... and twice the width in scorer and transitions", "attention-wide", "ar", AS_GOOD),
    ("Distillation makes a better sorting student with self-attention", "attention-sort", "attention-sort-alone", BETTER),
    ("PSAD beats PRM with the same UPN", "psad", "prm+upn", BETTER),
    ("PSAD beats DLCM with the same UPN", "psad", "dlcm+upn", BETTER),
]
BEST_OF_PSAD = ["psad", "psad/teacher", "psad-sort"]
RULES = ["initial", "history-first", "by-aux"]  # they need no training
BASELINES = ["logger", "mlp", "dlcm", "prm", "setrank", "dlcm+upn", "prm+upn", "setrank+upn", "listnet", "seq2slate", "nar4rec", "lambdamart", "history-first", "by-aux", "initial"]


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


def difference(found, a, b, bucket=None):
    """[a - b, low, high] by the first metric, or None."""
    for p in found["paired"]:
        d = p["buckets"].get(bucket) if bucket else p["difference"]
        if d and (p["a"], p["b"]) == (a, b):
            return d
        if d and (p["a"], p["b"]) == (b, a):
            return [-d[0], -d[2], -d[1]]
    return None


def points(d):
    """A difference in points of a hundred."""
    return "{:+.2f} [{:+.2f}, {:+.2f}]".format(*(100 * x for x in d))


def by_seed(found, a, b):
    """The differences of the seeds; a rule has the same figure for all."""
    metric = found["metric"]
    x, y = (found["models"][m]["seeds"][metric] for m in (a, b))
    count = max(len(x), len(y))
    return [p - q for p, q in zip(x * (count if len(x) == 1 else 1), y * (count if len(y) == 1 else 1))]


def margin(found):
    """What counts as no loss: a tenth of what the best model gains over the best rule, a point at most.

    The logger of a world is no rule: it knows what no model is told.
    """
    metric = found["metric"]
    value = {m: f["metrics"][metric][0] for m, f in found["models"].items()}
    return min(0.01, 0.1 * (max(value.values()) - max(value[m] for m in RULES if m in value)))


def verdict(d, seeds, kind, found):
    """Only what both the interval over lists and every seed say."""
    floor = -margin(found) if kind == AS_GOOD else 0
    if d[1] > floor and min(seeds) > floor:
        return "**yes**"
    if d[2] < floor and max(seeds) < floor:
        return "**no**"
    return "undecided"


def claims_table(kept):
    rows = [["claim", "where", "a - b, points", "by seed", "holds?"]]
    for claim, a, b, kind in CLAIMS:
        for name, found in kept.items():
            d = difference(found, a, b)
            if d:
                seeds = by_seed(found, a, b)
                told = ", ".join(f"{100 * x:+.2f}" for x in seeds)
                rows.append([f"{claim}: {a} - {b}", name, points(d), told, verdict(d, seeds, kind, found)])
    return rows


def short_table(kept):
    """How often each claim held. Comparisons of the same lists count once, that of most seeds."""
    rows = [["claim", "worlds: yes, no, undecided", "real data"]]
    for claim, a, b, kind in CLAIMS:
        asked = {}
        for found in sorted(kept.values(), key=lambda f: f["seeds"]):
            if difference(found, a, b):
                asked[found["fingerprint"]] = found
        counts = {True: Counter(), False: Counter()}
        for found in asked.values():
            counts["world" in found][verdict(difference(found, a, b), by_seed(found, a, b), kind, found)] += 1
        told = [", ".join(str(c[v]) for v in ("**yes**", "**no**", "undecided")) if c else "" for c in (counts[True], counts[False])]
        rows.append([f"{claim}: {a} - {b}", *told])
    return rows


def history_table(kept):
    """What the UPN is worth by the length of the history."""
    labels = next((found["buckets"] for found in kept.values()), [])
    rows = [["psad - no-upn, points", *(f"{label} events" for label in labels)]]
    for name, found in kept.items():
        cells = [difference(found, "psad", "no-upn", label) for label in labels]
        if any(cells):
            rows.append([name, *(points(d) if d else "" for d in cells)])
    return rows


def best_baseline_table(kept):
    """The best of PSAD beside the best baseline of each comparison."""
    rows = [["where", "best of PSAD", "best baseline", "of how many", "difference, points"]]
    for name, found in kept.items():
        metric = found["metric"]
        value = {m: f["metrics"][metric][0] for m, f in found["models"].items()}
        mine = max((m for m in BEST_OF_PSAD if m in value), key=value.get, default=None)
        others = [m for m in BASELINES if m in value]
        if mine and others:
            other = max(others, key=value.get)
            d = difference(found, mine, other)
            rows.append([name, f"{mine} {value[mine]:.4f}", f"{other} {value[other]:.4f}", str(len(others)), points(d) if d else ""])
    return rows


def retained_table(kept):
    """Students as a share of their teachers."""
    rows = [["where", "student", "of its teacher", "sorting student", "of its teacher"]]
    for name, found in kept.items():
        value = {m: f["metrics"][found["metric"]][0] for m, f in found["models"].items()}
        if "psad" not in value:
            continue
        cells = []
        for student in ("psad", "psad-sort"):
            mine, taught = value.get(student), value.get(f"{student}/teacher")
            cells += [f"{mine:.4f}", f"{100 * mine / taught:.1f} %"] if mine and taught else ["", ""]
        rows.append([name, *cells])
    return rows


HOW = ["fingerprint", "epochs", "batch", "shard", "rate", "dropout", "weight_decay", "patience"]


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
