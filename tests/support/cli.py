"""Runs the psad program from outside; the cli_*_test.py build on it."""

import gzip
import json
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

PSAD, DATA = (sys.argv[1:3] + ["", ""])[:2]


def psad(*words, stdin=""):
    """Runs the program; `stdin` is text or bytes."""
    sent = stdin if isinstance(stdin, bytes) else stdin.encode()
    done = subprocess.run([PSAD, *map(str, words)], input=sent, capture_output=True, timeout=300, check=False)
    done.stdout, done.stderr = done.stdout.decode(), done.stderr.decode()
    return done


def train(out, *words, variant="small"):
    """Trains a variant, the smallest if none is named, for three steps of several shards."""
    fixed = ["--data", DATA, "--variant", variant, "--steps", 3, "--batch", 64, "--out", out]
    return psad("train", *fixed, *words)


def rows(name):
    with gzip.open(Path(DATA) / name, "rt", encoding="utf-8") as lines:
        return [line.rstrip("\n").split("\t") for line in lines][1:]


class Case(unittest.TestCase):
    """Trains one model for all of its tests."""

    variant = "small"

    @classmethod
    def setUpClass(cls):
        cls.folder = Path(tempfile.mkdtemp(prefix="psad-cli-"))
        cls.model = cls.folder / "model.safetensors"
        cls.trained = train(cls.model, "--json", cls.folder / "train.json", "--threads", "1", variant=cls.variant)

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.folder)

    def assert_good(self, done):
        self.assertEqual((done.returncode, done.stderr), (0, ""))

    def assert_fails(self, done, *words):
        """Exit code 1 and one line on stderr that holds the words."""
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertRegex(done.stderr, r"\Apsad: [^\n]+\n\Z")
        for word in words:
            self.assertIn(str(word), done.stderr)

    def assert_usage(self, done, *words):
        """Exit code 2 and one line on stderr that holds the words."""
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertRegex(done.stderr, r"\Apsad: [^\n]+\n\Z")
        self.assertEqual(done.stdout, "")
        for word in words:
            self.assertIn(str(word), done.stderr)

    def figures(self, *words):
        """What evaluate writes to --json, without the times that it took."""
        path = self.folder / "evaluate.json"
        self.assert_good(psad("evaluate", "--data", DATA, "--json", path, *words))
        found = json.loads(path.read_text())
        for order in found["orders"].values():
            latency = order.pop("latency_us")
            self.assertLessEqual(latency["p50"], latency["p99"])
        return found

    def other_data(self):
        """A copy of the data with one context field renamed and resized."""
        other = self.folder / "other-data"
        if not other.exists():
            shutil.copytree(DATA, other)
            meta = (other / "meta.tsv").read_text()
            fields = re.search(r"^ctx_fields\t(.*)$", meta, re.MULTILINE)[1].split(",")
            sizes = re.search(r"^ctx_vocab\t(.*)$", meta, re.MULTILINE)[1].split(",")
            meta = meta.replace("ctx_fields\t" + ",".join(fields), "ctx_fields\t" + ",".join(["place", *fields[1:]]))
            meta = meta.replace("ctx_vocab\t" + ",".join(sizes), "ctx_vocab\t" + ",".join(["3000", *sizes[1:]]))
            (other / "meta.tsv").write_text(meta)
        return other

    def damaged(self, change):
        """A copy of the model with another header, and without a checksum: read on its structure alone."""
        data = self.model.read_bytes()
        size = struct.unpack("<Q", data[:8])[0]
        header = json.loads(data[8 : 8 + size])
        del header["__metadata__"]["psad.checksum"]
        change(header)
        text = json.dumps(header).encode()
        path = self.folder / "damaged"
        path.write_bytes(struct.pack("<Q", len(text)) + text + data[8 + size :])
        return path


def main():
    """Runs the cases of the script that was started: SCRIPT PSAD DATA_FOLDER [unittest options]."""
    if len(sys.argv) < 3:
        sys.exit("wanted: the psad program and a data folder")
    del sys.argv[1:3]
    unittest.main()
