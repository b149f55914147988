"""trivago-multi-dev lists as files that psad reads: requests alone, each with its history."""

import gzip
import json

KINDS = [(32, "search"), (16, "click-out"), (8, "deals"), (4, "rating"), (2, "info"), (1, "image")]


def kind(bits):
    return next((name for bit, name in KINDS if bits & bit), "none")


def convert(folder, out):
    meta = json.loads((folder / "meta.json").read_text())
    for split in ("train", "valid", "test"):
        with gzip.open(folder / f"lists_{split}.jsonl.gz", "rt") as source, open(out / f"{split}.jsonl", "w") as file:
            for row in map(json.loads, source):
                context = {name: str(value) for name, value in zip(meta["ctx"][:4], row["ctx"])}
                candidates = [{"item": str(item), **dict(zip(meta["dense"], dense)), "grade": grade}
                              for item, dense, grade in zip(row["items"], row["dense"], row["grade"])]
                history = [{"item": str(item), "ts": ts, "kind": kind(bits)} for item, ts, bits in row["hist"]]
                request = {"list": row["list"], "user": str(row["user"]), "ts": row["ts"], "n_filters": row["ctx"][4]}
                file.write(json.dumps({**request, **context, "candidates": candidates, "history": history}) + "\n")
    return []
