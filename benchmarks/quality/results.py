"""The command results: all tables of docs/results.md. First the data sets that come as files (files.py), then the
comparisons of many methods by psad-compare. Their figures lie in docs/results.

Finished trainings are not repeated: they lie in build/quality and build/compare. Needs matplotlib (Debian:
python3-matplotlib) to write.
"""

import contextlib
import importlib
import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import claims
import files
import kept_figures
from common import ROOT, build_path, markdown, package, processor, with_figures, write_whole
from names import CLICK_MODELS, PAIRS_AND_GENERATORS, UPN_PARTS
from tables import descriptions_table, models_table

KEPT, TEXT, BUILT = ROOT / "docs" / "results", ROOT / "docs" / "results.md", ROOT / "build" / "compare"
MILD = "candidates=12,positions=6,variety=1,complement=0.5,temperature=0.03"


def world(settings="", *, lists=100000, more=(), models=()):
    """Arguments of psad-compare."""
    chosen = ["--models", ",".join(models)] if models else []
    return ["--world", settings, *(["--lists", str(lists)] if lists else []), *more, *chosen]


# name: what it is, the arguments of psad-compare
EXPERIMENTS = {
    "world-100000": ("the world, 100,000 lists", world()),
    "world-20000": ("the world, 20,000 lists", world(lists=20000, models=[*PAIRS_AND_GENERATORS, "no-upn"])),
    "world-5000": ("the world, 5,000 lists", world(lists=5000, models=[*PAIRS_AND_GENERATORS, "no-upn"])),
    "upn-parts": ("the world, 100,000 lists, 5 seeds", world(more=["--seeds", "5"], models=UPN_PARTS)),
    "control": (
        "no interaction, 20,000 lists",
        world("variety=0,complement=0", lists=None, models=PAIRS_AND_GENERATORS),
    ),
    "mild": ("a milder world, 100,000 lists", world(MILD, models=PAIRS_AND_GENERATORS)),
    "window6": ("similarity seen 6 positions back, 100,000 lists", world("window=6", models=PAIRS_AND_GENERATORS)),
    "pointwise": (
        "a pointwise logging policy, 100,000 lists",
        world("logging=pointwise", models=[*PAIRS_AND_GENERATORS, *CLICK_MODELS]),
    ),
    "mixture": ("a mixture of logging policies, 100,000 lists", world("logging=mixture", models=PAIRS_AND_GENERATORS)),
    "trivago-dev": ("trivago-dev", ["--data", "trivago-dev"]),
    "movietweetings": ("movietweetings", ["--data", "movietweetings"]),
}
DRAWN = ("world-100000", "trivago-dev", "movietweetings")


def compare(options, name):
    """Writes the figures of one comparison into docs/results; returns what became of it."""
    arguments = list(EXPERIMENTS[name][1])
    out = BUILT / f"{name}.json"
    BUILT.mkdir(parents=True, exist_ok=True)
    if arguments[0] == "--data":
        folder = (options.data or Path()) / arguments[1]
        if not options.data or not folder.is_dir():
            return f"{name}: no data, left out"
        arguments[1] = folder
        arguments += ["--orders", f"lambdamart={lambdamart_orders(name, folder)}"]
    share_runs(name)
    subprocess.run([options.program, *arguments, "--json", out], check=True)
    found = kept_figures.keep(json.loads(out.read_text(encoding="utf-8")))
    found |= {"machine": processor(), "arguments": EXPERIMENTS[name][1]}
    KEPT.mkdir(parents=True, exist_ok=True)
    write_whole(KEPT / f"{name}.json", json.dumps(found, indent=0) + "\n")
    return f"{name}: done"


def lambdamart_orders(name, folder):
    """The file of LambdaMART's orders, written anew where the data or what reads it has changed."""
    orders, package = BUILT / f"lambdamart-{name}.jsonl", Path(__file__).parent
    inputs = [package / "lambdamart.py", build_path("tools/psad/psad"), *folder.iterdir()]
    if not orders.exists() or orders.stat().st_mtime < max(path.stat().st_mtime for path in inputs):
        subprocess.run([sys.executable, package, "lambdamart", folder, orders], check=True)
    return orders


def share_runs(name):
    """Takes what other comparisons of the same lists have trained."""
    def lists(arguments):
        return [pair for pair in zip(arguments[::2], arguments[1::2]) if pair[0] not in ("--models", "--seeds")]

    for other, (_, arguments) in EXPERIMENTS.items():
        if other == name or lists(arguments) != lists(EXPERIMENTS[name][1]):
            continue
        runs = BUILT / f"{name}.json.runs"
        runs.mkdir(exist_ok=True)
        for run in (BUILT / f"{other}.json.runs").glob("*.json"):
            if not (runs / run.name).exists():
                write_whole(runs / run.name, run.read_text(encoding="utf-8"))


@contextlib.contextmanager
def naming(name):
    """What is wrong with the figures of a comparison becomes a ValueError that names their file."""
    path = KEPT / f"{name}.json"
    try:
        yield path
    except (AttributeError, LookupError, TypeError, ArithmeticError, RecursionError) as problem:
        what = f"found figures that are not whole ({problem!r}), wanted what the command results writes"
        raise ValueError(f"{path}: {what}") from problem
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


def facts_row(name, found):
    """The row of a comparison in the table of what was compared."""
    title, arguments = EXPERIMENTS[name]
    shown = " ".join(f"'{word}'" if not word or "," in word else word for word in arguments)
    if "lambdamart" in found["models"]:
        shown += " --orders lambdamart=FILE"
    within, when = f"{100 * claims.margin(found):.2f}", " to ".join(sorted(set(found["trained"])))
    counts = [str(found[key]) for key in ("train_lists", "test_lists", "seeds")]
    return [title, f"`{shown}`", *counts, within, f"{when}, {found['machine']}"]


def figures_of(kept):
    """The blocks of docs/results.md by name, without plots."""
    titled = {EXPERIMENTS[name][0]: found for name, found in kept.items()}
    kept_figures.check_agreement(titled)
    facts = [["comparison", "psad-compare", "lists", "test lists", "seeds", "as good within", "when, where"]]
    blocks, descriptions = {}, {}
    for name, found in kept.items():
        with naming(name):
            facts.append(facts_row(name, found))
            blocks[name] = markdown(models_table(found))
            descriptions |= found["descriptions"]
    tables = {
        "comparisons": facts,
        "in short": claims.short_table(titled),
        "claims": claims.claims_table(titled),
        "students": claims.retained_table(titled),
        "histories": claims.history_table(titled),
        "best baselines": claims.best_baseline_table(titled),
        "models": descriptions_table(descriptions),
    }
    with naming("files"):
        blocks |= files.blocks(files.read_kept())
    return blocks | {name: markdown(rows) for name, rows in tables.items()}


def draw_plots(kept):
    """The plots of the comparisons that have some, into docs/results."""
    plots = importlib.import_module("plots")  # --check needs no matplotlib
    for name in DRAWN:
        for plot, _, function in plots.PLOTS:
            if name in kept and (svg := plots.draw(function, kept[name], kept[name]["metric"])):
                write_whole(KEPT / f"{name}-{plot}.svg", svg)


def measure_set(options, name):
    """Writes the figures of a data set into docs/results; returns what became of it."""
    data = options.data or Path()
    if not name.startswith("marketplace") and not (options.data and (data / name.partition(",")[0]).is_dir()):
        return f"{name}: no data, left out"
    how = SimpleNamespace(data=data, program=build_path("tools/psad/psad"), seeds=[1, 2, 3], jobs=2,
                          train_arguments=[])
    files.keep(name, files.run_set(name, how))
    return f"{name}: done"


def run(options):
    known = list(dict.fromkeys([*files.SETS, *EXPERIMENTS]))
    unknown = [name for name in options.names if name not in known]
    if unknown:
        raise ValueError(f"found {unknown[0]}, wanted some of {', '.join(known)}")
    if options.names and (options.text_only or options.check):
        raise ValueError(f"found {options.names[0]}, wanted no name: --text-only and --check take all")
    if not options.text_only and not options.check:
        package("xgboost", "python3-xgboost")  # before any work: it may start another python
        for name in options.names or known:
            if name in files.SETS:
                print(measure_set(options, name), flush=True)
            if name in EXPERIMENTS:
                print(compare(options, name), flush=True)
    kept = {name: read(name) for name in EXPERIMENTS if os.path.lexists(KEPT / f"{name}.json")}
    if not kept:
        raise ValueError(f"{KEPT}: found no figures, wanted those of at least one comparison")
    old = text = TEXT.read_text(encoding="utf-8")
    for name, figures in figures_of(kept).items():
        try:
            text = with_figures(text, name, figures)
        except ValueError as problem:
            raise ValueError(f"{TEXT}: {problem}") from problem
        if options.check and text != old:
            raise ValueError(f"{TEXT}: found other figures in the block {name} than in {KEPT}, wanted the same")
    if options.check:
        return
    draw_plots(kept)
    write_whole(TEXT, text)
    print(f"wrote {TEXT}")
