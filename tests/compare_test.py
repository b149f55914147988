#!/usr/bin/env python3
"""psad simulate and psad compare from outside: files, figures, resuming.

Usage: cli_compare_test.py PSAD DATA_FOLDER [unittest options]
"""

import gzip
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent / "support"), str(Path(__file__).parent.parent / "scripts")]
import kept_figures  # noqa: E402
from cli import DATA, Case, main, psad  # noqa: E402

WORLD = ["--world", "candidates=8,slots=5", "--lists", 120, "--test", 40, "--epochs", 2, "--batch", 32]


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
            self.assert_good(psad("simulate", "--out", out, "--lists", 5, "--valid", 0, "--test", 0, "--interaction", name))
            self.assertIn(words, (out / "meta.tsv").read_text())

    def test_what_is_refused(self):
        done = psad("simulate", "--out", DATA)
        self.assert_fails(done, DATA, "found something that exists, wanted a new or an empty folder")
        out = self.folder / "never"
        self.assert_usage(psad("simulate", "--out", out, "--world", "gamma=3"), "found 'gamma=3', wanted one of")
        self.assert_fails(psad("simulate", "--out", out / "deep" / "er", "--lists", 3), "deep")
        self.assert_usage(psad("simulate", "--out", out, "--interaction", "some"))
        self.assertFalse(out.exists())


class Compare(Case):
    def compared(self, path, *words):
        done = psad("compare", *words, "--json", path)
        self.assert_good(done)
        return json.loads(path.read_text()), done.stdout

    def test_a_world(self):
        path = self.folder / "world.json"
        words = [*WORLD, "--models", "psad,ar,nar4rec,dlcm,offline", "--seeds", 2]
        found, told = self.compared(path, *words)
        rows = ["psad", "psad/teacher", "ar", "nar4rec", "dlcm", "offline", "offline/teacher", "initial", "logger"]
        self.assertEqual(sorted(found["models"]), sorted(rows))
        self.assertIn("candidates=8,slots=5", found["world"])
        for name, model in found["models"].items():
            self.assertEqual(sorted(model["metrics"]), ["utility", "utility_share"])
            value, low, high = model["metrics"]["utility_share"]
            self.assertTrue(0 < low < value < high <= 1)
            self.assertEqual(sum(b["lists"] for b in model["buckets"].values()), 40)
            if name not in ("initial", "logger"):
                self.assertEqual(len(model["seeds"]["utility_share"]), 2)
                self.assertAlmostEqual(sum(model["seeds"]["utility_share"]) / 2, value)
                self.assertGreater(model["train_seconds"], 0)
                self.assertGreater(model["latency_us"]["p50"], 0)
        for pair in found["paired"]:
            a, b = (found["models"][pair[side]]["metrics"][pair["metric"]][0] for side in "ab")
            self.assertAlmostEqual(pair["difference"][0], a - b)
            self.assertEqual("buckets" in pair, pair["metric"] == "utility_share")
        buckets = next(p for p in found["paired"] if p["a"] == "ar" and p["b"] == "dlcm" and "buckets" in p)["buckets"]
        for label, (value, low, high) in buckets.items():
            of = [found["models"][name]["buckets"][label]["utility_share"][0] for name in ("ar", "dlcm")]
            self.assertAlmostEqual(value, of[0] - of[1])
            self.assertTrue(low <= value <= high)
        self.assertEqual(len(found["paired"]), 2 * len(rows) * (len(rows) - 1) // 2)
        # These are figures that docs/results would keep.
        asked = [str(w) for w in words]
        kept_figures.check(kept_figures.keep(json.loads(json.dumps(found))) | {"machine": "any", "asked": asked}, asked)
        # What is finished is not trained again, and one cell trained anew is the same to the bit.
        again, _ = self.compared(path, *words)
        self.assertEqual(again, found)
        cell = Path(f"{path}.cells") / "ar-seed2.json"
        before = json.loads(cell.read_text())
        cell.unlink()
        self.compared(path, *words, "--threads", 1)
        after = json.loads(cell.read_text())
        self.assertEqual(after["cell"]["rows"][0]["judged"], before["cell"]["rows"][0]["judged"])
        self.assertEqual(after["cell"]["losses"], before["cell"]["losses"])
        # Cells of other settings are not mixed in; broken ones are named.
        self.assert_fails(psad("compare", *words, "--rate", "0.01", "--json", path), ".cells", "rate: found 0.003, wanted 0.01")
        self.assert_fails(psad("compare", *(41 if w == 40 else w for w in words), "--json", path), ".cells", "test_lists: found 40, wanted 41")
        good = json.loads(cell.read_text())

        def damaged(change):
            other = json.loads(json.dumps(good))
            change(other["cell"]["rows"])
            cell.write_text(json.dumps(other))
            self.assert_fails(psad("compare", *words, "--json", path), cell, "wanted a cell as compare writes it")

        damaged(lambda rows: rows.clear())
        damaged(lambda rows: rows.append(rows[0]))
        damaged(lambda rows: rows[0].update(name="initial"))
        damaged(lambda rows: rows[0]["judged"].pop("utility"))
        damaged(lambda rows: rows[0]["judged"]["utility"].pop())
        damaged(lambda rows: rows[0]["judged"]["utility"].__setitem__(0, 1e308))
        damaged(lambda rows: rows[0]["judged"]["utility"].__setitem__(0, -1))
        damaged(lambda rows: rows[0].update(judged=[]))
        damaged(lambda rows: rows[0]["latency_us"].update(p50=-1))
        cell.write_text("{}")
        self.assert_fails(psad("compare", *words, "--json", path), cell, "found JSON that is no cell")
        cell.unlink()
        cell.mkdir()
        self.assert_fails(psad("compare", *words, "--json", path), cell, "found no file")
        cell.rmdir()
        cell.symlink_to(cell.name)
        self.assert_fails(psad("compare", *words, "--json", path), cell, "found no file")
        cell.unlink()
        shutil.copy(Path(f"{path}.cells") / "ar-seed1.json", cell)  # another seed's
        self.assert_fails(psad("compare", *words, "--json", path), cell, "seed: found 1, wanted 2")
        cell.unlink()
        # A part that one seed lacks.
        cell = Path(f"{path}.cells") / "psad-seed2.json"
        found = json.loads(cell.read_text())
        found["cell"]["rows"].pop()
        cell.write_text(json.dumps(found))
        self.assert_fails(psad("compare", *words, "--json", path), "psad, seed 2: found 1 rows, wanted 2")

    def test_a_data_folder(self):
        path = self.folder / "data.json"
        found, told = self.compared(path, "--data", DATA, "--epochs", 1, "--models", "mlp", "--seeds", 1)
        self.assertEqual(sorted(found["models"]), ["by-aux", "history-first", "initial", "mlp"])
        self.assertEqual(found["data"], "movietweetings-ci")
        wanted = self.figures("--model", self.model)["orders"]["initial"]
        for metric, interval in found["models"]["initial"]["metrics"].items():
            self.assertEqual(interval, wanted[metric])
        self.assertIn("mlp seed 1:", told)
        # Lists of the same name and number, but others: their cells are others too.
        other = self.folder / "swapped"
        shutil.copytree(DATA, other)
        kept = (other / "lists_test.tsv.gz").read_bytes()
        lines = gzip.decompress(kept).decode().replace("\t0,1,", "\t1,0,")
        (other / "lists_test.tsv.gz").write_bytes(gzip.compress(lines.encode()))
        words = ["--data", other, "--epochs", 1, "--models", "mlp", "--seeds", 1, "--json", path]
        self.assert_fails(psad("compare", *words), "fingerprint: found")

    def test_orders_of_another_program(self):
        with gzip.open(Path(DATA) / "lists_test.tsv.gz", "rt", encoding="utf-8") as lines:
            header = next(lines).lstrip("#").rstrip("\n").split("\t")
            counts = [len(line.split("\t")[header.index("items")].split(",")) for line in lines]
        orders = self.folder / "orders.jsonl"
        path = self.folder / "outside.json"
        words = ["--data", DATA, "--epochs", 1, "--models", "mlp", "--seeds", 1]

        def write(lists):
            orders.write_text("".join(json.dumps({"order": order}) + "\n" for order in lists))

        write([list(range(n)) for n in counts[:-1]] + [[0]])  # what a line leaves out keeps its order
        found, _ = self.compared(path, *words, "--orders", f"mine={orders}")
        self.assertEqual(found["models"]["mine"]["metrics"], found["models"]["initial"]["metrics"])
        self.assertEqual(sum(1 for p in found["paired"] if "mine" in (p["a"], p["b"])), 4 * 4)
        refused = [
            ([[0]] * (len(counts) - 1), f"found {len(counts) - 1} lines, wanted {len(counts)}, one per test list"),
            ([[0]] * (len(counts) + 1), f"line {len(counts) + 1}: found one line more"),
            ([[0, 0]] * len(counts), "line 1: found 0, wanted each position from 0 to"),
            ([[-1]] * len(counts), "line 1: found -1"),
            ([[10**6]] * len(counts), "line 1: found 1000000"),
            ([[0.5]] * len(counts), "line 1: found 0.5"),
            ([["a"]] * len(counts), "line 1: found \"a\""),
        ]
        for lists, words_of_error in refused:
            write(lists)
            self.assert_fails(psad("compare", *words, "--json", path, "--orders", f"mine={orders}"), orders, words_of_error)
        orders.write_text("{\"order\": 0}\n")
        self.assert_fails(psad("compare", *words, "--json", path, "--orders", f"mine={orders}"), orders, "line 1: found 0, wanted an order")
        orders.write_text("{}\n")
        self.assert_fails(psad("compare", *words, "--json", path, "--orders", f"mine={orders}"), orders, "line 1: found no order")
        for word in ("mine", "=x", "mine=", f"mlp={orders}", f"initial={orders}"):
            self.assert_usage(psad("compare", *words, "--json", path, "--orders", word), f"--orders: found {word}")
        for name in ("psad/teacher", "\udcff"):
            self.assert_usage(psad("compare", *words, "--json", path, "--orders", f"{name}={orders}"), "a name of its own")
        self.assert_usage(psad("compare", *words, "--json", orders, "--orders", f"mine={orders}"), "found the file of --orders")
        missing = self.folder / "missing"
        self.assert_fails(psad("compare", *words, "--json", path, "--orders", f"mine={missing}"), missing)

    def test_aux_that_validation_lacks(self):
        other = self.folder / "without"
        shutil.copytree(DATA, other)
        path = other / "lists_valid.tsv.gz"
        head, *rows = gzip.decompress(path.read_bytes()).decode().splitlines()
        aux = head.split("\t").index("aux")
        rows = ["\t".join([*row.split("\t")[:aux], "-"]) for row in rows]
        path.write_bytes(gzip.compress(("\n".join([head, *rows]) + "\n").encode()))
        words = ["--data", other, "--epochs", 1, "--models", "mlp", "--seeds", 1]
        found, _ = self.compared(self.folder / "without.json", *words)
        self.assertNotIn("by-aux", found["models"])

    def test_by_aux_sorts_as_validation_says(self):
        """A rating is best high, a price low."""
        other = self.folder / "negated"
        shutil.copytree(DATA, other)
        for split in ("valid", "test"):
            path = other / f"lists_{split}.tsv.gz"
            head, *rows = gzip.decompress(path.read_bytes()).decode().splitlines()
            aux = head.split("\t").index("aux")
            for i, row in enumerate(rows):
                columns = row.split("\t")
                columns[aux] = ",".join(f"-{x}" for x in columns[aux].split(","))
                rows[i] = "\t".join(columns)
            path.write_bytes(gzip.compress(("\n".join([head, *rows]) + "\n").encode()))
        words = ["--epochs", 1, "--models", "mlp", "--seeds", 1]
        up, _ = self.compared(self.folder / "up.json", "--data", DATA, *words)
        down, _ = self.compared(self.folder / "down.json", "--data", other, *words)
        self.assertEqual(up["models"]["by-aux"]["metrics"], down["models"]["by-aux"]["metrics"])
        self.assertNotEqual(up["models"]["by-aux"]["metrics"], up["models"]["initial"]["metrics"])

    def test_a_report(self):
        path, folder = self.folder / "small.json", self.folder / "new" / "report"
        words = [*WORLD, "--models", "psad,k2", "--seeds", 1, "--json", path, "--report"]
        # What can't be written is known before anything is simulated or trained.
        done = psad("compare", *words, "/proc/report")
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, "psad: /proc/report: found no report.*, wanted python3 with matplotlib and a writable folder")
        self.assertFalse(Path(f"{path}.cells").exists())
        self.assert_usage(psad("compare", *words, folder, "--orders", "psad=x"), "found psad=x, wanted NAME=FILE with a name of its own")
        done = psad("compare", *words, folder)
        if "found no matplotlib" in done.stderr:
            self.assertEqual(done.returncode, 1)
            self.skipTest("no matplotlib")
        self.assert_good(done)
        found = json.loads(path.read_text())
        page, text = (folder / "report.html").read_text(), (folder / "report.md").read_text()
        for name, model in found["models"].items():
            value = "{:.4f} [{:.4f}, {:.4f}]".format(*model["metrics"]["utility_share"])
            self.assertIn(f"<td>{name}</td><td>{value}</td>", page)
            self.assertIn(f"| {name} | {value} |", text)
        self.assertEqual(page.count("<svg"), 4)
        self.assertIn("epochs of", page)
        self.assertEqual(sorted(f.name for f in folder.iterdir()), ["blocks.svg", "curves.svg", "history.svg", "pareto.svg", "report.html", "report.md"])
        path.write_text('{"metric": "utility_share"}')
        script = Path(__file__).parent.parent / "scripts" / "compare_report.py"
        done = subprocess.run([sys.executable, script, path, folder], capture_output=True, text=True)
        self.assertEqual(done.returncode, 1)
        self.assertIn("wanted the JSON of psad compare", done.stderr)
        self.assertNotIn("Traceback", done.stderr)

    def test_what_is_refused(self):
        path = self.folder / "never.json"
        self.assert_usage(psad("compare", *WORLD, "--models", "psad,magic", "--json", path), "found magic, wanted some of psad")
        self.assert_usage(psad("compare", *WORLD, "--models", "ar,ar", "--json", path), "found ar twice")
        self.assert_usage(psad("compare", "--world", "slots=5,slots=6", "--json", path), "slots: found it twice")
        self.assert_fails(psad("compare", "--data", self.folder / "none", "--json", path), "none")
        self.assert_usage(psad("compare", "--world", "slots=12", "--json", path), "slots: found 12, wanted at most 10")
        self.assert_usage(psad("compare", "--world", "slots\n=5", "--json", path), "found 'slots?=5'")
        self.assert_usage(psad("compare", *WORLD, "--rate", 10, "--json", path), "--rate, with --weight-decay 0.5: found 10")
        for taken in ("report.md", "pareto.svg", "."):
            self.assert_usage(psad("compare", *WORLD, "--json", self.folder / taken, "--report", self.folder), "found the file of --report")
        self.assert_fails(psad("compare", *WORLD, "--models", "mlp", "--orders", f"x={self.folder}", "--json", path), "found no file that can be read")
        for words in (
            ["--json", path],
            [*WORLD],
            [*WORLD, "--data", DATA, "--json", path],
            [*WORLD, "--json", path, "--seeds", 0],
            [*WORLD, "--json", "not-there", "--report", "./not-there"],
            [*WORLD, "--json", "pareto.svg", "--report", "."],
            ["--data", DATA, "--json", path, "--lists", 9],
            ["--data", DATA, "--json", path, "--test", 9],
        ):
            self.assert_usage(psad("compare", *words))
        self.assertFalse(path.exists())


if __name__ == "__main__":
    main()
