"""The claims that docs/results.md asks about, and what the figures of psad compare say of each.

A comparison is the JSON of psad compare; `kept` maps the title of each to it.
"""

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
