"""The command seeds: psad train and psad evaluate once per seed, into a folder that the command table reads.

A seed whose figures exist is not trained again, so remove the folder after a change to psad.
"""

import re
import subprocess

import table
from common import ROOT


def folder_of(options):
    """Where the figures go. Figures of different settings never share a folder."""
    if not re.fullmatch(r"[A-Za-z0-9._-]*", options.name):
        raise ValueError(f"--name: found {options.name!r}, wanted letters, digits, . _ -")
    if not options.data.is_dir():
        raise ValueError(f"{options.data}: found no such folder, wanted a folder of lists")
    name = options.data.resolve().name + (f"-{options.name}" if options.name else "")
    folder = ROOT / "build" / "quality" / name
    folder.mkdir(parents=True, exist_ok=True)
    for name, asked in (("arguments", " ".join(options.train_arguments)), ("data", str(options.data.resolve()))):
        kept = folder / name
        if kept.exists() and (found := kept.read_text(encoding="utf-8").strip()) != asked:
            raise ValueError(f"{folder}: found figures of {name} '{found}', wanted '{asked}': take another --name")
        kept.write_text(asked + "\n", encoding="utf-8")
    return folder


def run(options):
    folder = folder_of(options)
    for seed in dict.fromkeys(options.seeds):
        files = {split: folder / f"seed-{seed}.{split}.json" for split in ("valid", "test")}
        if all(path.exists() for path in files.values()):
            print(f"seed {seed}: there already")
            continue
        print(f"seed {seed}", flush=True)
        model, data = folder / f"seed-{seed}.safetensors", ["--data", options.data]
        words = [*data, "--out", model, "--json", folder / f"seed-{seed}.train.json", "--seed", str(seed)]
        subprocess.run([options.program, "train", *words, *options.train_arguments], check=True)
        for split, path in files.items():
            words = [*data, "--model", model, "--split", split, "--json", path]
            subprocess.run([options.program, "evaluate", *words], check=True, stdout=subprocess.DEVNULL)
    for split in ("valid", "test"):
        print(f"\n{table.report(folder, split, list(dict.fromkeys(options.seeds)))}")
