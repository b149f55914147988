#!/usr/bin/env python3
"""Reranks a few requests with `psad rerank --explain` and prints them, before and after, for a person to look at.

The requests are spread evenly over those of the file that have a history and a candidate of the wanted grade; none is
picked by how well it turns out.
"""

import argparse
import gzip
import json
import pathlib
import subprocess
import sys

WIDTH = 34


def rows(path: pathlib.Path) -> list[dict]:
    """The objects of a file of JSON Lines, which may be gzipped."""
    with (gzip.open if path.suffix == ".gz" else open)(path, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def chosen(requests: list[dict], count: int, grade: int) -> list[dict]:
    """`count` requests with a history, eight candidates and one of the grade, evenly spread."""
    def shows(request):
        candidates = request["candidates"]
        return request.get("history") and len(candidates) >= 8 and any(c.get("grade", 0) >= grade for c in candidates)

    fit = [request for request in requests if shows(request)]
    count = min(count, len(fit))
    return [fit[(2 * i + 1) * len(fit) // (2 * count)] for i in range(count)]


def rerank(options: argparse.Namespace, requests: list[dict]) -> list[dict]:
    lines = "".join(json.dumps(request) + "\n" for request in requests)
    command = [options.psad, "rerank", "--model", options.model, "--top", str(options.top), "--explain",
               "--items", options.items, "--users", options.users]
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


class Items:
    """What a person is told of an item: its name and some of its columns."""

    def __init__(self, path: pathlib.Path, noun: str, columns: list[str]):
        self.noun, self.columns = noun, columns
        self.known = {row["item"]: row for row in rows(path)}

    def __call__(self, name: str) -> str:
        known = self.known.get(name, {})
        def shown(value):
            return "|".join(value) if isinstance(value, list) else value

        values = [f"{column} {shown(known[column])}" for column in self.columns if column in known]
        text = ", ".join([f"{self.noun} {name}".strip(), *values])
        return text if len(text) <= WIDTH else text[: WIDTH - 3] + "..."


def show(request: dict, answer: dict, items: Items, grade: int, last: int) -> None:
    history, candidates = request["history"], request["candidates"]
    count = f"{len(history)} event{'' if len(history) == 1 else 's'}"
    print(f"list {answer['id']}: {count} before the request, the latest first")
    for event in reversed(history[-last:]):
        days = (request["ts"] - event["ts"]) / 86400
        print(f"    {items(event['item']):<{WIDTH}}  {event['kind']}, {days:.1f} days before")
    print(f"\n         {'as shown':<{WIDTH}}     {'reranked':<{WIDTH}}  was  own score  from those above")
    for position, (new, why) in enumerate(zip(answer["order"], answer["explain"])):
        marks = ["* " if candidates[at].get("grade", 0) >= grade else "  " for at in (position, new)]
        before, after = (mark + items(candidates[at]["item"]) for mark, at in zip(marks, (position, new)))
        print(f"    {position + 1:3}  {before:<{WIDTH + 2}}   {after:<{WIDTH + 2}}  {new + 1:3}  {why['own_score']:9.2f}"
              f"  {why['from_items_before']:+16.2f}")
    hidden = [at + 1 for at in range(len(answer["order"]), len(candidates)) if candidates[at].get("grade", 0) >= grade]
    if hidden:
        print(f"    further down as shown, marked: {', '.join(map(str, hidden))}")
    print()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--psad", required=True, help="the command line program")
    parser.add_argument("--model", required=True, help="a model file that it wrote")
    for name in ("requests", "items", "users"):
        parser.add_argument(f"--{name}", required=True, type=pathlib.Path, help=f"JSON Lines of {name}")
    parser.add_argument("--noun", default="video", help="what an item is called, may be empty (default: %(default)s)")
    parser.add_argument("--columns", default="tag", help="of items, to be shown (default: %(default)s)")
    parser.add_argument("--grade", type=int, default=2, help="from which on a candidate is marked (default: 2)")
    parser.add_argument("--count", type=int, default=2, help="requests to show (default: 2)")
    parser.add_argument("--top", type=int, default=10, help="positions to show (default: 10)")
    parser.add_argument("--last", type=int, default=4, help="history events to show (default: 4)")
    options = parser.parse_args()
    if min(options.count, options.top, options.last) < 1:
        parser.error("--count, --top and --last want 1 or more")
    entries = chosen(rows(options.requests), options.count, options.grade)
    if not entries:
        sys.exit(f"{options.requests}: found no request with a history and grade {options.grade}, wanted some")
    items = Items(options.items, options.noun, options.columns.split(","))
    print(f"* = grade {options.grade} or more after the request\n")
    for request, answer in zip(entries, rerank(options, entries)):
        show(request, answer, items, options.grade, options.last)
    return 0


if __name__ == "__main__":
    sys.exit(main())
