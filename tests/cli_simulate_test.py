#!/usr/bin/env python3
"""psad simulate from outside: files and figures.

Usage: cli_simulate_test.py PSAD DATA_FOLDER [unittest options]
"""

import gzip
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "support"))
from cli import DATA, Case, main, psad  # noqa: E402


def lines_of(path):
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [line.rstrip("\n").split("\t") for line in lines][1:]


class Simulate(Case):
    def test_logs_and_truth(self):
        out = self.folder / "logs"
        words = ["--lists", 60, "--valid", 9, "--test", 7, "--seed", 5]
        done = psad("simulate", "--out", out, *words)
        self.assert_good(done)
        self.assertIn(f"wrote 76 lists to {out}", done.stdout)
        for split, count in (("train", 60), ("valid", 9), ("test", 7)):
            lists, truth = lines_of(out / f"lists_{split}.tsv.gz"), lines_of(out / f"truth_{split}.tsv.gz")
            self.assertEqual((len(lists), len(truth)), (count, count))
            for _, shown, best, proven, order in truth:
                self.assertLessEqual(float(shown), float(best))
                self.assertEqual(proven, "0")
                self.assertEqual(len(set(order.split(","))), 10)
        self.assertIn("seed=5", (out / "meta.tsv").read_text())
        again = self.folder / "again"
        self.assert_good(psad("simulate", "--out", again, *words, "--threads", 1))
        for name in os.listdir(out):
            self.assertEqual((out / name).read_bytes(), (again / name).read_bytes(), name)
        # The logs are lists like any others.
        model = self.folder / "of-logs"
        words = ["--data", out, "--variant", "small", "--steps", 2, "--out", model]
        self.assert_good(psad("train", *words))
        self.assert_good(psad("evaluate", "--data", out, "--model", model))

    def test_a_folder_with_a_slash(self):
        out = self.folder / "slash"
        out.mkdir()
        self.assert_good(psad("simulate", "--out", f"{out}/", "--lists", 5, "--valid", 0, "--test", 0))
        self.assertTrue((out / "meta.tsv").exists())

    def test_interactions(self):
        for name, words in (("none", "variety=0,complement=0"), ("redundancy", "variety=2,complement=0")):
            out = self.folder / name
            sizes = ["--lists", 5, "--valid", 0, "--test", 0]
            self.assert_good(psad("simulate", "--out", out, *sizes, "--interaction", name))
            self.assertIn(words, (out / "meta.tsv").read_text())

    def test_what_is_refused(self):
        done = psad("simulate", "--out", DATA)
        self.assert_fails(done, DATA, "found something that exists, wanted a new or an empty folder")
        out = self.folder / "never"
        self.assert_usage(psad("simulate", "--out", out, "--world", "gamma=3"), "found 'gamma=3', wanted one of")
        self.assert_fails(psad("simulate", "--out", out / "deep" / "er", "--lists", 3), "deep")
        self.assert_usage(psad("simulate", "--out", out, "--interaction", "some"))
        self.assertFalse(out.exists())


if __name__ == "__main__":
    main()
