#!/usr/bin/env python3
"""The psad program from outside: commands, files, exit codes.

Usage: cli_test.py PSAD DATA_FOLDER [unittest options]
"""

import gzip
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "support"))
from cli import DATA, PSAD, Case, main, psad, rows, train  # noqa: E402

VARIANTS = ["default", "small", "sort", "autoregressive", "no-match"]


class Usage(Case):
    def test_help_and_version(self):
        done = psad("--help")
        self.assert_good(done)
        for command in ("train", "evaluate", "rerank", "cost"):
            self.assertIn(command, done.stdout)
            said = psad(command, "--help")
            self.assert_good(said)
            self.assertIn("--", said.stdout)
        done = psad("--version")
        self.assert_good(done)
        self.assertRegex(done.stdout, r"\Apsad \d+\.\d+\.\d+ \(vectors of \d+ bytes\)\n\Z")

    def test_wrong_usage(self):
        out = ["--data", DATA, "--out", self.folder / "never"]
        for words in (
            [],
            ["fly"],
            ["train"],
            ["train", *out, "--unknown"],
            ["train", *out, "--steps", "-1"],
            ["train", "--out", self.folder / "never"],
            ["evaluate", "--model", self.model],
            ["train", *out, "--epochs", "many"],
            ["train", *out, "--steps", "3", "--epochs", "3"],
            ["train", *out, "--threads", "-1"],
            ["train", *out, "--dropout", "1"],
            ["train", *out, "--weight-decay", "-1"],
            ["train", *out, "--learning-rate", "10", "--weight-decay", "0.5"],
            ["train", *out, "--learning-rate", "0"],
            ["train", *out, "--learning-rate", "inf"],
            ["train", *out, "--learning-rate", "nan"],
            ["train", *out, "--seed", "-1"],
            ["train", *out, "--seed", 2**64],
            ["train", *out, "--steps", 2**31],
            ["train", "--data", DATA, "--out", ""],
            ["train", *out, "--json", ""],
            ["train", "--data", DATA, "--out", "not-there", "--json", "./not-there"],
            ["train", "--data", "", "--out", self.folder / "never"],
            ["train", "--data", DATA, "--out", Path(DATA) / "events.tsv.gz"],
            ["train", *out, "--json", Path(DATA) / "meta.tsv"],
            ["evaluate", "--model", self.model, "--data", DATA, "--json", Path(DATA) / "meta.tsv"],
            ["train", *out, "--json", self.folder / "." / "never"],
            ["evaluate", "--model", self.model, "--data", DATA, "--json", self.model],
            ["train", *out, "--variant", "huge"],
            ["evaluate"],
            ["evaluate", "--model", self.model, "--data", DATA, "--split", "tomorrow"],
            ["evaluate", "--model", self.model, "--data", DATA, "--items", self.folder / "none"],
            ["evaluate", "--model", self.model, "--data", DATA, "--test-from", "2020-01-01"],
            ["evaluate", "--model", self.model, "--data", DATA, "--labels", "clicked"],
            ["evaluate", "--model", self.model, "--test", self.folder / "none", "--split", "valid"],
            ["encode", "--model", self.model, "--out", self.folder / "never"],
            ["encode", "--model", self.model, "--data", DATA, "--users", "none", "--out", self.folder / "never"],
            *(["train", *out, flag, "none"] for flag in ("--valid", "--schema", "--items", "--users", "--events")),
            ["train", *out, "--format", "csv"],
            ["train", *out, "--bag", "0"],
            ["train", *out, "--bag", "2", "--distillation", "0"],
            ["train", *out, "--variant", "prm", "--bag", "2"],
            ["train", *out, "--variant", "prm", "--distillation", "2"],
            ["rerank"],
            ["rerank", "--model", self.model, "--top", "0"],
            ["cost", "--items", "0"],
            ["cost", "--variant", "huge"],
        ):
            with self.subTest(words=words):
                self.assert_usage(psad(*words))
        self.assertIn("default, small", psad("cost", "--variant", "huge").stderr)
        self.assertIn("found fly, wanted one of train, evaluate", psad("fly").stderr)
        said = psad("train", *out, "--learning-rate", "10", "--weight-decay", "0.5").stderr
        self.assertIn("weight_decay: found 0.5, wanted less than 1 / learning_rate", said)
        self.assertIn("--seed: found -1, wanted a whole number: 0 or more", psad("train", *out, "--seed", "-1").stderr)
        self.assertFalse((self.folder / "never").exists())
        self.assert_good(psad("evaluate", "--model", self.model, "--data", DATA))  # still a model

    def test_missing_files(self):
        none = self.folder / "none"
        for words in (
            ["train", "--out", self.folder / "never", "--data", none],
            ["evaluate", "--model", none, "--data", DATA],
            ["evaluate", "--model", self.model, "--data", none],
            ["rerank", "--model", none],
            ["rerank", "--model", self.model, "--data", none],
        ):
            self.assert_fails(psad(*words), none)
        self.assertFalse((self.folder / "never").exists())

    def test_numbers_are_decimal(self):
        path = self.folder / "decimal.json"
        self.assert_good(train(self.folder / "decimal", "--json", path, "--seed", "010"))
        self.assertEqual(json.loads(path.read_text())["settings"]["seed"], 10)

    def test_a_link_stays_a_link(self):
        target, link = self.folder / "target", self.folder / "link"
        target.write_text("old")
        link.symlink_to(target)
        self.assert_good(train(link))
        self.assertTrue(link.is_symlink())
        self.assertEqual(target.read_bytes(), self.model.read_bytes())

    def test_output_that_is_lost(self):
        """A full disk or a closed stream is no success, and no file takes the place of a closed stream."""
        for command in (["cost"], ["--help"], ["--version"], ["train", "--help"], ["evaluate", "--model", self.model, "--data", DATA]):
            for sink in (">/dev/full", ">&-"):
                line = " ".join(["exec", PSAD, *map(str, command), sink])
                done = subprocess.run(line, shell=True, capture_output=True, text=True, check=False)
                self.assert_fails(done, "standard output: found ")
        out = self.folder / "closed"
        line = f"exec {PSAD} train --data {DATA} --variant small --steps 3 --batch 64 --out {out} >&-"
        done = subprocess.run(line, shell=True, capture_output=True, text=True, check=False)
        self.assert_fails(done, "standard output: found ")
        self.assertEqual(out.read_bytes(), self.model.read_bytes())

    def test_messages_that_are_lost(self):
        missing = ["evaluate", "--model", self.folder / "none", "--data", DATA]
        for words, code in ((["cost", "--items", "0"], 2), (missing, 1)):
            for sink in ("2>/dev/full", "2>&-"):
                line = " ".join(["exec", PSAD, *map(str, words), sink])
                done = subprocess.run(line, shell=True, capture_output=True, text=True, check=False)
                self.assertEqual(done.returncode, code, line)

    def test_nothing_is_written_into_a_data_set(self):
        link = self.folder / "link_into_data"
        link.symlink_to(Path(DATA).resolve() / "events.tsv.gz")
        before = (Path(DATA) / "events.tsv.gz").read_bytes()
        for out in (link, Path(DATA) / "new", Path(DATA) / "events.tsv.gz"):
            done = psad("train", "--data", DATA, "--variant", "small", "--steps", 1, "--out", out)
            self.assert_usage(done)
            self.assertIn("in the folder of the data set", done.stderr)
        self.assertFalse((Path(DATA) / "new").exists())
        self.assertEqual((Path(DATA) / "events.tsv.gz").read_bytes(), before)

    def test_cost(self):
        def figures(*words, column=1):
            done = psad("cost", *words)
            self.assert_good(done)
            said = [line for line in done.stdout.splitlines() if line.startswith(("student:", "teacher:"))]
            lines = [line.rsplit(maxsplit=3) for line in said]
            self.assertEqual(len(lines), 5)
            return {line[0].strip(): float(line[column]) for line in lines}

        for variant in VARIANTS:
            self.assertGreater(figures("--variant", variant)["student: candidates"], 0)
        few, many = figures("--items", 10, "--history", 5), figures("--items", 40, "--history", 5)
        self.assertGreater(many["student: candidates"], 3 * few["student: candidates"])
        self.assertEqual(many["student: user state (cacheable)"], few["student: user state (cacheable)"])
        longer = figures("--items", 10, "--history", 50)
        self.assertGreater(longer["student: user state (cacheable)"], few["student: user state (cacheable)"])
        self.assertEqual(figures("--variant", "sort")["student: transitions"], 0)
        # One position at a time: the weights are read five times as often.
        block = figures(column=2)["teacher: positions"]
        single = figures("--variant", "autoregressive", column=2)["teacher: positions"]
        self.assertGreater(single, 3 * block)


class Train(Case):
    def test_says_and_writes(self):
        self.assert_good(self.trained)
        self.assertIn("epoch  1", self.trained.stdout)
        self.assertIn(f"wrote {self.model}", self.trained.stdout)
        said = json.loads((self.folder / "train.json").read_text())
        self.assertEqual(len(said["losses"]), 3)
        self.assertTrue(all(loss > 0 for loss in said["losses"]))
        self.assertEqual(len(said["valid"]), 1)
        epoch = said["valid"][0]
        self.assertEqual((epoch["epoch"], epoch["step"]), (1, 3))
        self.assertAlmostEqual(epoch["loss"], sum(said["losses"]) / 3)
        for who in ("student", "teacher"):
            self.assertTrue(0 < epoch[f"{who}_ndcg@10"] < 1)
            self.assertEqual(said[f"best_{who}_epoch"], 1)
        self.assertGreater(said["lists_per_second"], 0)
        wanted = {"data": DATA, "variant": "small", "steps": 3, "batch": 64, "seed": 1}
        self.assertEqual({key: said["settings"][key] for key in wanted}, wanted)

    def test_options_reach_the_settings(self):
        path = self.folder / "other.json"
        words = ["--seed", 9, "--learning-rate", 0.01, "--weight-decay", 0.5, "--dropout", 0, "--distillation", 0]
        self.assert_good(train(self.folder / "other", "--json", path, *words))
        found = json.loads(path.read_text())["settings"]
        wanted = {"seed": 9, "learning_rate": 0.01, "weight_decay": 0.5, "dropout": 0, "distillation": 0}
        self.assertEqual({key: found[key] for key in wanted}, wanted)

    def test_a_bag_is_as_large_as_one(self):
        path = self.folder / "bag"
        self.assert_good(train(path, "--bag", 3))
        self.assertEqual(path.stat().st_size, self.model.stat().st_size)
        self.assertNotEqual(path.read_bytes(), self.model.read_bytes())
        again = self.folder / "bag-again"
        self.assert_good(train(again, "--bag", 3, "--threads", 1))
        self.assertEqual(again.read_bytes(), path.read_bytes())

    def test_an_early_end_is_said(self):
        done = psad("train", "--data", DATA, "--variant", "small", "--batch", 650, "--steps", 40, "--rate", "1e-9", "--patience", 1, "--out", self.folder / "early")
        self.assert_good(done)
        self.assertIn("40 steps of 650 lists, patience 1, weight decay ", done.stdout)
        self.assertRegex(done.stdout, r"stopped after \d+ of 40 steps: in 1 epochs no better validation score")

    def test_same_bytes_on_any_number_of_threads(self):
        wanted = self.model.read_bytes()
        for threads in (1, 2, 4):
            path = self.folder / f"threads{threads}"
            self.assert_good(train(path, "--threads", threads))
            self.assertEqual(path.read_bytes(), wanted)
        self.assert_good(train(self.folder / "seed2", "--seed", 2))
        self.assertNotEqual((self.folder / "seed2").read_bytes(), wanted)

    def test_devices(self):
        """Every device of the build trains to the CPU's losses."""
        said = psad("train", "--help").stdout
        names = re.search(r"--device TEXT=cpu\s+One of ([\w, -]+)", said).group(1).split(", ")
        words = ["--data", DATA, "--variant", "small", "--steps", 30, "--batch", 32, "--shard", 16]
        losses, ndcg = {}, {}
        for name in names:
            path = self.folder / f"{name}.json"
            done = psad("train", *words, "--out", self.folder / f"{name}.psad", "--device", name, "--json", path)
            if name == "cuda" and "found no card" in done.stderr:
                self.assertEqual((done.returncode, done.stdout), (1, ""))
                continue
            self.assert_good(done)
            found = json.loads(path.read_text())
            self.assertEqual(found["settings"]["device"], name)
            losses[name] = found["losses"]
            for a, b in zip(losses[name], losses["cpu"], strict=True):
                self.assertLess(abs(a - b), 1e-4 * abs(b), name)
            # A model of any device is read by the CPU.
            self.assert_good(psad("evaluate", "--model", self.folder / f"{name}.psad", "--data", DATA, "--json", path))
            ndcg[name] = json.loads(path.read_text())["orders"]["student"]["ndcg@10"][0]
            self.assertLess(abs(ndcg[name] - ndcg["cpu"]), 0.005, name)
            if name != "cpu":
                self.assert_usage(psad("train", "--data", DATA, "--variant", "sort", "--out", path, "--device", name), f"sort on {name}, wanted one of default, small")
        for name in {"thrust-tbb", "thrust-omp", "cuda"} - set(names):
            lacking = psad("train", *words, "--out", self.folder / "x", "--device", name)
            self.assert_usage(lacking, f"found {name}, which this build of psad lacks")
        if "cuda" in names:
            self.assert_usage(psad("train", *words, "--out", self.folder / "x", "--device", "cuda", "--threads", 2), "found 2 with --device cuda, wanted none")
        self.assert_usage(psad("train", *words, "--out", self.folder / "x", "--device", "abacus"), f"found abacus, wanted one of {', '.join(names)}")

    def test_student_only(self):
        path = self.folder / "student"
        self.assert_good(train(path, "--student-only"))
        self.assertLess(path.stat().st_size, self.model.stat().st_size)
        whole, student = self.figures("--model", self.model), self.figures("--model", path)
        self.assertEqual(sorted(student["orders"]), ["by-aux", "history-first", "initial", "student"])
        self.assertEqual(student["orders"]["student"], whole["orders"]["student"])

    def test_places_that_cannot_be_written(self):
        gone = self.folder / "no" / "folder"
        self.assert_fails(train(gone), gone)
        self.assert_fails(train(self.folder), self.folder)
        self.assert_fails(train(self.folder / "kept", "--json", gone), gone)
        self.assertEqual([name for name in os.listdir(self.folder) if name.endswith(".tmp")], [])

    def test_data_that_is_none(self):
        empty = self.folder / "empty"
        empty.mkdir()
        done = psad("train", "--data", empty, "--out", self.folder / "never")
        self.assert_fails(done, "meta.tsv")
        self.assertFalse((self.folder / "never").exists())

    def test_splits_without_lists(self):
        empty = self.folder / "no-test"
        shutil.copytree(DATA, empty)
        with gzip.open(empty / "lists_test.tsv.gz", "rt") as lines:
            header = lines.readline()
        with gzip.open(empty / "lists_test.tsv.gz", "wt") as lines:
            lines.write(header)
        self.assert_fails(psad("evaluate", "--model", self.model, "--data", empty), "split test: found no lists")


class Evaluate(Case):
    def test_baselines(self):
        """A baseline is trained, saved and read like any student."""
        for variant in ("mlp", "prm", "setrank", "dlcm"):
            path = self.folder / variant
            self.assert_good(train(path, variant=variant))
            orders = self.figures("--model", path)["orders"]
            self.assertEqual(sorted(orders), ["by-aux", "history-first", "initial", "student"])
            line = json.dumps({"user": [4, 23, 7], "context": [3, 7], "candidates": [{"item": i, "score": 1, "aux": 2} for i in (3291, 12)]})
            done = psad("rerank", "--model", path, stdin=line)
            self.assert_good(done)
            self.assertEqual(sorted(json.loads(done.stdout)["order"]), [0, 1])

    def test_figures(self):
        found = self.figures("--model", self.model)
        self.assertEqual(found, self.figures("--model", self.model))
        lists = [row for row in rows("lists_test.tsv.gz") if "1" in row[7].split(",")]
        self.assertEqual((found["split"], found["lists"]), ("test", len(lists)))
        self.assertEqual(found["left_out"], len(rows("lists_test.tsv.gz")) - len(lists))
        self.assertEqual(sorted(found["orders"]), ["by-aux", "history-first", "initial", "student", "teacher"])
        for order in found["orders"].values():
            empty = order.pop("empty_lists")
            self.assertEqual(set(empty.values()), {order["ndcg@10"][0]})  # each list has a positive
            self.assertEqual(sorted(order), ["map", "map@10", "map@5", "mrr", "ndcg@1", "ndcg@10", "ndcg@5"])
            for value, low, high in order.values():
                self.assertTrue(0 < low < value < high < 1)
        self.assertEqual(sum(bucket["lists"] for bucket in found["buckets"].values()), len(lists))
        for pair in found["paired"]:
            a, b = (found["orders"][pair[side]][pair["metric"]][0] for side in "ab")
            self.assertAlmostEqual(pair["difference"][0], a - b)

    def test_initial_order_by_hand(self):
        hits = []
        for row in rows("lists_valid.tsv.gz"):
            labels = [int(y) for y in row[7].split(",")]
            best = min(sum(labels), 5)
            if best == 0:
                continue
            found = sum(sum(labels[: i + 1]) / (i + 1) for i in range(min(5, len(labels))) if labels[i])
            hits.append(found / best)
        found = self.figures("--model", self.model, "--split", "valid")
        self.assertAlmostEqual(found["orders"]["initial"]["map@5"][0], sum(hits) / len(hits), places=9)

    def test_broken_models(self):
        whole = self.model.read_bytes()
        broken = self.folder / "broken"
        for content in (b"", b"no model\n" * 20, whole[:-1], whole[: len(whole) // 2], whole + b"x"):
            broken.write_bytes(content)
            for command in ("evaluate", "rerank"):
                self.assert_fails(psad(command, "--model", broken, "--data", DATA), broken)
        flipped = bytearray(whole)
        flipped[-5] ^= 4
        broken.write_bytes(flipped)
        self.assert_fails(psad("rerank", "--model", broken), broken, "checksum")

    def test_model_of_another_kind(self):
        def rename(name):
            return self.damaged(lambda header: header["__metadata__"].__setitem__("psad.name", name))

        # A name that the program does not know is no hindrance where the description is known.
        self.assert_good(psad("rerank", "--model", rename("other")))

        def of_nobody(header):
            header["__metadata__"]["psad.name"] = "other"
            header["__metadata__"]["psad.variant"] = header["__metadata__"]["psad.variant"].replace('"gate":16', '"gate":17')

        done = psad("rerank", "--model", self.damaged(of_nobody))
        self.assert_fails(done, "metadata psad.name: found other, wanted one of default, small")
        done = psad("evaluate", "--model", rename("default"), "--data", DATA)
        self.assert_fails(done, "found student.width = 32, wanted 64")
        self.assert_good(psad("rerank", "--model", rename("small")))
        old = self.damaged(lambda header: header["__metadata__"].__setitem__("psad.format", "psad-model-0"))
        self.assert_fails(psad("rerank", "--model", old), "psad-model-0")
        missing = self.damaged(lambda header: header["__metadata__"].pop("psad.schema"))
        self.assert_fails(psad("evaluate", "--model", missing, "--data", DATA), "psad.schema")


if __name__ == "__main__":
    main()
