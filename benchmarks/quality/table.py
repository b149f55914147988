"""The command table: the figures that the command seeds gathered in a folder, as Markdown tables.

Each number is the mean over the seeds; so are the bounds of its interval, which are those of a bootstrap over lists
(95 %) for each seed. They say how far another sample of lists may differ, not another seed: for that the standard
deviation over the seeds stands below the tables.
"""

import datetime
import json
import re
import statistics

from common import markdown, processor, with_figures, write_whole
from tables import interval

SPLITS = {"valid": "validation", "test": "test"}
METRICS = ["map@5", "map@10", "ndcg@5", "ndcg@10"]
TITLES = {
    "initial": "initial order",
    "history-first": "history first",
    "by-aux": "by aux",
    "student": "student",
    "teacher": "teacher",
}


def mean_interval(triples):
    return [statistics.fmean(column) for column in zip(*triples)]


def narrow(triple):
    """[value, low, high] as text, the bounds with a digit less."""
    return "{:.4f} [{:.3f}, {:.3f}]".format(*triple)


def quality(runs):
    rows = [["order", *METRICS]]
    for key, title in TITLES.items():
        if all(key in run["orders"] for run in runs):
            means = (mean_interval([run["orders"][key][metric] for run in runs]) for metric in METRICS)
            rows.append([title, *map(narrow, means)])
    return rows


def differences(runs):
    """Of the pairs that all runs have."""
    of_seeds = [{(d["a"], d["b"], d["metric"]): d["difference"] for d in run["paired"]} for run in runs]
    rows = [["paired difference", *METRICS]]
    for a, b in dict.fromkeys((a, b) for a, b, _ in of_seeds[0]):
        if all((a, b, METRICS[0]) in pairs for pairs in of_seeds):
            means = (mean_interval([pairs[a, b, metric] for pairs in of_seeds]) for metric in METRICS)
            rows.append([f"{TITLES[a]} - {TITLES[b]}", *(interval(mean, "+.4f") for mean in means)])
    return rows


def spread(runs):
    if len(runs) < 2:
        return "One seed, so nothing can be said of others."
    parts = []
    for key in ("student", "teacher"):
        values = [run["orders"][key]["ndcg@10"][0] for run in runs if key in run["orders"]]
        if len(values) == len(runs):
            parts.append(f"{key} {statistics.stdev(values):.4f}")
    return "Standard deviation over the seeds, ndcg@10: " + ", ".join(parts) + "."


def report(folder, split, seeds=None):
    """The text of one split; all seeds that are there if none are named."""
    files = {}
    for path in folder.glob(f"seed-*.{split}.json"):
        if found := re.fullmatch(rf"seed-(\d+)\.{split}\.json", path.name):
            files[int(found[1])] = path
    seeds = list(dict.fromkeys(seeds or sorted(files)))
    if not seeds or any(seed not in files for seed in seeds):
        missing = "".join(f" of seed {seed}" for seed in seeds if seed not in files)
        raise ValueError(f"{folder}: found no {split} figures{missing}, wanted what the command seeds writes")
    runs = [json.loads(files[seed].read_text(encoding="utf-8")) for seed in seeds]
    try:
        return tables(folder, split, seeds, runs, max(files[seed].stat().st_mtime for seed in seeds))
    except (LookupError, TypeError, AttributeError) as problem:
        raise ValueError(f"{folder}: found {problem!r}, wanted what the command seeds writes") from problem


def tables(folder, split, seeds, runs, written):
    arguments = folder / "arguments"
    settings = arguments.read_text(encoding="utf-8").strip() if arguments.is_file() else ""
    day = datetime.date.fromtimestamp(written)
    counted = f"{runs[0]['lists']} {SPLITS[split]} lists"
    if runs[0]["left_out"]:
        counted += f" ({runs[0]['left_out']} without a positive left out)"
    head = (
        f"{runs[0]['data']}, {counted}; {f'trained with `{settings}`' if settings else 'default settings'}; "
        f"seeds {', '.join(map(str, seeds))}; {day}, {processor()}. "
        "Means over the seeds of each value and of its 95 % bounds (bootstrap over lists)."
    )
    return "\n\n".join([head, markdown(quality(runs)), markdown(differences(runs)), spread(runs)])


def run(options):
    text = report(options.folder, options.split, options.seeds)
    if not options.into:
        print(text)
        return
    into = options.into.read_text(encoding="utf-8")
    try:
        write_whole(options.into, with_figures(into, f"seeds of {options.folder.resolve().name}", text))
    except ValueError as problem:
        raise ValueError(f"{options.into}: {problem}") from problem
