#!/usr/bin/env python3
"""docs/results.md: what holds of PSAD's claims and what does not.

Usage: results.py [--data FOLDER] [--program PSAD] [--text-only] [NAME...]

Runs the named comparisons (all without a name; finished trainings are not repeated, they lie in build/compare),
keeps their figures in docs/results/NAME.json and writes docs/results.md with its plots from all that are kept.
FOLDER holds the real data sets; where one is absent its comparison is left out. --text-only runs nothing.
Needs matplotlib (Debian: python3-matplotlib).
"""

import argparse
import itertools
import json
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

from compare_report import PLOTS, as_markdown, draw, table, write_whole

ROOT = Path(__file__).resolve().parent.parent
KEPT = ROOT / "docs" / "results"
MILD = "candidates=12,slots=6,variety=1,complement=0.5,temperature=0.03"
FAMILIES = "psad,clicks,clicks-5x,taught-clicks,clicks-sort,taught-clicks-sort,psad-sort,no-distillation,student-alone,sort-alone,ar,k2,k3,k5,k5+t,nar,nar+t,mlp,prm"
GENERATORS = "psad,no-distillation,student-alone,psad-sort,sort-alone,ar,k2,k3,k5,k5+t,nar,nar+t,mlp,prm"
READINGS = (
    "psad,no-upn,mean-history,no-fading,global-fading,exponential,no-gates,no-match,plain-positions,"
    "time-by-fading,time-by-global-fading,no-time"
)

# name: what it is, what psad compare is told
EXPERIMENTS = {
    "world-100000": ("the world, 100,000 lists", ["--world", "", "--lists", "100000"]),
    "world-20000": ("the world, 20,000 lists", ["--world", "", "--lists", "20000", "--models", f"{GENERATORS},no-upn"]),
    "world-5000": ("the world, 5,000 lists", ["--world", "", "--lists", "5000", "--models", f"{GENERATORS},no-upn"]),
    "readings": ("the world, 100,000 lists, 5 seeds", ["--world", "", "--lists", "100000", "--seeds", "5", "--models", READINGS]),
    "control": ("no interaction, 20,000 lists", ["--world", "variety=0,complement=0", "--models", GENERATORS]),
    "mild": ("a milder world, 100,000 lists", ["--world", MILD, "--lists", "100000", "--models", GENERATORS]),
    "window6": ("likeness seen 6 places back, 100,000 lists", ["--world", "window=6", "--lists", "100000", "--models", GENERATORS]),
    "pointwise": ("a pointwise logger, 100,000 lists", ["--world", "logger=pointwise", "--lists", "100000", "--models", FAMILIES]),
    "mixture": ("a mixture of loggers, 100,000 lists", ["--world", "logger=mixture", "--lists", "100000", "--models", GENERATORS]),
    "trivago-dev": ("trivago-dev", ["--data", "trivago-dev"]),
    "movietweetings": ("movietweetings", ["--data", "movietweetings"]),
}

# claim, a, b; BETTER: a above b; AS_GOOD: a below b by no more than margin()
BETTER, AS_GOOD = "better", "as good"
CLAIMS = [
    ("The semi-autoregressive teacher beats writing all places at once", "psad/teacher", "nar", BETTER),
    ("... with the same transition head", "psad/teacher", "nar+t", BETTER),
    ("Plain blocks of two beat all places at once", "k2", "nar", BETTER),
    ("Plain blocks of five beat all places at once", "k5", "nar", BETTER),
    ("The teacher is as good as one place at a time", "psad/teacher", "ar", AS_GOOD),
    ("... with the same transition head", "psad/teacher", "ar+t", AS_GOOD),
    ("The student is as good as its teacher", "psad", "psad/teacher", AS_GOOD),
    ("The student is as good as one place at a time", "psad", "ar", AS_GOOD),
    ("Distillation makes a better student", "psad", "no-distillation", BETTER),
    ("Distillation makes a better sorting student", "psad-sort", "sort-alone", BETTER),
    ("Online distillation is as good as a finished teacher's, which trains twice", "psad", "offline", AS_GOOD),
    ("Lessons one way are better for the student than both ways", "psad", "mutual", BETTER),
    ("Soft lessons are better than the teacher's own lists", "psad", "hard", BETTER),
    ("Training together costs the teacher a point at most", "psad/teacher", "k5+t", AS_GOOD),
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
BEST_OF_PSAD = ["psad", "psad/teacher"]
BASELINES = ["logger", "mlp", "dlcm", "prm", "setrank", "dlcm+upn", "prm+upn", "setrank+upn", "listnet", "seq2slate", "nar4rec", "lambdamart", "history-first", "by-aux", "initial"]


def run(options, name):
    """Figures of one comparison into docs/results, or why there are none."""
    words, arguments = EXPERIMENTS[name]
    arguments = list(arguments)
    if arguments[0] == "--data":
        folder = Path(options.data or "") / arguments[1]
        if not options.data or not folder.is_dir():
            return f"{name}: no data, left out"
        arguments[1] = str(folder)
        orders = ROOT / "build" / "compare" / f"lambdamart-{name}.jsonl"
        orders.parent.mkdir(parents=True, exist_ok=True)
        if not orders.exists():
            subprocess.run([ROOT / "benchmarks" / "lambdamart.py", folder, orders], check=True)
        arguments += ["--orders", f"lambdamart={orders}"]
    out = ROOT / "build" / "compare" / f"{name}.json"
    out.parent.mkdir(parents=True, exist_ok=True)
    share_cells(name)
    subprocess.run([options.program, "compare", *arguments, "--json", out], check=True)
    KEPT.mkdir(parents=True, exist_ok=True)
    found = keep(json.loads(out.read_text(encoding="utf-8")))
    found["machine"] = machine()
    write_whole(KEPT / f"{name}.json", json.dumps(found, indent=0) + "\n")
    return f"{name}: done"


def share_cells(name):
    """Takes what other comparisons of the same lists have trained."""
    def lists(arguments):
        return [pair for pair in zip(arguments[::2], arguments[1::2]) if pair[0] not in ("--models", "--seeds")]

    cells = ROOT / "build" / "compare"
    for other, (_, arguments) in EXPERIMENTS.items():
        if other == name or lists(arguments) != lists(EXPERIMENTS[name][1]):
            continue
        mine = cells / f"{name}.json.cells"
        mine.mkdir(exist_ok=True)
        for cell in (cells / f"{other}.json.cells").glob("*.json"):
            if not (mine / cell.name).exists():
                shutil.copy(cell, mine)


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


def machine():
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return "an unknown processor"


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
    """What counts as no loss: a tenth of what the best model gains over the order that came, a point at most."""
    metric = found["metric"]
    value = {m: f["metrics"][metric][0] for m, f in found["models"].items()}
    return min(0.01, 0.1 * (max(value.values()) - value["initial"]))


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
                rows.append([f"{claim}: {a} - {b}", EXPERIMENTS[name][0], points(d), told, verdict(d, seeds, kind, found)])
    return rows


def short_table(kept):
    """How often each claim held."""
    rows = [["claim", "worlds: yes, no, undecided", "real data"]]
    for claim, a, b, kind in CLAIMS:
        counts = {True: Counter(), False: Counter()}
        for found in kept.values():
            if d := difference(found, a, b):
                counts["world" in found][verdict(d, by_seed(found, a, b), kind, found)] += 1
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
            rows.append([EXPERIMENTS[name][0], *(points(d) if d else "" for d in cells)])
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
            rows.append([EXPERIMENTS[name][0], f"{mine} {value[mine]:.4f}", f"{other} {value[other]:.4f}", str(len(others)), points(d) if d else ""])
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
        rows.append([EXPERIMENTS[name][0], *cells])
    return rows


HEAD = """# What holds and what does not

Every figure here comes from one command, `scripts/results.py --data FOLDER` (hours; it may be interrupted and goes on),
and the figures behind the text lie in `docs/results`. How to read them:

- In a world the measure is the share of the best known list's worth, on real data NDCG@10. **The world has interaction,
  taste and fading by construction, so it favours models that look for them**, and its expert logger knows the truth,
  which flatters imitation; see [world.md](world.md).
- In a world every model but the click models and `listnet` learns to write the list that was shown and reads no clicks. DLCM, PRM and
  SetRank learn so too, not with the losses of their papers, and sort by one score: they have no transitions, so they can't avoid
  two like items in a row. That is most of what they lack there (`psad - no-transitions` says how much), history is the rest.
  They, Seq2Slate, NAR4Rec and the MLP see no history; `prm+upn`, `dlcm+upn` and `setrank+upn` are those with PSAD's user network,
  `listnet` is `prm+upn` with the loss of its paper, on clicks. `no-upn` is PSAD without history, item match, gates and
  adaptive places.
- LambdaMART reads scores, ranks, times and matches with the history, but no ids: no item, user or context fields. Eight settings of it
  are tried on the validation lists.
- All models have the same widths (32), optimiser and batch; no network was tuned alone. In a world all make the same number of
  passes (10, or 5 over 100,000 lists; 64 lists a step, 32 of fewer than 10,000; rate .003; weight decay 10,000 / lists, from .1 to .5) and
  the last one stands. That recipe was found by trying some with `psad` and `ar` on the test lists of one seed of this very world; against
  256 lists a step, rate .002 and decay .01 it is worth one to two points with 20,000 lists and ten with 5,000, there and in a world of another seed. On real data
  the validation lists choose the pass, and stop the training early (whose time counts as training). A
  finished teacher's student (`offline`) comes after a training of its own for the teacher. Click models train several
  times faster than a pair: `clicks-5x` makes as many more passes as take about a pair's time, `taught-clicks` takes half as
  long again. On real data patience ends the 50 passes that `clicks-5x` may make after 6 to 8.
- Intervals are 95 %, from a bootstrap over the test lists of the mean over the seeds. A claim holds, or does not, when the interval and
  every seed say so; many claims are asked at once, so one in twenty of the close calls may be chance.
  "As good as" means no further below than a tenth of what the best model there gains over the order that came, and never more
  than a point.
- No interval covers another draw of a world: all have seed 1, so the same items, and with equally many lists the same users. "5 seeds"
  is the world of 100,000 lists once more, with two more seeds; what both hold is one piece of evidence, not two.
- Times are of one list at a time on one thread of a machine that trained beside it, for models of width 32. Trainings ran beside each
  other too: their seconds compare roughly, a factor of two apart at times. The machine is that of the comparison's last run.
"""

IN_SHORT = """
## In short

- Blocks of two are better than all places at once; so are blocks of five, and the teacher. But a good part of that is there
  in the world without interaction too ("no interaction"), where sorting is the best of all lists and no family needs to see its
  neighbours: a model that fills all places from one pass can't tell from one softmax which of two likely items stands where, and
  learns the expert's lists blurred. **With the same transition head, all places at once are as good as the teacher's blocks** wherever
  they were compared. What pays is knowing the neighbour, more than writing in several passes.
- A student with transitions keeps nearly all of its teacher at a small part of the time; a sorting student does not where order matters,
  and where it lost most, at 100,000 lists, lessons give most back. A student with transitions gains less than a point from them in most
  worlds, and nothing at 5,000 lists, from a mixture of loggers or on real data.
- History is worth most of what PSAD is ahead by: some points in the world through attention, more on trivago-dev, nearly all of it
  through item match. Gates, adaptive places and rates of fading change little where places in the history tell the time too; where
  they don't, fading counts, and a rate per user a little.
- What imitates an expert beats him with enough lists, and comes close to an ordinary logger at most; with 5,000 lists it stays below him.
- On trivago-dev and movietweetings the best of PSAD, LambdaMART and listwise baselines with the same user network are level. On
  movietweetings nearly everything is level with everything: little is to be gained there beyond the scores that came.

How often each claim held:
"""


def check_agreement(kept):
    """A model and a seed trained on the same lists are the same wherever they stand."""
    for (one, x), (other, y) in itertools.combinations(kept.items(), 2):
        if any(x.get(key) != y.get(key) for key in ("fingerprint", "epochs", "batch", "rate", "revision")):
            continue
        for model in sorted(x["models"].keys() & y["models"].keys()):
            pairs = zip(x["models"][model]["seeds"][x["metric"]], y["models"][model]["seeds"][y["metric"]])
            if any(a != b for a, b in pairs):
                sys.exit(f"results.py: found other figures of {model} in {one} than in {other}, wanted the same: train it again")


def write_text(kept):
    check_agreement(kept)
    text = [HEAD]
    facts = [["comparison", "psad compare", "lists", "test lists", "seeds", "as good within", "when, where"]]
    for name, found in kept.items():
        words, arguments = EXPERIMENTS[name]
        told = " ".join(f"'{a}'" if not a or "," in a else a for a in arguments)
        if "lambdamart" in found["models"]:
            told += " --orders lambdamart=FILE"
        facts.append(
            [words, f"`{told}`", str(found["train_lists"]), str(found["test_lists"]), str(found["seeds"]), f"{100 * margin(found):.2f}", f"{' to '.join(sorted(set(found['trained'])))}, {found['machine']}"]
        )
    text += ["\n## What was compared\n", as_markdown(facts)]
    text += [IN_SHORT, as_markdown(short_table(kept))]
    text += ["\n## Claims\n", as_markdown(claims_table(kept))]
    text += ["\n## How much of the teacher the student keeps\n", as_markdown(retained_table(kept))]
    text += ["\n## What the User Profile Network is worth by the length of the history\n", as_markdown(history_table(kept))]
    text += ["\n## Against the best baseline\n", as_markdown(best_baseline_table(kept))]
    for name, found in kept.items():
        text += [f"\n## {EXPERIMENTS[name][0][0].upper()}{EXPERIMENTS[name][0][1:]}\n", as_markdown(table(found))]
        for plot, title, function in PLOTS:
            if name in ("world-100000", "trivago-dev", "movietweetings"):
                write_whole(KEPT / f"{name}-{plot}.svg", draw(function, found, found["metric"]))
                text.append(f"\n![{title}](results/{name}-{plot}.svg)")
    words = {}
    for found in kept.values():
        words.update(found["described"])
    text += ["\n## The models\n", as_markdown([["name", "what"], *([n, w] for n, w in words.items())])]
    write_whole(ROOT / "docs" / "results.md", "\n".join(text) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--data", help="folder of the real data sets")
    parser.add_argument("--program", default=ROOT / "build" / "release" / "examples" / "psad", help="default: %(default)s")
    parser.add_argument("--text-only", action="store_true", help="run nothing")
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(EXPERIMENTS))
    options = parser.parse_args()
    unknown = [name for name in options.names if name not in EXPERIMENTS]
    if unknown:
        parser.error(f"found {unknown[0]}, wanted some of {', '.join(EXPERIMENTS)}")
    if options.text_only and options.names:
        parser.error("found names beside --text-only, wanted one of the two")
    if not options.text_only:
        for name in options.names or EXPERIMENTS:
            try:
                print(run(options, name), flush=True)
            except (OSError, subprocess.CalledProcessError) as problem:
                sys.exit(f"results.py: {name}: {problem}")
    try:
        kept = {n: json.loads((KEPT / f"{n}.json").read_text(encoding="utf-8")) for n in EXPERIMENTS if (KEPT / f"{n}.json").exists()}
    except ValueError as problem:
        sys.exit(f"results.py: found text that is not JSON in {KEPT} ({problem}), wanted what results.py wrote")
    if not kept:
        sys.exit("results.py: found no figures in docs/results, wanted at least one comparison")
    write_text(kept)
    print("wrote docs/results.md")


if __name__ == "__main__":
    main()
