#!/usr/bin/env python3
"""Corpora of fuzz targets in one file each: inputs with their lengths (4 bytes, little endian) before them.

Usage: corpus.py pack FOLDER FILE    the inputs of a folder, the smallest first, at most 150 kB of them
       corpus.py unpack FILE FOLDER
"""

import struct
import sys
from pathlib import Path

MOST = 150_000


def pack(folder, file):
    out, size = [], 0
    for path in sorted(Path(folder).iterdir(), key=lambda p: (p.stat().st_size, p.name)):
        data = path.read_bytes()
        size += 4 + len(data)
        if size > MOST:
            break
        out.append(struct.pack("<I", len(data)) + data)
    Path(file).parent.mkdir(exist_ok=True)
    Path(file).write_bytes(b"".join(out))


def unpack(file, folder):
    data, at, number = Path(file).read_bytes(), 0, 0
    while at < len(data):
        (size,) = struct.unpack_from("<I", data, at)
        (Path(folder) / f"kept-{number}").write_bytes(data[at + 4 : at + 4 + size])
        at, number = at + 4 + size, number + 1


if __name__ == "__main__":
    {"pack": pack, "unpack": unpack}[sys.argv[1]](*sys.argv[2:4])
