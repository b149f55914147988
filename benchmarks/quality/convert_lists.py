"""The command convert-lists: a folder in the format psad-lists-1 as JSON Lines that psad reads: requests, each with its
history, and items, by their titles where the folder has them.
"""

import bisect
import collections
import gzip
import json

SPLITS = ("train", "valid", "test")
DAYS = [0.5, 1, 2, 3, 5, 7, 14, 30, 90, 365]


def rows_of(path):
    """The rows of a table, as dictionaries."""
    with gzip.open(path, "rt", encoding="utf-8") as file:
        names = file.readline().lstrip("#").rstrip("\n").split("\t")
        return [dict(zip(names, line.rstrip("\n").split("\t"))) for line in file]


def counts_before(times, item, ts):
    """How many events of all users an item had in so many DAYS before."""
    of_item = times.get(item, [])
    end = bisect.bisect_left(of_item, ts)
    return {f"events_{days:g}d": end - bisect.bisect_left(of_item, ts - days * 86400) for days in DAYS}


def item_names(folder):
    """Item -> its title, or its number where there is none; a title that several have gets the number, too."""
    titles = {}
    if (folder / "titles.tsv.gz").exists():
        titles = {row["item"]: row["title"] for row in rows_of(folder / "titles.tsv.gz")}
    how_many = collections.Counter(titles.values())
    twins = [title for title in titles.values() if how_many[title.rpartition(" #")[0]] > 1 or title in titles]
    if twins:
        raise ValueError(f"{folder}: found the title {twins[0]}, which looks like another item's name, wanted another")
    return lambda item: (titles[item] + (f" #{item}" if how_many[titles[item]] > 1 else "")) if item in titles else item


def values_of(cell, between=","):
    """None of an empty vector."""
    return [] if cell == "-" else cell.split(between)


def row_of_fields(row, key, about):
    """The fields of a table's row by name, without what is unknown."""
    named = {field: [value_names(about, field).get(value, value) for value in values_of(cell, "|") if value != "0"]
             for field, cell in row.items() if field != key}
    return {field: values for field, values in named.items() if values}


def candidates_of(row, name, times):
    """Of a row of lists; `times` of the events of each item, or none for no counts."""
    columns = {"score": values_of(row["scores"]), "aux": values_of(row["aux"]), "grade": values_of(row["labels"])}
    for i, item in enumerate(values_of(row["items"])):
        numbers = {column: json.loads(values[i]) for column, values in columns.items() if values}
        counts = counts_before(times, item, int(row["ts"])) if times is not None else {}
        yield {"item": name(item), **counts, **numbers}


def convert(folder, out, counts=False):
    """Writes train, valid, test, items and users, JSON Lines each. With counts a candidate also says how many events of
    all users it had in several spans before the request."""
    name, about = item_names(folder), meta(folder)
    for table, key in (("items", "item"), ("users", "user")):
        with open(out / f"{table}.jsonl", "w", encoding="utf-8") as file:
            for row in rows_of(folder / f"{table}.tsv.gz"):
                who = name(row[key]) if key == "item" else row[key]
                file.write(json.dumps({key: who, **row_of_fields(row, key, about)}) + "\n")
    past, times = {}, {}
    for event in rows_of(folder / "events.tsv.gz"):
        past.setdefault(event["user"], []).append(
            {"item": name(event["item"]), "ts": int(event["ts"]), "kind": event["feedback"]})
        times.setdefault(event["item"], []).append(int(event["ts"]))
    for of_item in times.values():
        of_item.sort()
    context = [field for field in about.get("ctx_fields", "").split(",") if field]
    for split in SPLITS:
        with open(out / f"{split}.jsonl", "w", encoding="utf-8") as file:
            for row in rows_of(folder / f"lists_{split}.tsv.gz"):
                request = {"list": row["list"], "user": row["user"], "ts": int(row["ts"]),
                           **dict(zip(context, values_of(row["ctx"]))),
                           "candidates": list(candidates_of(row, name, times if counts else None)),
                           "history": past.get(row["user"], [])[: int(row["hist_len"])]}
                file.write(json.dumps(request) + "\n")
    return ["--items", out / "items.jsonl", "--users", out / "users.jsonl"]


def meta(folder):
    with open(folder / "meta.tsv", encoding="utf-8") as file:
        return dict(line.rstrip("\n").split("\t", 1) for line in file)


def value_names(about, field):
    """What the meta data calls the values of a field: 1=Action; 2=Adult."""
    return dict(pair.strip().split("=", 1) for pair in about.get(field, "").split(";") if "=" in pair)


def run(options):
    options.out.mkdir(parents=True, exist_ok=True)
    tables = convert(options.data, options.out)
    print(f"wrote {', '.join(str(options.out / f'{split}.jsonl') for split in SPLITS)}, {tables[1]}, {tables[3]}")
