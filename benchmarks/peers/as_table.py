#!/usr/bin/env python3
"""Puts what psad_peers measured into one JSON file, and beside it into a table.

Usage: as_table.py MODELS TRAINING JSON
"""

import datetime
import json
import sys
from pathlib import Path


def machine():
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return "an unknown processor"


def main():
    models, training = (json.loads(Path(path).read_text(encoding="utf-8")) for path in sys.argv[1:3])
    found = {"machine": machine(), "date": datetime.date.today().isoformat(), **models}
    found["cases"] = models["cases"] + training["cases"]
    rows = [["case", "psad us", "ONNX Runtime us", "LibTorch us", "times ONNX Runtime", "times LibTorch",
             "of the FMA peak", "largest difference"]]
    for c in models["cases"]:
        share = f"{100 * c['peak_share']:.0f} %" if "peak_share" in c else ""
        keys = ("psad_us", "onnxruntime_us", "libtorch_us", "vs_onnxruntime", "vs_libtorch")
        times = [f"{c[key]:.1f}" for key in keys]
        rows.append([c["name"], *times, share, f"{c['max_abs_score_difference']:.0e}"])
    steps = [["case", "psad ms", "PyTorch ms", "times PyTorch", "largest relative difference of a loss"]]
    for c in training["cases"]:
        times = [f"{c['psad_us'] / 1000:.1f}", f"{c['pytorch_us'] / 1000:.1f}", f"{c['vs_pytorch']:.1f}"]
        steps.append([c["name"], *times, f"{c['max_relative_loss_difference']:.0e}"])
    text = [f"{found['machine']}, {found['date']}; ONNX Runtime {found['onnxruntime']}, LibTorch {found['libtorch']}\n"]
    for table in (rows, steps):
        lines = ["| " + " | ".join(row) + " |" for row in table]
        lines.insert(1, "| " + " | ".join(["---"] + ["---:"] * (len(table[0]) - 1)) + " |")
        text.append("\n".join(lines) + "\n")
    target = Path(sys.argv[3])
    target.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    target.with_suffix(".md").write_text("\n".join(text), encoding="utf-8")
    print("\n".join(text))


if __name__ == "__main__":
    main()
