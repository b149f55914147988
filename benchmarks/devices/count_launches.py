#!/usr/bin/env python3
"""Counts what a card does for a batch: kernels launched, their time, bytes moved to and from its memory.

Usage: count_launches.py PSAD_DEVICES [--kernels N]

Runs `psad_devices profile` under Nsight Compute (ncu) for each task and batch size. With --kernels it lists the N
kernels that take longest, too.
"""

import argparse
import collections
import csv
import io
import re
import subprocess
import tempfile

BYTES = {"byte": 1, "Kbyte": 1e3, "Mbyte": 1e6, "Gbyte": 1e9}
MICROSECONDS = {"nsecond": 1e-3, "ns": 1e-3, "usecond": 1, "us": 1, "msecond": 1e3, "ms": 1e3}


def profiled(program: str, task: str, batch: int) -> list[dict]:
    with tempfile.NamedTemporaryFile(suffix=".csv") as log:
        command = ["ncu", "--profile-from-start", "off", "--clock-control", "none", "--csv", "--log-file", log.name,
                   "--metrics", "gpu__time_duration.sum,dram__bytes.sum", program, "profile", task, str(batch)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        table = "".join(line for line in open(log.name, encoding="utf-8") if line.startswith('"'))
    return list(csv.DictReader(io.StringIO(table)))


def number(row: dict) -> float:
    scale = BYTES if row["Metric Name"].startswith("dram") else MICROSECONDS
    return float(row["Metric Value"].replace(",", "")) * scale[row["Metric Unit"]]


def short(kernel: str) -> str:
    inner = re.search(r"for_each(?:_row)?<(.*)>\(", kernel)
    return re.sub(r"psad::(v\w+::)?|thrust_functors::|void ", "", inner.group(1) if inner else kernel)[:60]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program", help="psad_devices, built with PSAD_WITH_CUDA")
    parser.add_argument("--kernels", type=int, default=0, help="how many of the slowest kernels to list")
    options = parser.parse_args()
    print("| task | lists | launches | time of kernels, us | memory, MB |\n| --- | ---: | ---: | ---: | ---: |")
    for task in ("student", "teacher", "training"):
        for batch in (1, 64, 1024):
            rows = profiled(options.program, task, batch)
            times = [(short(r["Kernel Name"]), number(r)) for r in rows if r["Metric Name"].startswith("gpu")]
            moved = sum(number(r) for r in rows if r["Metric Name"].startswith("dram"))
            total = sum(time for _, time in times)
            print(f"| {task} | {batch} | {len(times)} | {total:.0f} | {moved / 1e6:.1f} |", flush=True)
            by_kernel = collections.defaultdict(list)
            for kernel, time in times:
                by_kernel[kernel].append(time)
            slowest = sorted(by_kernel.items(), key=lambda item: -sum(item[1]))
            for kernel, all_times in slowest[:options.kernels]:
                print(f"    {len(all_times):5} x {sum(all_times) / len(all_times):7.1f} us  {kernel}")


if __name__ == "__main__":
    main()
