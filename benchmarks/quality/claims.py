"""The claims that docs/results.md asks about, and what the figures of psad-compare say of each.

A comparison is the JSON of psad-compare; `kept` maps the title of each to it.
"""

from collections import Counter

from names import BASELINES, BEST_OF_PSAD, HEURISTICS
from tables import interval, value

# BETTER: a above b; AS_GOOD: a below b by no more than margin()
BETTER, AS_GOOD = "better", "as good"
VERDICTS = YES, NO, UNDECIDED = "**yes**", "**no**", "undecided"

# claim, a, b, kind
CLAIMS = [
    ("The semi-autoregressive teacher beats filling all positions at once", "psad/teacher", "nar", BETTER),
    ("With the same transition head all positions at once are as good as the teacher",
     "nar+t", "psad/teacher", AS_GOOD),
    ("Plain blocks of two beat all positions at once", "k2", "nar", BETTER),
    ("Plain blocks of five beat all positions at once", "k5", "nar", BETTER),
    ("The teacher is as good as one position at a time", "psad/teacher", "ar", AS_GOOD),
    ("... with the same transition head too", "psad/teacher", "ar+t", AS_GOOD),
    ("The student is as good as its teacher", "psad", "psad/teacher", AS_GOOD),
    ("The student is as good as one position at a time", "psad", "ar", AS_GOOD),
    ("Distillation makes a better student", "psad", "no-distillation", BETTER),
    ("Distillation makes a better sorting student", "psad-sort", "sort-alone", BETTER),
    ("Online distillation is as good as a finished teacher's, which trains twice", "psad", "offline", AS_GOOD),
    ("Distillation one way is better for the student than both ways", "psad", "mutual", BETTER),
    ("Soft distillation is better than the teacher's own lists", "psad", "hard", BETTER),
    ("Training together costs the teacher nothing that counts", "psad/teacher", "k5+t", AS_GOOD),
    ("The User Profile Network helps: history, item match, gates and adaptive positions together",
     "psad", "no-upn", BETTER),
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
    ("The student beats sorting by aux, the best heuristic for films", "psad", "by-aux", BETTER),
    ("The student beats history first, the best heuristic for hotels", "psad", "history-first", BETTER),
    ("Without history too the teacher, with its transitions, beats Seq2Slate, which has none",
     "no-upn/teacher", "seq2slate", BETTER),
    ("Imitating what was logged beats it", "psad", "logged", BETTER),
    ("A click model that knows its neighbours beats what was logged", "clicks", "logged", BETTER),
    ("... with five times the passes", "clicks-5x", "logged", BETTER),
    ("A click model beats the student that imitates", "clicks", "psad", BETTER),
    ("A student that imitates, then learns clicks, beats what was logged", "pretrained-clicks", "logged", BETTER),
    ("... and the student that only imitates", "pretrained-clicks", "psad", BETTER),
    ("... and a click model without that start, with more passes", "pretrained-clicks", "clicks-5x", BETTER),
    ("... and one that does not know its neighbours", "pretrained-clicks", "pretrained-clicks-sort", BETTER),
    ("The student with self-attention is as good as one position at a time", "attention", "ar", AS_GOOD),
    ("... and twice the width in scorer and transitions", "attention-wide", "ar", AS_GOOD),
    ("Distillation makes a better sorting student with self-attention",
     "attention-sort", "attention-sort-alone", BETTER),
    ("PSAD beats PRM with the same UPN", "psad", "prm+upn", BETTER),
    ("PSAD beats DLCM with the same UPN", "psad", "dlcm+upn", BETTER),
]


def difference(found, a, b, bucket=None):
    """[a - b, low, high] by the first metric, or None."""
    for pair in found["paired"]:
        d = pair["buckets"].get(bucket) if bucket else pair["difference"]
        if d and (pair["a"], pair["b"]) == (a, b):
            return d
        if d and (pair["a"], pair["b"]) == (b, a):
            return [-d[0], -d[2], -d[1]]
    return None


def points(d):
    """A difference in points of a hundred, as text."""
    return interval([100 * x for x in d], "+.2f") if d else ""


def by_seed(found, a, b):
    """The differences of the seeds; a heuristic has the same figure for all."""
    x, y = (found["models"][m]["seeds"][found["metric"]] for m in (a, b))
    count = max(len(x), len(y))
    return [p - q for p, q in zip(x * (count if len(x) == 1 else 1), y * (count if len(y) == 1 else 1))]


def values_of(found):
    """Of each model, by the first metric."""
    return {name: value(model, found["metric"]) for name, model in found["models"].items()}


def margin(found):
    """What counts as no loss: a tenth of what the best model gains over the best heuristic, a point at most."""
    values = values_of(found)
    return min(0.01, 0.1 * (max(values.values()) - max(values[m] for m in HEURISTICS if m in values)))


def verdict(d, seeds, kind, found):
    """Only what both the interval over lists and every seed say."""
    floor = -margin(found) if kind == AS_GOOD else 0
    if d[1] > floor and min(seeds) > floor:
        return YES
    if d[2] < floor and max(seeds) < floor:
        return NO
    return UNDECIDED


def claims_table(kept):
    rows = [["claim", "where", "a - b, points", "by seed", "holds?"]]
    for claim, a, b, kind in CLAIMS:
        for title, found in kept.items():
            if d := difference(found, a, b):
                seeds = by_seed(found, a, b)
                of_seeds = ", ".join(f"{100 * x:+.2f}" for x in seeds)
                rows.append([f"{claim}: {a} - {b}", title, points(d), of_seeds, verdict(d, seeds, kind, found)])
    return rows


def short_table(kept):
    """How often each claim held. Comparisons of the same lists count once, that of most seeds."""
    rows = [["claim", "worlds: yes, no, undecided", "real data"]]
    for claim, a, b, kind in CLAIMS:
        last = {}
        for found in sorted(kept.values(), key=lambda f: f["seeds"]):
            if difference(found, a, b):
                last[found["fingerprint"]] = found
        worlds, data = Counter(), Counter()
        for found in last.values():
            counts = worlds if "world" in found else data
            counts[verdict(difference(found, a, b), by_seed(found, a, b), kind, found)] += 1
        cells = [", ".join(str(counts[v]) for v in VERDICTS) if counts else "" for counts in (worlds, data)]
        rows.append([f"{claim}: {a} - {b}", *cells])
    return rows


def history_table(kept):
    """What the UPN is worth by the length of the history."""
    labels = next((found["buckets"] for found in kept.values()), [])
    rows = [["psad - no-upn, points", *(f"{label} events" for label in labels)]]
    for title, found in kept.items():
        differences = [difference(found, "psad", "no-upn", label) for label in labels]
        if any(differences):
            rows.append([title, *map(points, differences)])
    return rows


def best_baseline_table(kept):
    """The best of PSAD beside the best baseline of each comparison."""
    rows = [["where", "best of PSAD", "best baseline", "of how many", "difference, points"]]
    for title, found in kept.items():
        values = values_of(found)
        ours = max((m for m in BEST_OF_PSAD if m in values), key=values.get, default=None)
        others = [m for m in BASELINES if m in values]
        if ours and others:
            other = max(others, key=values.get)
            best = [f"{m} {values[m]:.4f}" for m in (ours, other)]
            rows.append([title, *best, str(len(others)), points(difference(found, ours, other))])
    return rows


def retained_table(kept):
    """Students as a share of their teachers."""
    rows = [["where", "student", "of its teacher", "sorting student", "of its teacher"]]
    for title, found in kept.items():
        values = values_of(found)
        if "psad" not in values:
            continue
        cells = []
        for name in ("psad", "psad-sort"):
            student, teacher = values.get(name), values.get(f"{name}/teacher")
            cells += [f"{student:.4f}", f"{100 * student / teacher:.1f} %"] if student and teacher else ["", ""]
        rows.append([title, *cells])
    return rows
