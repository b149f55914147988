#!/usr/bin/env python3
"""A page of tables and plots from the JSON of `psad compare`.

Usage: compare_report.py JSON FOLDER
       compare_report.py --check FOLDER

Writes FOLDER/report.html, which needs nothing beside it, and FOLDER/report.md with FOLDER/*.svg. --check only
makes the folder and says whether the rest can succeed.
Needs matplotlib (Debian: python3-matplotlib).
"""

import html
import json
import re
import sys
import tempfile
from pathlib import Path

from plots import matplotlib, pyplot, svg_of

# Of more models than one can read a plot shows those named for it: the ablations would only hide each other.
READABLE = 20
BLOCKS = [("ar", 1), ("k2", 2), ("k3", 3), ("k5", 5), ("nar", 10)]
BY_HISTORY = ["initial", "logger", "history-first", "by-aux", "no-upn", "mean-history", "psad", "psad/teacher"]
CURVES = ["student-alone", "ar", "k5+t", "nar", "mlp"]
ON_PARETO = ["psad", "psad/teacher", "psad-sort", "attention-wide", "ar", "k2", "k3", "k5", "nar", "nar+t",
             "seq2slate", "nar4rec", "mlp", "dlcm", "prm", "setrank", "dlcm+upn", "prm+upn", "setrank+upn", "listnet",
             "initial", "logger", "history-first", "by-aux", "lambdamart"]


def value(found, name, metric):
    return found["models"][name]["metrics"][metric]


def readable(found, chosen):
    """The names of the models that a plot shows: all if they are few, or if none that was trained is chosen."""
    models = found["models"]
    few = len(models) <= READABLE or not any(name in models and is_trained(models[name]) for name in chosen)
    return [name for name in models if few or name in chosen]


def is_trained(model):
    """Not a rule, nor an order of another program."""
    return model["latency_us"]["p50"] > 0


def error_bars(points):
    """The arms of [value, low, high] triples, as matplotlib wants them."""
    return [[p[0] - p[1] for p in points], [p[2] - p[0] for p in points]]


def legend(axes, **how):
    """A legend if anything was drawn."""
    if axes.get_legend_handles_labels()[0]:
        axes.legend(**how)


def plot_pareto(axes, found, metric):
    """Quality against latency."""
    here = [(name, found["models"][name]) for name in readable(found, ON_PARETO)]
    trained = sorted((m["metrics"][metric][0], m["latency_us"]["p50"], name) for name, m in here if is_trained(m))
    rules = [(m["metrics"][metric][0], name) for name, m in here if not is_trained(m)]
    values = [v for v, *_ in trained] or [v for v, _ in rules]
    gap = 0.03 * (max(values) - min(values) or 1)  # between two labels
    low, high = min(values) - 2 * gap, max(values) + 4 * gap
    labels = []
    for v, time, name in trained:
        axes.plot(time, v, "o", markersize=3, color="C0")
        beside = [at for at, when in labels if 2 / 3 < time / when < 3 / 2]
        at = max([v, *(other + gap for other in beside)])
        labels.append((at, time))
        axes.annotate(name, (time, v), (1.04 * time, at), fontsize=6, va="center", arrowprops={"arrowstyle": "-", "color": "0.7", "linewidth": 0.5})
    for v, name in rules:
        if low < v < high:
            axes.axhline(v, color="0.8", linewidth=0.8)
            axes.annotate(name, (0.01, v), xycoords=("axes fraction", "data"), fontsize=6)
    for side, place, align in (("below", 0.01, "bottom"), ("above", 0.99, "top")):
        beyond = [f"{name} {v:.3f}" for v, name in rules if (v <= low if side == "below" else v >= high)]
        if beyond:
            axes.annotate(f"{side}: {', '.join(beyond)}", (0.01, place), xycoords="axes fraction", fontsize=6, va=align)
    axes.set_ylim(low, max([high, *(at + gap for at, _ in labels)]))
    axes.set_xscale("log")
    for which in (axes.xaxis.set_major_formatter, axes.xaxis.set_minor_formatter):
        which(matplotlib.ticker.FormatStrFormatter("%g"))
    axes.tick_params(axis="x", which="both", labelsize=7)
    axes.set_xlabel("microseconds a list (median, one thread)")


def places(found):
    """Places of a list."""
    told = re.search(r"\bslots=(\d+)", found.get("world", ""))
    return int(told.group(1)) if told else 10


def plot_blocks(axes, found, metric):
    """Quality against the block size K."""
    for suffix, words in (("", "plain"), ("+t", "with transitions")):
        all_at_once = places(found)
        have = {}  # what fills all places at once is the same, whatever its K
        for name, k in BLOCKS:
            if name + suffix in found["models"]:
                have.setdefault(min(k, all_at_once), value(found, name + suffix, metric))
        if have:
            points = list(have.values())
            axes.errorbar(list(have), [p[0] for p in points], error_bars(points), marker="o", capsize=2, label=words)
    axes.set_xticks(sorted({min(k, places(found)) for _, k in BLOCKS}))
    axes.set_xlabel(f"block size K ({places(found)} = all places at once)")
    legend(axes)


def plot_history(axes, found, metric):
    """Quality by history length."""
    labels = found["buckets"]
    for name in readable(found, BY_HISTORY):
        buckets = found["models"][name].get("buckets", {})
        have = [(at, buckets[label][metric]) for at, label in enumerate(labels) if label in buckets]
        if have:
            points = [p for _, p in have]
            axes.errorbar([at for at, _ in have], [p[0] for p in points], error_bars(points), marker="o", capsize=2, label=name)
    axes.set_xticks(range(len(labels)), labels)
    axes.set_xlabel("events in the history")
    legend(axes, fontsize=7)


def plot_curves(axes, found, metric):
    """Training loss by epoch, as a share of the first."""
    for name in readable(found, CURVES):
        # Not those with a teacher: the weight of its lessons rises from epoch to epoch, and the loss with it.
        taught = name.endswith("/teacher") or f"{name}/teacher" in found["models"]
        losses = found["models"][name]["losses"]
        if losses and losses[0] > 0 and not taught:
            axes.plot(range(1, len(losses) + 1), [x / losses[0] for x in losses], marker=".", label=name)
    axes.xaxis.set_major_locator(matplotlib.ticker.MaxNLocator(integer=True))
    axes.set_xlabel("epoch")
    axes.set_ylabel("training loss / that of the first epoch")
    legend(axes, fontsize=7)


PLOTS = [
    ("pareto", "Quality against latency", plot_pareto),
    ("blocks", "Quality against block size", plot_blocks),
    ("history", "Quality by history length", plot_history),
    ("curves", "Learning curves", plot_curves),
]


def draw(plot, found, metric):
    """One plot as SVG text; None where no model has what it shows."""
    figure, axes = pyplot.subplots(figsize=(7, 4.2))
    axes.set_ylabel(metric)
    plot(axes, found, metric)
    if not axes.has_data():
        pyplot.close(figure)
        return None
    axes.grid(alpha=0.3)
    figure.tight_layout()
    return svg_of(figure)


def table(found):
    """Rows of text: header first, best first by the first metric."""
    metrics = list(next(iter(found["models"].values()))["metrics"])
    first = found["metric"]
    metrics.sort(key=lambda m: m != first)
    rows = [["model", *metrics, "p50 us", "training s"]]
    for name, m in sorted(found["models"].items(), key=lambda item: -item[1]["metrics"][first][0]):
        numbers = ["{:.4f} [{:.4f}, {:.4f}]".format(*m["metrics"][metric]) for metric in metrics]
        rows.append([name, *numbers, *(f"{x:.1f}" if x > 0 else "-" for x in (m["latency_us"]["p50"], m["train_seconds"]))])
    return rows


def pairs_table(found):
    """What the defaults differ by from every other model; without them, the best that was trained."""
    first = found["metric"]
    best = max(found["models"], key=lambda name: (is_trained(found["models"][name]), value(found, name, first)[0]))
    shown = {"psad", "psad/teacher"} & found["models"].keys() or {best}
    rows = [["a", "b", f"{first}: a - b, 95 %"]]
    for p in found["paired"]:
        if p["metric"] == first and shown & {p["a"], p["b"]}:
            rows.append([p["a"], p["b"], "{:+.4f} [{:+.4f}, {:+.4f}]".format(*p["difference"])])
    return rows


def as_markdown(rows):
    lines = ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]
    lines.insert(1, "| " + " | ".join(["---"] + ["---:"] * (len(rows[0]) - 1)) + " |")
    return "\n".join(lines)


def as_html(rows):
    head = "<tr>" + "".join(f"<th>{html.escape(c)}</th>" for c in rows[0]) + "</tr>"
    body = "".join("<tr>" + "".join(f"<td>{html.escape(c)}</td>" for c in row) + "</tr>" for row in rows[1:])
    return f"<table>{head}{body}</table>"


def write_whole(path, text):
    """The file as a whole or not at all."""
    part = path.with_name(path.name + ".part")
    try:
        part.write_text(text, encoding="utf-8")
        part.replace(path)
    except OSError:
        part.unlink(missing_ok=True)
        raise


STYLE = """body{font:14px/1.5 sans-serif;max-width:72em;margin:2em auto;padding:0 1em}
table{border-collapse:collapse;font-size:12px}th,td{padding:.15em .6em;border-bottom:1px solid #ddd;text-align:right}
th:first-child,td:first-child{text-align:left}svg{max-width:100%;height:auto}"""


def pages(found):
    """The files of a report: name to content."""
    metric, rows, paired = found["metric"], table(found), pairs_table(found)
    source = f"world {found['world']}" if "world" in found else f"data {found['data']}"
    facts = (
        f"{source}; {found['train_lists']} training lists, {found['test_lists']} test lists, {found['seeds']} seed{'s' if found['seeds'] != 1 else ''}; "
        f"{found['epochs']} epochs of {found['batch']} lists a step, rate {found['rate']:g}, weight decay {found['weight_decay']:g}; "
        f"trained {' to '.join(sorted(set(found['trained'])))}. "
        "Intervals: 95 %, bootstrap over lists of the mean over seeds."
    )
    if "world" in found:
        facts += " The world has interaction, taste and fading by construction, so it favours models that look for them."
    drawn = [(name, title, svg) for name, title, plot in PLOTS if (svg := draw(plot, found, metric))]
    words = [[name, text] for name, text in found["described"].items()]
    page = [
        f"<!doctype html><meta charset=utf-8><title>psad compare</title><style>{STYLE}</style>",
        f"<h1>psad compare</h1><p>{html.escape(facts)}</p>",
        as_html(rows),
        *(f"<h2>{title}</h2>{svg}" for _, title, svg in drawn),
        "<h2>Paired differences</h2>" + as_html(paired),
        "<h2>The models</h2>" + as_html([["name", "what"], *words]),
    ]
    text = [f"# psad compare\n\n{facts}\n", as_markdown(rows)]
    for name, title, _ in drawn:
        text.append(f"\n## {title}\n\n![{title}]({name}.svg)")
    text += ["\n## Paired differences\n", as_markdown(paired), "\n## The models\n", as_markdown([["name", "what"], *words])]
    files = {f"{name}.svg": svg for name, _, svg in drawn}
    files |= {"report.html": "\n".join(page), "report.md": "\n".join(text) + "\n"}
    return files


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__.strip())
    folder = Path(sys.argv[2])
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if sys.argv[1] == "--check":
            with tempfile.TemporaryFile(dir=folder):
                return
    except OSError as problem:
        sys.exit(f"{folder}: {problem.strerror}")
    try:
        found = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
        files = pages(found)
    except (OSError, ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError, StopIteration) as problem:
        sys.exit(f"{sys.argv[1]}: found {problem!r}, wanted the JSON of psad compare")
    try:
        for name, content in files.items():
            write_whole(folder / name, content)
        for name in {f"{plot}.svg" for plot, *_ in PLOTS} - files.keys():
            (folder / name).unlink(missing_ok=True)  # of an earlier report
    except OSError as problem:
        sys.exit(f"{folder / name}: {problem.strerror}")


if __name__ == "__main__":
    main()
