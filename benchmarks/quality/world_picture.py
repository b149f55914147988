#!/usr/bin/env python3
"""docs/world.svg: how much order, history and fading matter in a simulated world.

Usage: world_picture.py WORLD_EFFECTS_PROGRAM SVG

Runs the example world_effects and draws its table. Needs matplotlib (Debian: python3-matplotlib).
"""

import subprocess
import sys
from pathlib import Path

from compare_report import write_whole
from plots import pyplot, svg_of

LINES = [
    ("by_appeal", "sorted by each item's own appeal"),
    ("without_events", "best list for the long taste alone"),
    ("last_event", "best list for the long taste and the last event"),
    ("without_fading", "best list, had nothing faded"),
    ("initial", "the initial order"),
]


def drawn(told):
    """The picture of world_effects' table, as SVG text."""
    header, *rows = [line.split("\t") for line in told.splitlines()]
    settings = list(dict.fromkeys(row[0] for row in rows))
    figure, [panels] = pyplot.subplots(1, len(settings), figsize=(13, 3.8), sharey=True, squeeze=False)
    for axes, setting in zip(panels, settings):
        mine = [row for row in rows if row[0] == setting]
        for column, words in LINES:
            at = header.index(column)
            axes.plot([float(row[1]) for row in mine], [float(row[at]) for row in mine], marker="o", markersize=3, label=words)
        axes.set_xlabel({"events": "events in the history, at least"}.get(setting, setting))
        axes.grid(alpha=0.3)
    panels[0].set_ylabel("share of the best list's utility")
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="upper center", ncol=3, fontsize=8, frameon=False)
    figure.tight_layout(rect=(0, 0, 1, 0.87))
    return svg_of(figure)


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__.strip())
    try:
        told = subprocess.run([sys.argv[1]], capture_output=True, text=True, check=True).stdout
        write_whole(Path(sys.argv[2]), drawn(told))
    except (OSError, subprocess.CalledProcessError) as problem:
        sys.exit(f"world_picture.py: {problem}")
    except (ValueError, IndexError):
        sys.exit(f"world_picture.py: found no table in what {sys.argv[1]} printed, wanted that of world_effects")


if __name__ == "__main__":
    main()
