"""The plots of a comparison: each a function of axes and figures, drawn to SVG.

The same bytes for the same figures. Needs matplotlib (Debian: python3-matplotlib).
"""

import io
import re

from common import package
from names import BLOCKS, BY_HISTORY, CURVES, ON_PARETO
from tables import is_trained

matplotlib = package("matplotlib", "python3-matplotlib")
matplotlib.use("svg")
pyplot = package("matplotlib.pyplot", "python3-matplotlib")
ticker = package("matplotlib.ticker", "python3-matplotlib")
matplotlib.rcParams["svg.hashsalt"] = "psad"
matplotlib.rcParams["text.parse_math"] = False  # names may hold a $

READABLE = 20  # models, in one plot


def svg_of(figure):
    """The figure as the text of an <svg> element; closes it."""
    out = io.StringIO()
    figure.savefig(out, format="svg", metadata={"Date": None})
    pyplot.close(figure)
    text = out.getvalue()
    return text[text.index("<svg") :]


def readable(found, chosen):
    """The names of the models that a plot shows: all if they are few, or if none that was trained is chosen."""
    models = found["models"]
    few = len(models) <= READABLE or not any(name in models and is_trained(models[name]) for name in chosen)
    return [name for name in models if few or name in chosen]


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
    heuristics = [(m["metrics"][metric][0], name) for name, m in here if not is_trained(m)]
    values = [v for v, *_ in trained] or [v for v, _ in heuristics]
    gap = 0.03 * (max(values) - min(values) or 1)  # between two labels
    low, high = min(values) - 2 * gap, max(values) + 4 * gap
    labels = []
    for v, time, name in trained:
        axes.plot(time, v, "o", markersize=3, color="C0")
        beside = [at for at, when in labels if 2 / 3 < time / when < 3 / 2]
        at = max([v, *(other + gap for other in beside)])
        labels.append((at, time))
        line = {"arrowstyle": "-", "color": "0.7", "linewidth": 0.5}
        axes.annotate(name, (time, v), (1.04 * time, at), fontsize=6, va="center", arrowprops=line)
    for v, name in heuristics:
        if low < v < high:
            axes.axhline(v, color="0.8", linewidth=0.8)
            axes.annotate(name, (0.01, v), xycoords=("axes fraction", "data"), fontsize=6)
    for side, at, align in (("below", 0.01, "bottom"), ("above", 0.99, "top")):
        beyond = [f"{name} {v:.3f}" for v, name in heuristics if (v <= low if side == "below" else v >= high)]
        if beyond:
            axes.annotate(f"{side}: {', '.join(beyond)}", (0.01, at), xycoords="axes fraction", fontsize=6, va=align)
    axes.set_ylim(low, max([high, *(at + gap for at, _ in labels)]))
    axes.set_xscale("log")
    for which in (axes.xaxis.set_major_formatter, axes.xaxis.set_minor_formatter):
        which(ticker.FormatStrFormatter("%g"))
    axes.tick_params(axis="x", which="both", labelsize=7)
    axes.set_xlabel("microseconds a list (median, one thread)")


def positions(found):
    """Positions of a list."""
    found_positions = re.search(r"\bpositions=(\d+)", found.get("world", ""))
    return int(found_positions.group(1)) if found_positions else 10


def plot_blocks(axes, found, metric):
    """Quality against the block size K."""
    for suffix, label in (("", "plain"), ("+t", "with transitions")):
        all_at_once = positions(found)
        have = {}  # what fills all positions at once is the same, whatever its K
        for name, k in BLOCKS:
            if name + suffix in found["models"]:
                have.setdefault(min(k, all_at_once), found["models"][name + suffix]["metrics"][metric])
        if have:
            points = list(have.values())
            axes.errorbar(list(have), [p[0] for p in points], error_bars(points), marker="o", capsize=2, label=label)
    axes.set_xticks(sorted({min(k, positions(found)) for _, k in BLOCKS}))
    axes.set_xlabel(f"block size K ({positions(found)} = all positions at once)")
    legend(axes)


def plot_history(axes, found, metric):
    """Quality by history length."""
    labels = found["buckets"]
    for name in readable(found, BY_HISTORY):
        buckets = found["models"][name].get("buckets", {})
        have = [(x, buckets[label][metric]) for x, label in enumerate(labels) if label in buckets]
        if have:
            points = [p for _, p in have]
            at = [x for x, _ in have]
            axes.errorbar(at, [p[0] for p in points], error_bars(points), marker="o", capsize=2, label=name)
    axes.set_xticks(range(len(labels)), labels)
    axes.set_xlabel("events in the history")
    legend(axes, fontsize=7)


def plot_curves(axes, found, metric):
    """Training loss by epoch, as a share of the first."""
    for name in readable(found, CURVES):
        # Not those with a teacher: the weight of distillation rises from epoch to epoch, and the loss with it.
        distilled = name.endswith("/teacher") or f"{name}/teacher" in found["models"]
        losses = found["models"][name]["losses"]
        if losses and losses[0] > 0 and not distilled:
            axes.plot(range(1, len(losses) + 1), [x / losses[0] for x in losses], marker=".", label=name)
    axes.xaxis.set_major_locator(ticker.MaxNLocator(integer=True))
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
