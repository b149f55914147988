"""The command world-picture: docs/world.svg from the table that world-effects prints."""

import subprocess

from common import write_whole
from plots import pyplot, svg_of

LINES = [
    ("by_appeal", "sorted by each item's own appeal"),
    ("without_events", "best list for the long-term interest alone"),
    ("last_event", "best list for the long-term interest and the last event"),
    ("without_fading", "best list, had nothing faded"),
    ("initial", "the initial order"),
]


def picture(table):
    """The plot of world-effects' table, as SVG text."""
    header, *rows = [line.split("\t") for line in table.splitlines()]
    settings = list(dict.fromkeys(row[0] for row in rows))
    figure, [panels] = pyplot.subplots(1, len(settings), figsize=(13, 3.8), sharey=True, squeeze=False)
    for axes, setting in zip(panels, settings):
        points = [row for row in rows if row[0] == setting]
        for column, label in LINES:
            values = [float(row[header.index(column)]) for row in points]
            axes.plot([float(row[1]) for row in points], values, marker="o", markersize=3, label=label)
        axes.set_xlabel({"events": "events in the history, at least"}.get(setting, setting))
        axes.grid(alpha=0.3)
    panels[0].set_ylabel("share of the best list's utility")
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="upper center", ncol=3, fontsize=8, frameon=False)
    figure.tight_layout(rect=(0, 0, 1, 0.87))
    return svg_of(figure)


def run(options):
    table = subprocess.run([options.program], stdout=subprocess.PIPE, text=True, check=True).stdout
    try:
        svg = picture(table)
    except (ValueError, IndexError) as problem:
        raise ValueError(f"{options.program}: found no table in its output, wanted that of world-effects") from problem
    write_whole(options.svg, svg)
    print(f"wrote {options.svg}")
