"""KuaiRand-Pure lists (psad's extract) as files that psad reads: requests, items, users."""

import gzip
import json

KINDS = [(128, "hate"), (16, "comment"), (32, "forward"), (8, "follow"), (4, "like"), (2, "long view"), (1, "click")]


def lines(path):
    with gzip.open(path, "rt") as file:
        yield from map(json.loads, file)


def kind(bits):
    return next((name for bit, name in KINDS if bits & bit), "skip")


def table(source, target, key, dense, fields):
    with open(target, "w") as out:
        for row in lines(source):
            named = dict(zip(dense, row["dense"])) | {f: str(v) for f, v in zip(fields, row["cat"])}
            out.write(json.dumps({key: str(row[key]), **named}) + "\n")


def convert(folder, out):
    meta = json.loads((folder / "meta.json").read_text())
    table(folder / "items.jsonl.gz", out / "items.jsonl", "item", meta["item_dense"], meta["item_cat"])
    table(folder / "users.jsonl.gz", out / "users.jsonl", "user", meta["user_dense"], meta["user_cat"])
    for split in ("train", "valid", "test"):
        with open(out / f"{split}.jsonl", "w") as file:
            for row in lines(folder / f"lists_{split}.jsonl.gz"):
                past = [{"item": str(i), "ts": row["old_ts"], "kind": "old " + kind(b)} for i, b in row.get("old", [])]
                past += [{"item": str(i), "ts": ts, "kind": kind(b), "tab": str(tab)} for i, ts, b, tab in row["hist"]]
                shown = [{"item": str(i), "fresh": f, "grade": g}
                         for i, f, g in zip(row["items"], row["fresh"], row["grade"])]
                request = {"list": row["list"], "user": str(row["user"]), "ts": row["ts"]}
                file.write(json.dumps({**request, "candidates": shown, "history": past}) + "\n")
    return ["--items", out / "items.jsonl", "--users", out / "users.jsonl"]
