#!/usr/bin/env python3
"""Reranks a few test lists with `psad rerank` and prints them, before and after, for a person to look at.

The requests are spread evenly over the lists of the split that have a history and a positive; none is picked
by how well it turns out.
"""

import argparse
import gzip
import json
import pathlib
import subprocess
import sys

WIDTH = 36


def table(path: pathlib.Path) -> list[list[str]]:
    """The rows of a gzip TSV file, without its header."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        next(lines)
        return [line.rstrip("\n").split("\t") for line in lines]


def numbers(cell: str, kind=int) -> list:
    return [] if cell == "-" else [kind(word) for word in cell.split(",")]


class Folder:
    """What this script needs of a psad-lists-1 folder."""

    def __init__(self, path: pathlib.Path, split: str):
        titles = path / "titles.tsv.gz"
        self.titles = {int(item): title for item, title in table(titles)} if titles.is_file() else {}
        self.events: dict[int, list[dict]] = {}
        for user, ts, item, feedback in table(path / "events.tsv.gz"):
            event = {"ts": int(ts), "item": int(item), "feedback": int(feedback)}
            self.events.setdefault(int(user), []).append(event)
        self.lists = [self.read_list(row) for row in table(path / f"lists_{split}.tsv.gz")]

    def read_list(self, row: list[str]) -> dict:
        name, user, ts, hist_len, context, items, scores, labels, aux = row
        history = self.events.get(int(user), [])[: int(hist_len)]
        candidates = [{"item": item} for item in numbers(items)]
        for key, column in (("score", numbers(scores, float)), ("aux", numbers(aux, float))):
            for candidate, number in zip(candidates, column):
                candidate[key] = number
        request = {"id": int(name), "user": {"index": int(user)}, "context": numbers(context), "ts": int(ts)}
        return {"request": request | {"history": history, "candidates": candidates}, "labels": numbers(labels)}

    def title(self, item: int) -> str:
        title = self.titles.get(item, f"item {item}")
        return title if len(title) <= WIDTH else title[: WIDTH - 3] + "..."


def chosen(lists: list[dict], count: int) -> list[dict]:
    """`count` lists with a history and a positive, evenly spread."""
    fit = [entry for entry in lists if entry["request"]["history"] and any(entry["labels"])]
    count = min(count, len(fit))
    return [fit[(2 * i + 1) * len(fit) // (2 * count)] for i in range(count)]


def rerank(psad: str, model: str, data: str, top: int, requests: list[dict]) -> list[dict]:
    lines = "".join(json.dumps(request) + "\n" for request in requests)
    command = [psad, "rerank", "--model", model, "--data", data, "--top", str(top)]
    result = subprocess.run(command, input=lines, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        sys.exit(result.stderr.strip() or f"psad rerank failed with {result.returncode}")
    answers = [json.loads(line) for line in result.stdout.splitlines()]
    for answer in answers:
        if "error" in answer:
            sys.exit(f"list {answer['id']}: {answer['error']}")
    if len(answers) != len(requests):
        sys.exit(f"psad rerank gave {len(answers)} answers to {len(requests)} requests")
    return answers


def show(folder: Folder, entry: dict, answer: dict, last: int) -> None:
    request, labels = entry["request"], entry["labels"]
    history = request["history"]
    count = f"{len(history)} event{'' if len(history) == 1 else 's'}"
    print(f"list {request['id']}: {count} before the request, the latest first")
    for event in reversed(history[-last:]):
        days = (request["ts"] - event["ts"]) / 86400
        print(f"    {folder.title(event['item']):<{WIDTH}}  feedback {event['feedback']:>2}, {days:.1f} days before")
    items = [candidate["item"] for candidate in request["candidates"]]
    print(f"\n         {'initial order':<{WIDTH}}     {'reranked':<{WIDTH}}  was")
    for position, new in enumerate(answer["order"]):
        before = ("* " if labels[position] else "  ") + folder.title(items[position])
        after = ("* " if labels[new] else "  ") + folder.title(items[new])
        print(f"    {position + 1:3}  {before:<{WIDTH + 2}}   {after:<{WIDTH + 2}}  {new + 1:3}")
    below = [position + 1 for position, label in enumerate(labels) if label and position not in answer["order"]]
    hidden = [position + 1 for position, label in enumerate(labels) if label and position >= len(answer["order"])]
    if hidden:
        print(f"    further down in the initial order, marked: {', '.join(map(str, hidden))}")
    if below:
        print(f"    marked, but not among the reranked lines above: was {', '.join(map(str, below))}")
    print()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--psad", required=True, help="the command line program")
    parser.add_argument("--model", required=True, help="a model file that it wrote")
    parser.add_argument("--data", required=True, help="a folder in the format psad-lists-1")
    parser.add_argument("--split", default="test", choices=["train", "valid", "test"])
    parser.add_argument("--count", type=int, default=3, help="requests to show")
    parser.add_argument("--top", type=int, default=10, help="positions to show")
    parser.add_argument("--last", type=int, default=4, help="history events to show")
    options = parser.parse_args()
    if min(options.count, options.top, options.last) < 1:
        parser.error("--count, --top and --last want 1 or more")

    folder = Folder(pathlib.Path(options.data), options.split)
    entries = chosen(folder.lists, options.count)
    if not entries:
        sys.exit(f"no list of the split {options.split} has a history and a positive")
    requests = [entry["request"] for entry in entries]
    answers = rerank(options.psad, options.model, options.data, options.top, requests)
    print("* = what the user really rated or clicked after the request\n")
    for entry, answer in zip(entries, answers):
        show(folder, entry, answer, options.last)
    return 0


if __name__ == "__main__":
    sys.exit(main())
