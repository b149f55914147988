#!/usr/bin/env python3
"""Prints the figures that scripts/quality.sh gathered in a folder as Markdown tables.

Each number is the mean over the seeds; so are the bounds of its interval, which are those of a bootstrap
over lists (95 %) for each seed. They say how far another sample of lists may differ, not another seed: for that the
standard deviation over the seeds stands below the tables.
"""

import argparse
import datetime
import json
import pathlib
import platform
import re
import statistics
import sys

SPLITS = {"train": "training", "valid": "validation", "test": "test"}
METRICS = ["map@5", "map@10", "ndcg@5", "ndcg@10"]
NAMES = {"initial": "initial order", "history_first": "history first", "by_aux": "by aux", "student": "student", "teacher": "teacher"}


def mean_interval(triples: list[list[float]]) -> tuple[float, ...]:
    return tuple(statistics.fmean(column) for column in zip(*triples))


def table(header: list[str], rows: list[list[str]]) -> list[str]:
    lines = [header, ["---"] + ["---:"] * (len(header) - 1), *rows]
    return ["| " + " | ".join(cells) + " |" for cells in lines]


def processor() -> str:
    try:
        found = re.search(r"^model name\s*:\s*(.+)$", pathlib.Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    except OSError:
        found = None
    return found[1].strip() if found else platform.machine()


def quality(runs: list[dict]) -> list[str]:
    rows = []
    for key, name in NAMES.items():
        if any(key not in run["orders"] for run in runs):
            continue
        cells = [mean_interval([run["orders"][key][metric] for run in runs]) for metric in METRICS]
        rows.append([name] + [f"{value:.4f} [{low:.3f}, {high:.3f}]" for value, low, high in cells])
    return table(["order", *METRICS], rows)


def differences(runs: list[dict]) -> list[str]:
    def paired(run: dict) -> dict:
        return {(d["a"], d["b"], d["metric"]): d["difference"] for d in run["paired"]}

    rows = []
    of_seeds = [paired(run) for run in runs]
    for a, b in dict.fromkeys((a, b) for a, b, _ in of_seeds[0]):
        if any((a, b, METRICS[0]) not in differences for differences in of_seeds):
            continue
        cells = [mean_interval([differences[a, b, metric] for differences in of_seeds]) for metric in METRICS]
        rows.append([f"{NAMES[a]} - {NAMES[b]}"] + [f"{v:+.4f} [{low:+.4f}, {high:+.4f}]" for v, low, high in cells])
    return table(["paired difference", *METRICS], rows)


def spread(runs: list[dict]) -> str:
    if len(runs) < 2:
        return "One seed, so nothing can be said of others."
    parts = []
    for key in ("student", "teacher"):
        values = [run["orders"][key]["ndcg@10"][0] for run in runs if key in run["orders"]]
        if len(values) == len(runs):
            parts.append(f"{key} {statistics.stdev(values):.4f}")
    return "Standard deviation over the seeds, ndcg@10: " + ", ".join(parts) + "."


def report(folder: pathlib.Path, split: str, wanted: list[int] | None) -> list[str]:
    files = {int(m[1]): path for path in folder.glob(f"seed-*.{split}.json")
             if (m := re.fullmatch(rf"seed-(\d+)\.{split}\.json", path.name))}
    seeds = sorted(files) if not wanted else wanted
    missing = [seed for seed in seeds if seed not in files]
    if missing or not seeds:
        sys.exit(f"{folder}: no {split} figures" + (f" of seed {missing[0]}" if missing else ""))
    runs = [json.loads(files[seed].read_text(encoding="utf-8")) for seed in seeds]
    arguments = folder / "arguments"
    settings = arguments.read_text(encoding="utf-8").strip() if arguments.is_file() else ""
    newest = max(files[seed].stat().st_mtime for seed in seeds)
    day = datetime.date.fromtimestamp(newest).isoformat()
    first = runs[0]
    counted = f"{first['lists']} {SPLITS[split]} lists"
    if first["left_out"]:
        counted += f" ({first['left_out']} without a positive left out)"
    return [
        f"{first['data']}, {counted}; " + (f"trained with `{settings}`; " if settings else "default settings; ")
        + f"seeds {', '.join(map(str, seeds))}; {day}, {processor()}. "
        "Means over the seeds of each value and of its 95 % bounds (bootstrap over lists).",
        "",
        *quality(runs),
        "",
        *differences(runs),
        "",
        spread(runs),
    ]


def put_into(path: pathlib.Path, block: str, lines: list[str]) -> None:
    """Replaces what stands between <!-- figures: BLOCK --> and <!-- end of figures -->."""
    text = path.read_text(encoding="utf-8")
    begin, end = f"<!-- figures: {block} -->", "<!-- end of figures -->"
    pattern = re.compile(re.escape(begin) + ".*?" + re.escape(end), re.DOTALL)
    if len(pattern.findall(text)) != 1:
        sys.exit(f"{path}: wanted one block from '{begin}' to '{end}'")
    new = "\n".join([begin, "", *lines, "", end])
    path.write_text(pattern.sub(lambda _: new, text), encoding="utf-8")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path, help="such as build/quality/movietweetings-ci")
    parser.add_argument("--split", default="test", choices=list(SPLITS))
    parser.add_argument("--seeds", type=int, nargs="+", help="all that are there, if absent")
    parser.add_argument("--into", type=pathlib.Path, metavar="FILE.md",
                        help="write the tables into the block of FILE.md that is named like the folder")
    options = parser.parse_args()
    lines = report(options.folder, options.split, options.seeds)
    if options.into:
        put_into(options.into, options.folder.name, lines)
    else:
        print("\n".join(lines))
    return 0


if __name__ == "__main__":
    sys.exit(main())
