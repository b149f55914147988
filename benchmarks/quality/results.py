#!/usr/bin/env python3
"""docs/results.md: what holds of PSAD's claims and what does not.

Usage: results.py [--data FOLDER] [--program PSAD] [--text-only] [NAME...]

Runs the named comparisons (all without a name; finished trainings are not repeated, they lie in build/compare),
keeps their figures in docs/results/NAME.json and writes docs/results.md with its plots from all that are kept.
FOLDER holds the real data sets; where one is absent its comparison is left out. --text-only runs nothing.
Needs matplotlib (Debian: python3-matplotlib).
"""

import argparse
import contextlib
import json
import os
import subprocess
import sys
from pathlib import Path

import claims
import kept_figures
from compare_report import PLOTS, as_markdown, draw, table, write_whole

ROOT = Path(__file__).resolve().parent.parent
KEPT = ROOT / "docs" / "results"
MILD = "candidates=12,slots=6,variety=1,complement=0.5,temperature=0.03"
GENERATORS = "psad,no-distillation,student-alone,psad-sort,sort-alone,ar,k2,k3,k5,k5+t,nar,nar+t,mlp,prm"
CLICKS = "clicks,clicks-5x,taught-clicks,clicks-sort,taught-clicks-sort"
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
    "pointwise": ("a pointwise logger, 100,000 lists", ["--world", "logger=pointwise", "--lists", "100000", "--models", f"{GENERATORS},{CLICKS}"]),
    "mixture": ("a mixture of loggers, 100,000 lists", ["--world", "logger=mixture", "--lists", "100000", "--models", GENERATORS]),
    "trivago-dev": ("trivago-dev", ["--data", "trivago-dev"]),
    "movietweetings": ("movietweetings", ["--data", "movietweetings"]),
}

DRAWN = ("world-100000", "trivago-dev", "movietweetings")


def run(options, name):
    """Figures of one comparison into docs/results, or why there are none."""
    arguments = list(EXPERIMENTS[name][1])
    if arguments[0] == "--data":
        folder = Path(options.data or "") / arguments[1]
        if not options.data or not folder.is_dir():
            return f"{name}: no data, left out"
        arguments[1] = str(folder)
        orders = ROOT / "build" / "compare" / f"lambdamart-{name}.jsonl"
        orders.parent.mkdir(parents=True, exist_ok=True)
        script = ROOT / "benchmarks" / "lambdamart.py"
        if not orders.exists() or orders.stat().st_mtime < max(p.stat().st_mtime for p in (script, *folder.iterdir())):
            subprocess.run([script, folder, orders], check=True)
        arguments += ["--orders", f"lambdamart={orders}"]
    out = ROOT / "build" / "compare" / f"{name}.json"
    out.parent.mkdir(parents=True, exist_ok=True)
    share_cells(name)
    subprocess.run([options.program, "compare", *arguments, "--json", out], check=True)
    KEPT.mkdir(parents=True, exist_ok=True)
    found = kept_figures.keep(json.loads(out.read_text(encoding="utf-8")))
    found |= {"machine": machine(), "asked": EXPERIMENTS[name][1]}
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
                write_whole(mine / cell.name, cell.read_text(encoding="utf-8"))


def machine():
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return "an unknown processor"


HEAD = """# What holds and what does not

Every table here comes from one command, `scripts/results.py --data FOLDER` (hours; it may be interrupted and goes on),
and the figures behind it lie in `docs/results`; what the text quotes from elsewhere it says, or tells what was tried. How to read them:

- In a world the measure is the share of the best known list's worth, on real data NDCG@10. **The world has interaction, taste and fading by
  construction, so it favours models that look for them**, and its expert logger knows the truth, which flatters imitation; see
  [world.md](world.md).
- In a world every model but the click models and `listnet` learns to write the list that was shown. None of them reads clicks but
  `nar4rec`, whose penalty pushes down lists without one: with an expert's lists, good ones that had no luck. DLCM, PRM and SetRank learn to
  write lists too, not with the losses of their papers, and sort by one score: they have no transitions, so they can't avoid two like items
  in a row. That is most of what they lack in the world (`psad - no-transitions` says how much), history is the rest. They, Seq2Slate,
  NAR4Rec and the MLP see no event of the history, only its length, how recent it is and whether it touches the list; `prm+upn`, `dlcm+upn`
  and `setrank+upn` are those with PSAD's user network, `listnet` is `prm+upn` with the loss of its paper, on clicks. `no-upn` is PSAD that
  sees as little, and has no item match, gates and adaptive places.
- LambdaMART reads scores, ranks, times and matches with the history, but no ids: no item, user or context fields. Eight settings of it are
  tried on the validation lists. On movietweetings its NDCG@10 is .466 instead of .456 if it also reads how many events of all users each
  film had in spans from half a day to a year before the request (`benchmarks/lambdamart.py DATA FILE --trends`), of which a request carries
  the one that is its `aux`: what is missing there are inputs.
- All models have the same widths (32; `attention-wide` twice that in two of its parts), optimiser and batch; no network was tuned alone. In
  a world all make the same number of passes (10, or 5 over 100,000 lists; 64 lists a step, 32 of fewer than 10,000; rate .003; weight decay
  10,000 / lists, from .1 to .5) and the last one stands. That recipe was found by trying some with `psad` and `ar` on the test lists of one
  seed of this very world; against 256 lists a step, rate .002 and decay .01 it is worth one to three points with 20,000 lists and eight to
  twelve with 5,000, there and in a world of another seed. On real data the validation lists choose the pass, and stop the training early
  (whose time counts as training). A finished teacher's student (`offline`) comes after a training of its own for the teacher. A pass of a
  click model takes a sixth to a third of a pair's time: `clicks-5x` makes five times the passes, and so does `taught-clicks`, which
  imitates in the first fifth of them. On real data patience ends the 50 passes that `clicks-5x` may make after 7 (films) or 12 (hotels).
- Intervals are 95 %, from a bootstrap over the test lists of the mean over the seeds. A claim holds, or does not, when the interval and
  every seed say so; many claims are asked at once, so one in twenty of the close calls may be chance. "As good as" means no further below
  than a tenth of what the best model there gains over the best order that needs no training, and never more than a point; a world's logger
  does not count as one, as it knows what no model is told. The best of PSAD and the best baseline are picked by the figures of the test
  lists, which flatters the larger field.
- No interval covers another draw of a world: all have seed 1, so the same items, and with equally many lists the same users. "5 seeds" is
  the world of 100,000 lists once more, with two more seeds; what both hold is one piece of evidence, not two.
- Times are of one list at a time on one thread of a machine that trained beside it, for models of width 32. Trainings ran beside each other
  and beside other work: most seconds compare within a factor of two, some stand three to eight times too high. The machine is that of the
  comparison's last run.
"""

IN_SHORT = """
## In short

- Plain blocks of two are better than all places at once in every world, and so is the teacher; blocks of five nearly always. Part of that
  is there in the world without interaction too ("no interaction"), where sorting is the best of all lists and no family needs to see its
  neighbours: a model that fills all places from one pass can't tell from one softmax which of two likely items stands where, and learns the
  expert's lists blurred. So the families don't tie there. **With the same transition head, all places at once are as good as the teacher's
  blocks** in every world. What pays is knowing the neighbour, more than writing in several passes.
- One place at a time is ahead of the teacher by half a point or a little more where an expert wrote 20,000 lists or more, by 1.6 points
  where likeness is seen six places back (a transition head sees two). It is behind it with 5,000 lists or lists of a mixture of loggers,
  and level on those of a pointwise logger and on real data.
- A student with transitions keeps 99 % of its teacher or more, at less than half of its time, and is ahead of it where lists are few: it
  learns sooner. Lessons help it where an expert wrote the lists, by .2 to .9 points, most with the fewest lists; on lists of ordinary
  loggers and on real data they show little or nothing. They cost the teacher nothing.
- With 100,000 lists of the world the student stays 1.3 points behind one place at a time, at a fifth of its time; with self-attention and
  twice the width in two of its parts .9 points, at a third.
- A sorting student keeps 85 % of its teacher in the world, 95 % in a milder one, and lessons give it half a point at most (1.2 with
  self-attention). One number per item can't say "not these two together": what imitates the expert perfectly with one is worth .808 here
  ([world.md](world.md)).
- History is worth most of what PSAD is ahead of the logger and of Seq2Slate by: six points in the world, three of them by attention instead
  of a mean, less with no events to read and all in all about the same from one event on, as there is as much to be won
  ([world.md](world.md)). It is worth more on trivago-dev, 27 points with over 50 events and 9 with up to five, three quarters of it through
  item match. Gates are worth a quarter of a point. Fading and adaptive places change little where places in the history tell the time too;
  where they don't, fading is worth three points, and a rate per user a quarter of a point over one for all.
- What imitates an expert beats him, with 5,000 lists already, and it beats a mixture of loggers. With an ordinary logger it is level; there
  a click model that knows its neighbours and has five times the passes beats the logger by three points, by five if it imitates first.
- On trivago-dev clicks ask for no neighbours: transitions cost the student half a point there, the sorting student beats LambdaMART by as
  much, and is level with listwise baselines that have the same user network. On movietweetings nearly everything is level with everything,
  sorting by `aux` included.

How often each claim held:
"""


@contextlib.contextmanager
def naming(name):
    """What is wrong with the figures of a comparison becomes a ValueError that names their file."""
    path = KEPT / f"{name}.json"
    try:
        yield path
    except (AttributeError, LookupError, TypeError, ArithmeticError, RecursionError) as problem:
        raise ValueError(f"{path}: found figures that are not whole ({problem!r}), wanted what results.py wrote") from problem
    except (OSError, ValueError) as problem:
        raise ValueError(f"{path}: {problem}") from problem


def read(name):
    """The figures of one comparison that docs/results keeps."""
    def refuse(number):
        raise ValueError(f"found {number}, wanted a number")

    with naming(name) as path:
        found = json.loads(path.read_text(encoding="utf-8"), parse_constant=refuse)
        kept_figures.check(found, EXPERIMENTS[name][1])
        return found


def facts_of(name, found):
    """The row of a comparison in the table of what was compared."""
    words, arguments = EXPERIMENTS[name]
    told = " ".join(f"'{a}'" if not a or "," in a else a for a in arguments)
    if "lambdamart" in found["models"]:
        told += " --orders lambdamart=FILE"
    within, when = f"{100 * claims.margin(found):.2f}", " to ".join(sorted(set(found["trained"])))
    return [words, f"`{told}`", str(found["train_lists"]), str(found["test_lists"]), str(found["seeds"]), within, f"{when}, {found['machine']}"]


def section_of(name, found):
    """The text about one comparison, and its plots by file name."""
    title = EXPERIMENTS[name][0]
    text, plots = [f"\n## {title[0].upper()}{title[1:]}\n", as_markdown(table(found))], {}
    for plot, words, function in PLOTS if name in DRAWN else []:
        if svg := draw(function, found, found["metric"]):
            plots[f"{name}-{plot}.svg"] = svg
            text.append(f"\n![{words}](results/{name}-{plot}.svg)")
    return text, plots


def write_text(kept):
    titled = {EXPERIMENTS[name][0]: found for name, found in kept.items()}
    kept_figures.check_agreement(titled)
    facts = [["comparison", "psad compare", "lists", "test lists", "seeds", "as good within", "when, where"]]
    sections, plots, words = [], {}, {}
    for name, found in kept.items():
        with naming(name):
            facts.append(facts_of(name, found))
            section, drawn = section_of(name, found)
            sections += section
            plots |= drawn
            words |= found["described"]
    text = [HEAD, "\n## What was compared\n", as_markdown(facts)]
    text += [IN_SHORT, as_markdown(claims.short_table(titled))]
    text += ["\n## Claims\n", as_markdown(claims.claims_table(titled))]
    text += ["\n## How much of the teacher the student keeps\n", as_markdown(claims.retained_table(titled))]
    text += ["\n## What the User Profile Network is worth by the length of the history\n", as_markdown(claims.history_table(titled))]
    text += ["\n## Against the best baseline\n", as_markdown(claims.best_baseline_table(titled))]
    text += sections
    text += ["\n## The models\n", as_markdown([["name", "what"], *([n, w] for n, w in words.items())])]
    for name, svg in plots.items():
        write_whole(KEPT / name, svg)
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
        kept = {name: read(name) for name in EXPERIMENTS if os.path.lexists(KEPT / f"{name}.json")}
        if not kept:
            raise ValueError("found no figures in docs/results, wanted at least one comparison")
        write_text(kept)
    except (OSError, ValueError) as problem:
        sys.exit(f"results.py: {problem}")
    print("wrote docs/results.md")


if __name__ == "__main__":
    main()
