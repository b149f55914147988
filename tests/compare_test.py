#!/usr/bin/env python3
"""psad-compare from outside: figures, resuming, reports.

Usage: compare_test.py PSAD_COMPARE DATA_FOLDER [unittest options]
"""

import gzip
import json
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

QUALITY = Path(__file__).parent.parent / "benchmarks" / "quality"
sys.path.insert(0, str(QUALITY))
import kept_figures  # noqa: E402

PROGRAM, DATA = (sys.argv[1:3] + ["", ""])[:2]
WORLD = ["--world", "candidates=8,positions=5", "--lists", 120, "--test", 40, "--epochs", 2, "--batch", 32]
ONE_EPOCH = ["--epochs", 1, "--models", "mlp", "--seeds", 1]


def compare(*words):
    return subprocess.run([PROGRAM, *map(str, words)], capture_output=True, text=True, timeout=600, check=False)


def report(*words):
    return subprocess.run([sys.executable, QUALITY, "report", *words], capture_output=True, text=True, check=False)


def rewrite(path, change):
    """Changes the columns of every row of a table: change(names, columns)."""
    head, *rows = gzip.decompress(path.read_bytes()).decode().splitlines()
    names = head.lstrip("#").split("\t")
    rows = ["\t".join(change(names, row.split("\t"))) for row in rows]
    path.write_bytes(gzip.compress(("\n".join([head, *rows]) + "\n").encode()))


class Case(unittest.TestCase):
    def setUp(self):
        self.folder = Path(tempfile.mkdtemp(prefix="psad-compare-"))
        self.addCleanup(shutil.rmtree, self.folder)

    def assert_good(self, done):
        self.assertEqual((done.returncode, done.stderr), (0, ""))

    def assert_fails(self, done, *words, code=1):
        """One line on stderr that holds the words."""
        self.assertEqual(done.returncode, code, done.stderr)
        self.assertRegex(done.stderr, r"\Apsad-compare: [^\n]+\n\Z")
        for word in words:
            self.assertIn(str(word), done.stderr)

    def assert_usage(self, done, *words):
        self.assert_fails(done, *words, code=2)
        self.assertEqual(done.stdout, "")

    def compared(self, path, *words):
        done = compare(*words, "--json", path)
        self.assert_good(done)
        return json.loads(path.read_text()), done.stdout

    def other_data(self, name):
        other = self.folder / name
        shutil.copytree(DATA, other)
        return other


class World(Case):
    def test_figures_and_kept_runs(self):
        path = self.folder / "world.json"
        words = [*WORLD, "--models", "psad,ar,nar4rec,dlcm,offline", "--seeds", 2]
        found, _ = self.compared(path, *words)
        self.figures_agree(found)
        # These are figures that docs/results would keep.
        arguments = [str(w) for w in words]
        kept = kept_figures.keep(found) | {"machine": "any", "arguments": arguments}
        kept_figures.check(kept, arguments)
        # What is finished is not trained again, and one run made anew is the same to the bit.
        again, said = self.compared(path, *words)
        self.assertEqual(again, found)
        self.assertIn("ar seed 2 (kept)", said)
        run = Path(f"{path}.runs") / "ar-seed2.json"
        before = json.loads(run.read_text())["run"]
        run.unlink()
        self.compared(path, *words, "--threads", 1)
        after = json.loads(run.read_text())["run"]
        self.assertEqual(after["rows"][0]["metrics"], before["rows"][0]["metrics"])
        self.assertEqual(after["losses"], before["losses"])
        self.foreign_runs_are_refused(path, words, run)

    def figures_agree(self, found):
        rows = ["psad", "psad/teacher", "ar", "nar4rec", "dlcm", "offline", "offline/teacher", "initial", "logged"]
        self.assertEqual(sorted(found["models"]), sorted(rows))
        self.assertIn("candidates=8,positions=5", found["world"])
        for name, model in found["models"].items():
            self.assertEqual(sorted(model["metrics"]), ["utility", "utility_share"])
            value, low, high = model["metrics"]["utility_share"]
            self.assertTrue(0 < low < value < high <= 1)
            self.assertEqual(sum(b["lists"] for b in model["buckets"].values()), 40)
            if name not in ("initial", "logged"):
                self.assertEqual(len(model["seeds"]["utility_share"]), 2)
                self.assertAlmostEqual(sum(model["seeds"]["utility_share"]) / 2, value)
                self.assertGreater(model["train_seconds"], 0)
                self.assertGreater(model["latency_us"]["p50"], 0)
        for pair in found["paired"]:
            a, b = (found["models"][pair[side]]["metrics"][pair["metric"]][0] for side in "ab")
            self.assertAlmostEqual(pair["difference"][0], a - b)
            self.assertEqual("buckets" in pair, pair["metric"] == "utility_share")
            for label, (value, low, high) in pair.get("buckets", {}).items():
                a, b = (found["models"][pair[side]]["buckets"][label]["utility_share"][0] for side in "ab")
                self.assertAlmostEqual(value, a - b)
                self.assertTrue(low <= value <= high)
        self.assertEqual(len(found["paired"]), 2 * len(rows) * (len(rows) - 1) // 2)

    def foreign_runs_are_refused(self, path, words, run):
        """Runs of other settings are not mixed in; broken ones are named."""
        fails = lambda *said: self.assert_fails(compare(*words, "--json", path), *said)  # noqa: E731
        other = compare(*words, "--learning-rate", "0.01", "--json", path)
        self.assert_fails(other, ".runs", "learning_rate: found 0.003, wanted 0.01")
        other = compare(*(41 if w == 40 else w for w in words), "--json", path)
        self.assert_fails(other, ".runs", "test_lists: found 40, wanted 41")
        good = json.loads(run.read_text())
        for change in (
            lambda rows: rows.clear(),
            lambda rows: rows.append(rows[0]),
            lambda rows: rows[0].update(name="initial"),
            lambda rows: rows[0]["metrics"].pop("utility"),
            lambda rows: rows[0]["metrics"]["utility"].pop(),
            lambda rows: rows[0]["metrics"]["utility"].__setitem__(0, 1e308),
            lambda rows: rows[0]["metrics"]["utility"].__setitem__(0, -1),
            lambda rows: rows[0].update(metrics=[]),
            lambda rows: rows[0]["latency_us"].update(p50=-1),
        ):
            damaged = json.loads(json.dumps(good))
            change(damaged["run"]["rows"])
            run.write_text(json.dumps(damaged))
            fails(run, "wanted a run as psad-compare writes it")
        run.write_text("{}")
        fails(run, "found JSON that is no run")
        run.unlink()
        run.mkdir()
        fails(run, "found no file")
        run.rmdir()
        run.symlink_to(run.name)
        fails(run, "found no file")
        run.unlink()
        shutil.copy(Path(f"{path}.runs") / "ar-seed1.json", run)  # another seed's
        fails(run, "seed: found 1, wanted 2")
        run.unlink()
        run = Path(f"{path}.runs") / "psad-seed2.json"  # a part that one seed lacks
        found = json.loads(run.read_text())
        found["run"]["rows"].pop()
        run.write_text(json.dumps(found))
        fails("psad, seed 2: found 1 rows, wanted 2")

    def test_a_report(self):
        path, folder = self.folder / "small.json", self.folder / "new" / "report"
        found, said = self.compared(path, *WORLD, "--models", "psad,k2", "--seeds", 1)
        self.assertIn(f"python3 benchmarks/quality report {path} FOLDER", said.splitlines()[-1])
        done = report(path, folder)
        if "found no matplotlib" in done.stderr:
            self.skipTest("no matplotlib")
        self.assert_good(done)
        page, text = (folder / "report.html").read_text(), (folder / "report.md").read_text()
        for name, model in found["models"].items():
            value = "{:.4f} [{:.4f}, {:.4f}]".format(*model["metrics"]["utility_share"])
            self.assertIn(f"<td>{name}</td><td>{value}</td>", page)
            self.assertIn(f"| {name} | {value} |", text)
        self.assertEqual(page.count("<svg"), 4)
        self.assertIn("epochs of", page)
        files = ["blocks.svg", "curves.svg", "history.svg", "pareto.svg", "report.html", "report.md"]
        self.assertEqual(sorted(f.name for f in folder.iterdir()), files)
        broken = self.folder / "broken.json"
        broken.write_text('{"metric": "utility_share"}')
        for words, said in (
            ([broken, folder], "wanted the JSON of psad-compare"),
            ([self.folder / "missing", folder], "missing"),
            ([path, "/proc/report"], "/proc/report"),
        ):
            done = report(*words)
            self.assertEqual(done.returncode, 1)
            self.assertRegex(done.stderr, r"\Areport: [^\n]+\n\Z")
            self.assertIn(said, done.stderr)
        taken = self.folder / "report.md"
        shutil.copy(path, taken)
        self.assertIn("wanted another folder", report(taken, self.folder).stderr)
        self.assertEqual(taken.read_text(), path.read_text())


class DataFolder(Case):
    def test_figures(self):
        path = self.folder / "data.json"
        found, said = self.compared(path, "--data", DATA, *ONE_EPOCH)
        self.assertEqual(sorted(found["models"]), ["by-aux", "history-first", "initial", "mlp"])
        self.assertEqual(found["data"], "movietweetings-ci")
        self.assertIn("mlp seed 1:", said)
        # Lists of the same name and number, but others: their runs are others too.
        other = self.other_data("swapped")

        def swap(names, columns):
            items = columns[names.index("items")].split(",")
            columns[names.index("items")] = ",".join([items[1], items[0], *items[2:]])
            return columns

        rewrite(other / "lists_test.tsv.gz", swap)
        self.assert_fails(compare("--data", other, *ONE_EPOCH, "--json", path), "fingerprint: found")

    def test_orders_of_another_program(self):
        counts = []

        def count(names, columns):
            counts.append(len(columns[names.index("items")].split(",")))
            return columns

        rewrite(self.other_data("counted") / "lists_test.tsv.gz", count)
        orders, path = self.folder / "orders.jsonl", self.folder / "outside.json"
        words = ["--data", DATA, *ONE_EPOCH]

        def given(word=f"mine={orders}"):
            return compare(*words, "--json", path, "--orders", word)

        def write(lists):
            orders.write_text("".join(json.dumps({"order": order}) + "\n" for order in lists))

        write([list(range(n)) for n in counts[:-1]] + [[0]])  # what a line leaves out keeps its order
        found, _ = self.compared(path, *words, "--orders", f"mine={orders}")
        self.assertEqual(found["models"]["mine"]["metrics"], found["models"]["initial"]["metrics"])
        self.assertEqual(sum(1 for p in found["paired"] if "mine" in (p["a"], p["b"])), 4 * 4)
        for lists, said in (
            ([[0]] * (len(counts) - 1), f"found {len(counts) - 1} lines, wanted {len(counts)}, one per list"),
            ([[0]] * (len(counts) + 1), f"line {len(counts) + 1}: found one line more"),
            ([[0, 0]] * len(counts), "line 1: found 0, wanted each position from 0 to"),
            ([[-1]] * len(counts), "line 1: found -1"),
            ([[10**6]] * len(counts), "line 1: found 1000000"),
            ([[0.5]] * len(counts), "line 1: found 0.5"),
            ([["a"]] * len(counts), "line 1: found \"a\""),
            ([0], "line 1: found 0, wanted an order"),
        ):
            write(lists)
            self.assert_fails(given(), orders, said)
        orders.write_text("{}\n")
        self.assert_fails(given(), orders, "line 1: found no order")
        for word in ("mine", "=x", "mine=", f"mlp={orders}", f"initial={orders}"):
            self.assert_usage(given(word), f"--orders: found {word}")
        for name in ("psad/teacher", "\udcff"):
            self.assert_usage(given(f"{name}={orders}"), "a name of its own")
        self.assert_fails(given(f"mine={self.folder / 'missing'}"), self.folder / "missing")
        same = compare(*words, "--json", orders, "--orders", f"mine={orders}")
        self.assert_usage(same, "found the file of --orders")

    def test_aux_that_validation_lacks(self):
        other = self.other_data("without")

        def drop(names, columns):
            columns[names.index("aux")] = "-"
            return columns

        rewrite(other / "lists_valid.tsv.gz", drop)
        found, _ = self.compared(self.folder / "without.json", "--data", other, *ONE_EPOCH)
        self.assertNotIn("by-aux", found["models"])

    def test_shown_orders_are_learned_only_when_asked_for(self):
        words = ["--epochs", 1, "--models", "k2,mlp", "--seeds", 1]
        without, said = self.compared(self.folder / "without.json", "--data", DATA, *words)
        self.assertIn("learned: positives before the others\n", said)
        other = self.other_data("shown")
        for split in ("train", "valid", "test"):
            rows = gzip.decompress((other / f"lists_{split}.tsv.gz").read_bytes()).decode().splitlines()
            sizes = [len(row.split("\t")[5].split(",")) for row in rows[1:]]
            lines = [f"{i}\t{','.join(str(c) for c in reversed(range(n)))}" for i, n in enumerate(sizes)]
            text = "\n".join(["#list\tshown", *lines]) + "\n"
            (other / f"shown_{split}.tsv.gz").write_bytes(gzip.compress(text.encode()))
        ignored, said = self.compared(self.folder / "ignored.json", "--data", other, *words)
        self.assertIn("learned: positives before the others\n", said)
        imitated, said = self.compared(self.folder / "imitated.json", "--data", other, *words, "--imitate")
        self.assertIn("learned: the list that was shown\n", said)
        self.assertEqual(imitated["objective"], "the list that was shown")
        for name in ("k2", "mlp"):
            metrics = [found["models"][name]["metrics"] for found in (without, ignored, imitated)]
            self.assertEqual(metrics[0], metrics[1])
            self.assertNotEqual(metrics[0], metrics[2])
        again = compare("--data", other, *words, "--json", self.folder / "imitated.json")
        self.assert_fails(again, "objective: found \"the list that was shown\", wanted \"positives before the others\"")
        none = compare("--data", DATA, *words, "--imitate", "--json", self.folder / "never.json")
        self.assert_fails(none, "shown_train: found no orders, wanted those that the log showed")

    def test_by_aux_sorts_as_validation_says(self):
        """A rating is best high, a price low."""
        other = self.other_data("negated")

        def negate(names, columns):
            at = names.index("aux")
            columns[at] = ",".join(f"-{x}" for x in columns[at].split(","))
            return columns

        for split in ("valid", "test"):
            rewrite(other / f"lists_{split}.tsv.gz", negate)
        up, _ = self.compared(self.folder / "up.json", "--data", DATA, *ONE_EPOCH)
        down, _ = self.compared(self.folder / "down.json", "--data", other, *ONE_EPOCH)
        self.assertEqual(up["models"]["by-aux"]["metrics"], down["models"]["by-aux"]["metrics"])
        self.assertNotEqual(up["models"]["by-aux"]["metrics"], up["models"]["initial"]["metrics"])


class Refused(Case):
    def test_what_is_refused(self):
        path = self.folder / "never.json"
        refused = lambda *words: compare(*words, "--json", path)  # noqa: E731
        self.assert_usage(refused(*WORLD, "--models", "psad,magic"), "found magic, wanted some of psad")
        self.assert_usage(refused(*WORLD, "--models", "ar,ar"), "found ar twice")
        self.assert_usage(refused("--world", "positions=5,positions=6"), "positions: found it twice")
        self.assert_usage(refused("--world", "positions=12"), "positions: found 12, wanted at most 10")
        self.assert_usage(refused("--world", "positions\n=5"), "found 'positions?=5'")
        self.assert_usage(refused(*WORLD, "--learning-rate", 10), "weight_decay: found 0.5, wanted less than 1")
        self.assert_fails(refused("--data", self.folder / "none"), "none")
        orders = ["--orders", f"x={self.folder}"]
        self.assert_fails(refused(*WORLD, "--models", "mlp", *orders), "found a folder, wanted a file of orders")
        for words in (
            ["--json", path],
            [*WORLD],
            [*WORLD, "--data", DATA, "--json", path],
            [*WORLD, "--json", path, "--seeds", 0],
            ["--data", DATA, "--json", path, "--lists", 9],
            ["--data", DATA, "--json", path, "--test", 9],
            ["--data", DATA, "--json", Path(DATA) / "meta.tsv"],
        ):
            self.assert_usage(compare(*words))
        self.assertFalse(path.exists())


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit("wanted: psad-compare and a data folder")
    del sys.argv[1:3]
    unittest.main()
