#!/usr/bin/env python3
"""The psad program on files as somebody else has them: from a schema to answers.

Usage: cli_files_test.py PSAD DATA_FOLDER [unittest options]
"""

import ast
import csv
import gzip
import json
import math
import os
import random
import shutil
import struct
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "support"))
from cli import PSAD, Case, main, psad, train  # noqa: E402


def make_shop(folder, lists=150, seed=3):
    """Requests of a small shop: the cheap are bought, and the brands that the user's events name."""
    draw = random.Random(seed)
    brand = {f"sku-{i}": f"brand {i % 9}" for i in range(60)}
    with open(folder / "items.csv", "w", newline="") as file:
        out = csv.writer(file)
        out.writerow(["sku", "brand", "title"])
        out.writerows([sku, b, f"{b}, thing {sku}"] for sku, b in brand.items())
    with open(folder / "users.csv", "w", newline="") as file:
        out = csv.writer(file)
        out.writerow(["user_id", "region"])
        out.writerows([f"u{u}", f"R{u % 3}"] for u in range(20))
    events, requests = [], []
    for i in range(lists):
        user, time = f"u{draw.randrange(20)}", 1_700_000_000 + 3600 * i
        liked = f"brand {draw.randrange(9)}"
        events.append([user, time - 60, "view", draw.choice([s for s in brand if brand[s] == liked])])
        chosen = []
        for position, sku in enumerate(draw.sample(sorted(brand), 8)):
            price = round(draw.uniform(1, 100), 2)
            grade = (price < 30) + 2 * (brand[sku] == liked)
            chosen.append({"sku": sku, "position": position + 1, "price": price, "rating": 4.5, "label": int(grade)})
        requests.append({"request_id": f"r{i}", "user_id": user, "ts": time, "device": draw.choice(["app", "web"]),
                         "candidates": chosen})
    with open(folder / "events.csv", "w", newline="") as file:
        out = csv.writer(file)
        out.writerow(["user_id", "ts", "type", "sku"])
        out.writerows(events)
    for name, part in (("train", requests[:100]), ("valid", requests[100:120]), ("test", requests[120:])):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(r) + "\n" for r in part))
    return requests


def numbers_of(path, kind):
    """Shape and numbers of a NumPy file; `kind` as struct names them."""
    data = path.read_bytes()
    assert data[:8] == b"\x93NUMPY\x01\0" and (10 + struct.unpack("<H", data[8:10])[0]) % 64 == 0
    end = 10 + struct.unpack("<H", data[8:10])[0]
    header = ast.literal_eval(data[10:end].decode())
    assert header["descr"] == {"f": "<f4", "q": "<i8"}[kind] and not header["fortran_order"]
    count = (len(data) - end) // struct.calcsize(kind)
    return header["shape"], struct.unpack(f"<{count}{kind}", data[end:])


class Files(Case):
    @classmethod
    def setUpClass(cls):
        cls.folder = Path(tempfile.mkdtemp(prefix="psad-files-"))
        cls.requests = make_shop(cls.folder)
        cls.tables = [w for t in ("items", "users", "events") for w in (f"--{t}", cls.folder / f"{t}.csv")]
        cls.model = cls.folder / "model.st"
        cls.trained = cls.learn("--valid", cls.folder / "valid.jsonl", "--json", cls.folder / "train.json")

    @classmethod
    def learn(cls, *words, train="train.jsonl", out=None, steps=6):
        fixed = ["--train", cls.folder / train, "--variant", "small", "--steps", steps, "--batch", 32, "--threads", 1,
                 "--min-count", 3, "--out", out or cls.model]
        return psad("train", *fixed, *cls.tables, *words)

    def answers(self, *lines, words=(), model=None):
        text = "".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines)
        done = psad("rerank", "--model", model or self.model, *self.tables, *words, stdin=text)
        self.assertEqual(done.returncode, 0, done.stderr)
        return [json.loads(line) for line in done.stdout.splitlines()], done.stderr

    def test_training_says_what_it_does(self):
        self.assert_good(self.trained)
        for words in ("schema guessed", "item = sku", "grade = label", "not read: title",
                      "100 training lists, 20 validation lists",
                      "learns from grades of label, worth 2^grade - 1, less what the page where they were shown did to them",
                      "; teacher: ", "positions 2, 3, 5, 8 gain x",
                      "9 of 9 brand", "price: ", "rating: constant", "MB of memory; wrote"):
            self.assertIn(words, self.trained.stdout)
        report = json.loads((self.folder / "train.json").read_text())
        self.assertEqual(report["objective"]["labels"], "grades of label, worth 2^grade - 1")
        self.assertIn("teacher", report["valid"][0]["parts"])
        self.assertEqual(len(report["exposure"]["positions"]), 8)
        self.assertEqual((report["exposure"]["positions"][0], report["exposure"]["neighbours"]), (1, {}))
        done = self.learn("--position-effects", 0, "--neighbour-effects", 0, out=self.folder / "unpaged.st")
        self.assertNotIn("the page", done.stdout)
        self.assertNotIn("positions 2", done.stdout)
        self.assertGreater(report["peak_memory_bytes"], 1_000_000)

    def test_without_validation_lists_a_part_is_held_back_and_said(self):
        done = self.learn(out=self.folder / "held.st")
        self.assert_good(done)
        self.assertIn("the latest 10 of 100 training lists are held back", done.stdout)
        self.assertIn("90 training lists, 10 validation lists", done.stdout)
        every = self.folder / "all.jsonl"
        every.write_text("".join(json.dumps(r) + "\n" for r in self.requests))
        from_time = self.requests[100]["ts"], self.requests[120]["ts"]
        done = self.learn("--valid-from", from_time[0], "--test-from", from_time[1], train="all.jsonl",
                          out=self.folder / "timed.st")
        self.assert_good(done)
        self.assertIn("100 training lists, 20 validation lists", done.stdout)
        self.assertIn("30 lists from", done.stdout)
        # The same lists, whichever way they were cut: the same model but for names that only test lists have.
        done = psad("evaluate", "--model", self.folder / "timed.st", "--test", every, "--test-from", from_time[1],
                    *self.tables)
        self.assert_good(done)
        self.assertIn("30 lists", done.stdout)

    def test_evaluation_by_list_and_by_segment(self):
        per_list, report = self.folder / "lists.jsonl", self.folder / "evaluate.json"
        done = psad("evaluate", "--model", self.model, "--test", self.folder / "test.jsonl", *self.tables, "--per-list",
                    per_list, "--segment", "device", "--json", report)
        self.assert_good(done)
        rows = [json.loads(line) for line in per_list.read_text().splitlines()]
        self.assertEqual([r["id"] for r in rows], [r["request_id"] for r in self.requests[120:]])
        for row in rows:
            self.assertEqual(sorted(row["student"]["order"]), list(range(8)))
        found = json.loads(report.read_text())
        self.assertEqual(set(found["segments"]), {"app", "web"})
        self.assertEqual(sum(s["lists"] for s in found["segments"].values()), found["lists"])
        figures = found["orders"]["student"]
        for metric in ("ndcg@1", "ndcg@5", "ndcg@10", "map", "mrr"):
            value, low, high = figures[metric]
            self.assertTrue(low <= value <= high)
        self.assertEqual(set(figures["empty_lists"]), {"left_out", "as_0", "as_1"})
        mean = sum(r["student"]["ndcg@10"] for r in rows if r["student"]["ndcg@10"] is not None) / found["lists"]
        self.assertAlmostEqual(mean, figures["ndcg@10"][0], places=9)
        done = psad("evaluate", "--model", self.model, "--test", self.folder / "test.jsonl", "--segment", "planet")
        self.assertEqual(done.returncode, 2)
        self.assertIn("--segment: found planet, wanted one of region, device", done.stderr)

    def test_evaluation_by_other_labels_by_revenue_and_by_propensities(self):
        """A column that no model reads, the sum of a price, and clicks that were seen with a known probability."""
        test = json.loads(json.dumps(self.requests[120:]))
        for request in test:
            for i, candidate in enumerate(request["candidates"]):
                candidate["returned"] = int(candidate["label"] > 1 and i % 2 == 0)
                candidate["propensity"] = 1 / (1 + i)
        other, report = self.folder / "other.jsonl", self.folder / "other.json"
        other.write_text("".join(json.dumps(r) + "\n" for r in test))
        words = ["evaluate", "--model", self.model, "--test", other, "--json", report]
        done = psad(*words, *self.tables, "--labels", "returned,label", "--revenue", "price")
        self.assertEqual(done.returncode, 0, done.stderr)
        found, plain = json.loads(report.read_text()), self.folder / "plain.json"
        self.assert_good(psad(*words[:4], self.folder / "test.jsonl", "--json", plain, *self.tables))
        # The other columns change nothing of the figures themselves.
        of_student = json.loads(plain.read_text())["orders"]["student"]
        self.assertEqual(found["orders"]["student"]["ndcg@10"], of_student["ndcg@10"])
        returned = sum(any(c["returned"] for c in r["candidates"]) for r in test)
        self.assertEqual(found["labels"]["returned"]["lists"], returned)
        self.assertIn(f"by returned alone, {returned} lists with any", done.stdout)
        # As a gain 1, 2 and 3 are worth that; positives are the same.
        self.assertEqual(found["labels"]["label"]["student"]["map"], of_student["map"])
        self.assertNotEqual(found["labels"]["label"]["student"]["ndcg@10"], of_student["ndcg@10"])
        earned = [sum(c["price"] for c in r["candidates"][:5] if c["label"] > 0) for r in test]
        self.assertAlmostEqual(found["revenue"]["initial"]["revenue@5"][0], sum(earned) / len(test), places=4)
        self.assertEqual(found["revenue"]["initial"]["over initial@5"], [0, 0, 0])
        self.assertEqual(found["revenue"]["positives_without"], 0)
        earned = [sum(c["price"] for c in r["candidates"] if c["returned"]) for r in test]
        revenue = found["labels"]["returned"]["revenue"]["initial"]["revenue@10"][0]
        self.assertAlmostEqual(revenue, sum(earned) / len(test), places=4)
        self.assertNotIn("counterfactual", found)  # the schema of the model names no propensity
        for word, said in ((["--labels", "stars"], "no column stars"),
                           (["--labels", "label,label"], "found label twice, wanted each column once"),
                           (["--revenue", "weight_kg"], "found weight_kg, wanted price"),
                           (["--min-propensity", 0], "found 0, wanted a number from 1e-06 to 1")):
            done = psad(*words[:-1], self.folder / "never.json", *self.tables, *word)
            self.assertNotEqual(done.returncode, 0)
            self.assertIn(said, done.stderr.splitlines()[-1])
        self.assertFalse((self.folder / "never.json").exists())
        # Of the lists from a time on the labels are those lists' own.
        half, halved = self.folder / "half.jsonl", self.folder / "half.json"
        half.write_text("".join(json.dumps(r) + "\n" for r in test[14:]))
        figures = []
        for file, *more in ((half,), (other, "--test-from", test[14]["ts"])):
            done = psad("evaluate", "--model", self.model, "--test", file, *self.tables, "--labels", "returned", "--json", halved,
                        "--revenue", "price", *more)
            self.assertEqual(done.returncode, 0, done.stderr)
            figures.append(json.loads(halved.read_text())["labels"]["returned"])
        self.assertEqual(figures[0]["initial"], figures[1]["initial"])
        self.assertEqual(figures[0]["revenue"], figures[1]["revenue"])
        self.assertEqual(figures[0]["lists"], sum(any(c["returned"] for c in r["candidates"]) for r in test[14:]))
        # A pipe can be read but once, and --strict knows the columns that --labels names.
        strict = psad(*words[:3], "--test", "/dev/stdin", "--format", "jsonl", *self.tables, "--labels", "returned,propensity",
                      "--strict", stdin=other.read_text())
        self.assertEqual(strict.returncode, 0, strict.stderr)
        self.assertIn(f"by returned alone, {returned} lists with any", strict.stdout)
        # That no list is left is not the column's fault.
        late = psad(*words[:4], other, *self.tables, "--labels", "returned", "--test-from", "2099-01-01")
        self.assertIn("found no lists, wanted at least one", late.stderr.splitlines()[-1])

        # Trained on lists that say how likely each candidate was seen.
        model = self.folder / "seen.st"
        done = psad("train", "--train", other, "--valid", other, *self.tables, "--variant", "small", "--steps", 2, "--out", model)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("divided by propensities", done.stdout)
        done = psad("evaluate", "--model", model, "--test", other, *self.tables, "--json", report, "--min-propensity", 0.2)
        self.assert_good(done)
        clicks = [[2 ** c["label"] - 1 for c in r["candidates"]] for r in test]
        ips = [sum(g / max(0.2, 1 / (1 + i)) / math.log2(i + 2) for i, g in enumerate(row)) for row in clicks]
        figures = json.loads(report.read_text())["counterfactual"]
        self.assertAlmostEqual(figures["initial"]["ips"][0], sum(ips) / len(ips), places=4)
        self.assertGreater(figures["initial"]["dr"][0], figures["initial"]["ips"][0])
        self.assertEqual(figures["clipped"], sum(g > 0 for row in clicks for g in row[5:]))
        self.assertIn(f"{figures['clipped']} gains have a propensity below 0.2", done.stdout)

    def test_kinds_of_feedback_are_judged_apart(self):
        rows = json.loads(json.dumps(self.requests))
        for request in rows:
            for candidate in request["candidates"]:
                grade = candidate.pop("label")
                candidate |= {"clicked": int(grade > 0), "bought": int(grade > 1)}
        for name, part in (("kinds-train", rows[:100]), ("kinds-test", rows[120:])):
            (self.folder / f"{name}.jsonl").write_text("".join(json.dumps(r) + "\n" for r in part))
        model, report = self.folder / "kinds.st", self.folder / "kinds.json"
        done = self.learn(train="kinds-train.jsonl", out=model)
        self.assert_good(done)
        test = self.folder / "kinds-test.jsonl"
        done = psad("evaluate", "--model", model, "--test", test, *self.tables, "--json", report)
        self.assert_good(done)
        found = json.loads(report.read_text())["labels"]
        self.assertEqual(set(found), {"clicked", "bought"})
        for kind, table in found.items():
            counted = sum(any(c[kind] for c in r["candidates"]) for r in rows[120:])
            self.assertEqual((table["lists"], table["lists"] + table["left_out"]), (counted, 30))
            value, low, high = table["student"]["ndcg@10"]
            self.assertTrue(low <= value <= high)
        # What is not there is 0, as in training; a kind that no list has is said and left out.
        for request in rows[120:]:
            for candidate in request["candidates"]:
                if not candidate["bought"]:
                    del candidate["bought"]
        sparse = self.folder / "kinds-sparse.jsonl"
        sparse.write_text("".join(json.dumps(r) + "\n" for r in rows[120:]))
        again = self.folder / "kinds-again.json"
        self.assert_good(psad("evaluate", "--model", model, "--test", sparse, *self.tables, "--json", again))
        for key in ("initial", "student"):
            figures = [json.loads(path.read_text())["labels"]["bought"][key] for path in (report, again)]
            self.assertEqual(figures[0], figures[1])
        sparse.write_text("".join(json.dumps(r) + "\n" for r in rows[120:]).replace(', "bought": 1', ""))
        done = psad("evaluate", "--model", model, "--test", sparse, *self.tables)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("note: the lists have no column bought: nothing is judged by it", done.stderr)
        done = psad("evaluate", "--model", model, "--test", sparse, *self.tables, "--labels", "bought")
        self.assert_fails(done, "no column bought")
        # Columns that are new or elsewhere are told, but no more than twenty by name.
        sparse.write_text("".join(json.dumps(r | {"type": "x"} | {f"new{i}": 1 for i in range(25)}) + "\n" for r in rows[120:]))
        done = psad("evaluate", "--model", model, "--test", sparse, *self.tables)
        self.assertRegex(done.stderr, r"note: the lists have new0, (new\d+, ){18}new\d+ and 5 more, which no training list had")
        self.assertIn("note: the lists have type, which the model reads elsewhere: not read there", done.stderr)
        columns = self.folder / "kinds-columns"
        self.assert_good(psad("convert", test, *self.tables, "--out", columns))
        beside = psad("evaluate", "--model", model, "--test", columns, test, *self.tables)
        self.assert_fails(beside, columns, "a folder of columns beside other files")
        done = psad("evaluate", "--model", model, "--test", columns, "--labels", "bought")
        self.assertEqual(done.returncode, 2)
        self.assertIn("--labels: found a folder of columns", done.stderr)

    def test_a_fault_among_several_files_names_its_own(self):
        good, bad = self.folder / "a-bad.csv", self.folder / "b-good.csv"
        good.write_text("request_id,user_id,ts,device,sku,price,rating,label\n1,u1,9,app,sku-1,5,4,0\n2,u1,9,app,sku-2,5,4,\n")
        bad.write_text("request_id,user_id,ts,device,sku,price,rating,label\n3,u1,9,app,sku-1,5,4,1\n")
        for words in ([good, bad], [bad, good]):
            done = psad("train", "--train", *words, "--variant", "small", "--out", self.folder / "never.st")
            self.assert_fails(done, f"{good}, line 3, labels: found 0 labels")

    def test_what_is_read_twice_is_no_pipe(self):
        lines = (self.folder / "train.jsonl").read_text()
        done = psad("schema", "--format", "jsonl", "/dev/stdin", stdin=lines)
        self.assert_fails(done, "/dev/stdin", "found no regular file, wanted one, as a guess reads it twice")

    def test_lists_of_one_name_are_told(self):
        twice = self.folder / "twice.jsonl"
        twice.write_text("".join(json.dumps(r) + "\n" for r in [*self.requests[:100], *self.requests[:3]]))
        done = self.learn("--valid", self.folder / "valid.jsonl", train="twice.jsonl", out=self.folder / "twice.st")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("note: 3 lists have the name of an earlier one: all are read", done.stderr)

    def test_answers_are_in_the_words_of_the_request(self):
        (answer,), notes = self.answers(self.requests[130])
        self.assertEqual(notes, "")
        self.assertEqual(answer["id"], "r130")
        self.assertEqual(answer["items"], [self.requests[130]["candidates"][i]["sku"] for i in answer["order"]])
        # Labels say nothing, and neither does the order of keys.
        bare = json.loads(json.dumps(self.requests[130]))
        for c in bare["candidates"]:
            del c["label"]
        bare["candidates"] = [dict(reversed(c.items())) for c in bare["candidates"]]
        bare = dict(reversed(bare.items()))
        (again,), _ = self.answers(bare)
        self.assertEqual(again, answer)

    def test_what_is_not_as_in_training_is_told(self):
        def with_price(change):
            request = json.loads(json.dumps(self.requests[130]))
            for c in request["candidates"]:
                change(c)
            return request

        (whole,), _ = self.answers(self.requests[130])
        without, more = with_price(lambda c: c.pop("price")), with_price(lambda c: c.update(colour="red"))
        (answer,), notes = self.answers(more)
        self.assertEqual(answer, whole)
        self.assertEqual(notes.count("\n"), 1)
        self.assertIn("note: requests have colour, which no training list had", notes)
        (answer,), _ = self.answers(more, words=["--strict"])
        self.assertIn("the unknown column colour", answer["error"])
        (answer, again), notes = self.answers(without, without)
        self.assertEqual(sorted(answer["order"]), list(range(8)))
        self.assertEqual(again["order"], answer["order"])
        self.assertEqual(notes.count("no column price: its values count as missing"), 1)
        (answer,), _ = self.answers(without, words=["--strict"])
        self.assertIn("no column price", answer["error"])
        lacking = self.folder / "lacking.jsonl"
        lacking.write_text(json.dumps(without) + "\n")
        done = psad("evaluate", "--model", self.model, "--test", lacking, *self.tables)
        self.assertEqual(done.returncode, 0)
        self.assertIn("the lists have no column price: its values count as missing", done.stderr)
        self.assert_fails(psad("evaluate", "--model", self.model, "--test", lacking, *self.tables, "--strict"),
                          "no column price")
        # New values, users and items never refuse a request.
        strange = json.loads(json.dumps(self.requests[130]))
        strange.update(device="fridge", user_id="nobody")
        strange["candidates"][0].update(sku="sku-new", brand="brand 1")
        (answer,), _ = self.answers(strange)
        self.assertIn("sku-new", answer["items"])
        (answer,), _ = self.answers(strange, words=["--strict"])
        self.assertIn("error", answer)

    def test_a_later_catalog(self):
        later = self.folder / "later.csv"
        later.write_text("brand,sku\nbrand 1,sku-new\nbrand 2,sku-other\n")
        pair = json.loads(json.dumps(self.requests[130]))
        pair["candidates"] = [{**pair["candidates"][0], "sku": s} for s in ("sku-new", "sku-other")]
        known = ["--events", self.folder / "events.csv", "--users", self.folder / "users.csv"]
        scores = []
        for table in ([], ["--catalog", later]):
            done = psad("rerank", "--model", self.model, *known, *table, stdin=json.dumps(pair))
            self.assert_good(done)
            answer = json.loads(done.stdout)
            scores.append({i: s for i, s in zip(answer["order"], answer["scores"])})
        self.assertNotEqual(scores[0], scores[1])
        brought = json.loads(json.dumps(pair))
        for c, b in zip(brought["candidates"], ("brand 1", "brand 2")):
            c["brand"] = b
        done = psad("rerank", "--model", self.model, *known, stdin=json.dumps(brought))
        answer = json.loads(done.stdout)
        self.assertEqual(scores[1], {i: s for i, s in zip(answer["order"], answer["scores"])})

    def test_one_bad_line_is_one_error(self):
        good = self.requests[130]
        found, _ = self.answers("{", good, json.dumps({**good, "candidates": [{"price": "dear"}]}), "[]", "",
                                json.dumps(good).replace('"r130"', "123456789012345678901234567890"), good)
        self.assertEqual(found[0]["error"].split(":")[0], "request, line 1")
        self.assertIsNone(found[0]["id"])
        self.assertIn("line 3, candidates[0].price: found 'dear'", found[2]["error"])
        self.assertEqual(found[2]["id"], "r130")
        self.assertIn("line 4: found a list, wanted a JSON object", found[3]["error"])
        self.assertEqual(found[1], found[5])
        self.assertEqual(found[4]["id"], 123456789012345678901234567890)
        self.assertEqual({**found[4], "id": "r130"}, found[1])

    def test_a_bad_line_leaves_nothing_behind(self):
        good = self.requests[130]
        (alone,), _ = self.answers(good)
        bad = [json.dumps({**good, "device": ["app", None]}),
               json.dumps({**good, "candidates": 7}),
               json.dumps({**good, "candidates": [*good["candidates"], 7]}),
               json.dumps(good)[:-1],
               json.dumps(good) + " behind",
               json.dumps({**good, "device": "fridge", "colour": "red"})]
        for words in ([], ["--strict"]):
            lines = [line for b in bad for line in (b, good)]
            found, _ = self.answers(*lines, words=words)
            self.assertEqual(found[1::2], [alone] * len(bad))
            for answer in found[0:10:2]:
                self.assertIn("error", answer)
            self.assertEqual("error" in found[10], bool(words))

    def test_a_table_that_knows_nothing_is_told(self):
        other = self.folder / "other-users.csv"
        other.write_text("user_id,region\n" + "".join(f"customer {u},R1\n" for u in range(20)))
        done = psad("train", "--train", self.folder / "train.jsonl", "--users", other, "--variant", "small", "--steps", 2,
                    "--out", self.folder / "other.st")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("has none of the 100 requests with a known user", done.stderr)
        self.assertIn("100 of 100 requests with a known user", self.trained.stdout)

    def test_a_schema_is_guessed_edited_and_followed(self):
        done = psad("schema", self.folder / "train.jsonl", *self.tables)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("price", done.stderr)
        self.assertIn("not read: nearly each value is another", done.stderr)
        schema = json.loads(done.stdout)
        self.assertEqual(schema["candidate"]["item"], "sku")
        schema["candidate"]["dense"] = [{"name": "price", "along_list": True}]
        path = self.folder / "schema.json"
        path.write_text(json.dumps(schema))
        done = self.learn("--schema", path, out=self.folder / "edited.st")
        self.assertEqual((done.returncode, done.stderr), (0, "psad: note: the schema does not name rating: not read\n"))
        path.write_text(json.dumps({**schema, "label": {"grade": "stars"}}))
        done = self.learn("--schema", path, out=self.folder / "never.st")
        self.assert_fails(done, "no column stars")
        schema["candidate"]["dense"] = ["price", "weight_kg"]
        path.write_text(json.dumps(schema))
        self.assert_fails(self.learn("--schema", path, out=self.folder / "never.st"), "no column weight_kg")
        path.write_text("{}")
        self.assert_fails(self.learn("--schema", path, out=self.folder / "never.st"), path, "format")
        self.assertFalse((self.folder / "never.st").exists())

    def test_the_same_lists_in_other_forms_give_the_same_model(self):
        wanted = self.model.read_bytes()
        columns = self.folder / "columns"
        done = psad("convert", self.folder / "train.jsonl", *self.tables, "--out", columns)
        self.assert_good(done)
        self.assertIn("wrote 100 requests and 60 items", done.stdout)
        done = self.learn("--valid", self.folder / "valid.jsonl", train="columns", out=self.folder / "again.st")
        self.assert_good(done)
        self.assertEqual((self.folder / "again.st").read_bytes(), wanted)
        packed = self.folder / "packed"
        packed.mkdir()
        lines = (self.folder / "train.jsonl").read_text().splitlines(keepends=True)
        for part in (0, 1):
            with gzip.open(packed / f"part-{part}.jsonl.gz", "wt") as file:
                file.writelines(lines[50 * part : 50 * part + 50])
        done = self.learn("--valid", self.folder / "valid.jsonl", train="packed", out=self.folder / "again.st")
        self.assert_good(done)
        self.assertEqual((self.folder / "again.st").read_bytes(), wanted)
        self.assert_fails(psad("convert", self.folder / "train.jsonl", "--out", columns), "something that exists")

    def test_what_a_model_reads_is_written_for_other_rankers(self):
        out = self.folder / "encoded"
        encode = ["encode", "--model", self.model, "--test", self.folder / "test.jsonl", *self.tables, "--out", out]
        done = psad(*encode)
        self.assert_good(done)
        self.assertRegex(done.stdout, r"^wrote 30 lists, 240 candidates of \d+ columns, to ")
        shape, inputs = numbers_of(out / "inputs.npy", "f")
        named = json.loads((out / "columns.json").read_text())
        self.assertEqual(shape, (240, len(named["numbers"]) + len(named["fields"])))
        self.assertEqual(named["fields"], ["user.region", "context.device", "item.brand"])
        self.assertTrue(all(map(math.isfinite, inputs)))
        self.assertEqual(numbers_of(out / "offsets.npy", "q"), ((31,), tuple(range(0, 241, 8))))
        requests = [json.loads(line) for line in (self.folder / "test.jsonl").read_text().splitlines()]
        candidates = [candidate for request in requests for candidate in request["candidates"]]
        gains = tuple(2.0 ** candidate["label"] - 1 for candidate in candidates)
        self.assertEqual(numbers_of(out / "gain.npy", "f"), ((240,), gains))
        prices = [candidate["price"] for candidate in candidates]
        price = inputs[named["numbers"].index("dense.0") :: shape[1]]  # a transform that rises
        self.assertEqual(sorted(range(240), key=price.__getitem__), sorted(range(240), key=prices.__getitem__))
        self.assert_fails(psad(*encode), "something that exists")
        nothing = self.folder / "nothing"
        self.assert_fails(psad(*encode[:-1], nothing, "--test-from", "2099-01-01"), "found no lists, wanted at least one")
        self.assertFalse(nothing.exists())

    def test_a_model_stands_beside_the_best_single_feature_and_orders_of_others(self):
        self.assertRegex(self.trained.stdout, r"without a model, validation NDCG@10: initial order 0\.\d+, best single feature 0\.\d+ \(price, smallest first\)")
        orders, report = self.folder / "orders.jsonl", self.folder / "beside.json"
        by_price = []
        for line in (self.folder / "test.jsonl").read_text().splitlines():
            price = [candidate["price"] for candidate in json.loads(line)["candidates"]]
            by_price.append(sorted(range(len(price)), key=price.__getitem__))
        orders.write_text("".join(json.dumps({"order": order}) + "\n" for order in by_price))
        words = ["evaluate", "--model", self.model, "--test", self.folder / "test.jsonl", *self.tables]
        done = psad(*words, "--orders", f"mine={orders}", "--json", report)
        self.assert_good(done)
        self.assertIn("best feature of the validation lists: price, the smallest first", done.stdout)
        found = json.loads(report.read_text())
        self.assertEqual(found["best_feature"], {"name": "price", "direction": -1})
        self.assertEqual(found["orders"]["best-feature"]["ndcg@10"], found["orders"]["mine"]["ndcg@10"])
        self.assertNotIn("latency_us", found["orders"]["mine"])
        pairs = {(pair["a"], pair["b"]) for pair in found["paired"]}
        self.assertLessEqual({("student", "best-feature"), ("student", "mine")}, pairs)
        for name in ("student", "best-feature", "best feature", "lists", "left_out", "min_propensity", "positives_without"):
            self.assert_usage(psad(*words, "--orders", f"{name}={orders}"), "--orders: found ")
        for word in ("mine", "=x", "mine="):
            self.assert_usage(psad(*words, "--orders", word), "--orders: found ")
        packed = self.folder / "orders.jsonl.gz"
        packed.write_bytes(gzip.compress(orders.read_bytes()))
        self.assertEqual(psad(*words, "--orders", f"mine={packed}").stdout.count("mine"), done.stdout.count("mine"))
        self.assert_usage(psad(*words, "--orders", f"mine={orders}", "--json", orders), "found the file of --orders")
        orders.write_text("{}\n")
        self.assert_fails(psad(*words, "--orders", f"mine={orders}"), orders, "line 1: found no order")

    def test_another_ranker_is_one_more_teacher(self):
        rows = [json.loads(line) for line in (self.folder / "train.jsonl").read_text().splitlines()]
        for row in rows:
            for place, candidate in enumerate(row["candidates"]):
                candidate["trees"] = 100 * candidate["label"] + place
        scored = self.folder / "scored.jsonl"
        scored.write_text("".join(json.dumps(row) + "\n" for row in rows))
        model, report = self.folder / "scored.st", self.folder / "scored.json"
        words = ["--valid", self.folder / "valid.jsonl", "--teacher-scores", "trees"]
        done = self.learn(*words, "--json", report, train="scored.jsonl", out=model)
        self.assert_good(done)
        self.assertIn("; another teacher: trees\n", done.stdout)
        self.assertEqual(json.loads(report.read_text())["objective"]["teacher_scores"], "trees")
        self.assertNotEqual(model.read_bytes(), self.model.read_bytes())
        # No input: the model is as large as without it, and lists without the column are no worse.
        self.assertLess(abs(model.stat().st_size - self.model.stat().st_size), 100)
        self.assert_good(psad("evaluate", "--model", model, "--test", self.folder / "test.jsonl", *self.tables))
        never = self.folder / "never.st"
        wanted = "found no trees, wanted the scores of another ranker, in all lists"
        self.assert_fails(self.learn(*words, out=never), f"line 1: {wanted}")
        for row in rows[50:]:
            for candidate in row["candidates"]:
                del candidate["trees"]
        scored.write_text("".join(json.dumps(row) + "\n" for row in rows))
        done = self.learn(*words, train="scored.jsonl", out=never)
        self.assert_fails(done, f"line 51: {wanted}")
        half = self.folder / "half-scored.jsonl"  # requests of serving, of which some candidates alone have it
        half.write_text("".join(json.dumps({**row, "candidates": [
            {**c, "trees": 1} if c["price"] < 50 else c for c in row["candidates"]]}) + "\n" for row in rows))
        self.assert_good(psad("evaluate", "--model", model, "--test", half, *self.tables))
        self.assertNotIn("error", psad("rerank", "--model", model, *self.tables, stdin=half.read_text()).stdout)
        done = self.learn("--valid", self.folder / "valid.jsonl", "--teacher-scores", "brand", out=never)
        self.assertEqual(done.returncode, 2)
        self.assertIn("--teacher-scores: found brand, which is read as something else", done.stderr)
        self.assertFalse(never.exists())

    def test_requests_of_new_items_are_ordered_alike_by_evaluate_and_rerank(self):
        """No table of items: what is known of new ones stands in the request, and nowhere else."""
        draw = random.Random(5)
        for name, first, count in (("train", 0, 120), ("test", 1000, 60)):
            lines = []
            for i in range(count):
                skus = [f"n{first + draw.randrange(60)}" for _ in range(3)]
                candidates = [{"sku": sku, "brand": f"b{int(sku[1:]) % 7}",
                               "price": draw.uniform(1, 9), "label": int(sku[1:]) % 7 < 2}
                              for sku in dict.fromkeys(skus + [f"n{first + 60 + draw.randrange(9)}"])]
                history = [{"sku": f"n{first + draw.randrange(60)}", "ts": i, "type": "view"} for _ in range(5)]
                lines.append({"request_id": f"{name}-{i}", "ts": 1000 + first + i, "candidates": candidates,
                              "history": history})
            (self.folder / f"new-{name}.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
        both, schema = self.folder / "new-both.jsonl", self.folder / "new-schema.json"
        train_file, test_file = self.folder / "new-train.jsonl", self.folder / "new-test.jsonl"
        both.write_text(train_file.read_text() + test_file.read_text())
        self.assertEqual(psad("schema", train_file, "--out", schema).returncode, 0)
        described = json.loads(schema.read_text())
        described["candidate"]["fields"] = []
        described["item"] = {"fields": ["brand"]}
        schema.write_text(json.dumps(described))
        model, again = self.folder / "new.st", self.folder / "new-again.st"
        few = ("--schema", schema, "--variant", "small", "--epochs", "2")
        self.assert_good(psad("train", "--train", train_file, "--valid-from", "1100", *few, "--out", model))
        done = psad("train", "--train", both, "--valid-from", "1100", "--test-from", "2000", *few, "--out", again)
        self.assert_good(done)
        self.assertIn("60 lists from 2000 on are left out", done.stdout)
        self.assertEqual(again.read_bytes(), model.read_bytes())  # what is left out teaches nothing
        orders = {}
        columns = self.folder / "new-columns"
        self.assert_good(psad("convert", test_file, "--schema", schema, "--out", columns))
        for test in (test_file, columns):
            self.assert_good(psad("evaluate", "--model", model, "--test", test, "--per-list", self.folder / "per.jsonl"))
            lines = (self.folder / "per.jsonl").read_text().splitlines()
            orders[test] = [json.loads(line)["student"]["order"] for line in lines]
        done = psad("rerank", "--model", model, stdin=test_file.read_text())
        self.assert_good(done)
        served = [json.loads(line)["order"] for line in done.stdout.splitlines()]
        self.assertEqual(orders[test_file], served)
        self.assertEqual(orders[columns], served)

    def test_training_says_which_columns_it_does_not_know(self):
        schema, more, parts = self.folder / "known.json", self.folder / "more.jsonl", self.folder / "parts"
        psad("schema", self.folder / "train.jsonl", *self.tables, "--out", schema)
        lines = [json.loads(line) for line in (self.folder / "train.jsonl").read_text().splitlines()]
        lines[-1]["candidates"][0]["ctr_7d"] = 0.5
        more.write_text("".join(json.dumps(line) + "\n" for line in lines))
        done = self.learn("--schema", schema, train="more.jsonl", out=self.folder / "more.st")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stderr, "psad: note: the schema does not name ctr_7d: not read\n")
        # A column that one file of several has not.
        parts.mkdir()
        for c in [c for line in lines[:50] for c in line["candidates"]]:
            c.pop("rating")
        for name, part in (("a", lines[:50]), ("b", lines[50:])):
            (parts / f"{name}.jsonl").write_text("".join(json.dumps(line) + "\n" for line in part))
        done = self.learn("--schema", schema, train="parts", out=self.folder / "parts.st")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("a.jsonl has no column rating, which other files have", done.stderr)

    def test_letor_text(self):
        draw = random.Random(1)
        for name in ("a.txt", "b.txt"):
            with open(self.folder / name, "w") as file:
                for q in range(60):
                    for _ in range(6):
                        x = draw.random()
                        file.write(f"{int(3 * x)} qid:{name[0]}{q} 1:{x:.3f} 3:{draw.random():.3f} # a comment\n")
        model = self.folder / "letor.st"
        done = psad("train", "--train", self.folder / "a.txt", "--variant", "small", "--out", model, "--epochs", 3)
        self.assert_good(done)
        self.assertIn("6 of 60 training lists are held back", done.stdout)
        report = self.folder / "letor.json"
        self.assert_good(psad("evaluate", "--model", model, "--test", self.folder / "b.txt", "--json", report))
        # A request is a line whatever the training files were.
        line = {"qid": 7, "candidates": [{"1": 0.1}, {"1": 0.9, "3": 0.5}, {"1": 0.5}]}
        done = psad("rerank", "--model", model, stdin=json.dumps(line))
        self.assert_good(done)
        answer = json.loads(done.stdout)
        self.assertEqual((answer["id"], answer["order"][0]), (7, 1))
        # What it leaves out is 0, as in the files.
        for c in line["candidates"]:
            c.setdefault("3", 0)
        self.assertEqual(json.loads(psad("rerank", "--model", model, stdin=json.dumps(line)).stdout), answer)
        found = json.loads(report.read_text())["orders"]
        self.assertGreater(found["student"]["ndcg@10"][0], found["initial"]["ndcg@10"][0] + 0.1)

    def test_what_serving_lacks(self):
        """Without the history of training, or with an item that differs, answers are others: that is said."""
        line = json.dumps(self.requests[130])
        items, users = self.tables[:2], self.tables[2:4]
        for words in (["rerank", "--model", self.model, *items, *users],
                      ["evaluate", "--model", self.model, "--test", self.folder / "test.jsonl", *items, *users]):
            done = psad(*words, stdin=line)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn("no column history (or --events)", done.stderr)
            strict = psad(*words, "--strict", stdin=line)
            self.assertIn("history (or --events)", strict.stdout + strict.stderr)
        nobody = {k: v for k, v in self.requests[130].items() if k != "user_id"}
        done = psad("rerank", "--model", self.model, *self.tables, stdin=json.dumps(nobody))
        self.assertIn("no column user_id", done.stderr)
        other = json.loads(line)
        sku = other["candidates"][0]["sku"]
        other["candidates"][0]["brand"] = f"brand {(int(sku[4:]) + 1) % 9}"
        done = psad("rerank", "--model", self.model, *self.tables, "--counts", stdin=json.dumps(other))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("says of its item what differs", done.stderr)
        self.assertIn("1 contradictions of items", done.stderr)
        done = psad("rerank", "--model", self.model, *self.tables, "--strict", stdin=json.dumps(other))
        self.assertIn("differs from what is known of it", json.loads(done.stdout)["error"])
        (self.folder / "differs.jsonl").write_text(json.dumps(other) + "\n")
        words = ["evaluate", "--model", self.model, "--test", self.folder / "differs.jsonl", *self.tables]
        self.assertIn("1 times what is said of an item differs", psad(*words).stderr)
        self.assert_fails(psad(*words, "--strict"), "differs.jsonl", "differ from what is known of them")
        # A column in another place than in training.
        placed = json.loads(line)
        placed["price"] = 3
        for candidate in placed["candidates"]:
            del candidate["price"]
        done = psad("rerank", "--model", self.model, *self.tables, stdin=json.dumps(placed))
        self.assertIn("price, which the model reads elsewhere", done.stderr)
        done = psad("evaluate", "--model", self.model, "--test", self.folder / "test.jsonl", *self.tables,
                    "--test-from", "20231114")
        self.assert_usage(done)

    def test_events_in_their_own_words(self):
        """--explain names kinds of events as the data does."""
        request = next(r for r in self.requests[100:])
        sku = request["candidates"][0]["sku"]
        events = self.folder / "seen.csv"
        events.write_text(f"user_id,ts,type,sku\n{request['user_id']},{request['ts'] - 5},view,{sku}\n")
        done = psad("rerank", "--model", self.model, *self.tables[:4], "--events", events, "--explain",
                    stdin=json.dumps(request))
        self.assert_good(done)
        why = next(e for e in json.loads(done.stdout)["explain"] if e["item"] == sku)
        self.assertEqual([e["feedback"] for e in why["events"]], ["view"])

    def test_a_model_of_rows_reads_requests(self):
        """Trained on CSV, judged on JSON Lines with lists of candidates."""
        draw = random.Random(1)  # what is the same all over a request would be taken for its own
        requests = [{**r, "candidates": [{**c, "rating": draw.random()} for c in r["candidates"]]} for r in self.requests]
        (self.folder / "test-lists.jsonl").write_text("".join(json.dumps(r) + "\n" for r in requests[120:]))
        for part, rows in (("train", requests[:100]), ("test", requests[120:])):
            with open(self.folder / f"{part}-rows.csv", "w", newline="") as file:
                out = csv.writer(file)
                out.writerow(["request_id", "user_id", "ts", "device", "sku", "position", "price", "rating", "label"])
                for r in rows:
                    head = [r["request_id"], r["user_id"], r["ts"], r["device"]]
                    out.writerows([[*head, *c.values()] for c in r["candidates"]])
        model = self.folder / "rows.st"
        self.assert_good(self.learn(train="train-rows.csv", out=model))
        found = []
        for name in ("test-rows.csv", "test-lists.jsonl"):
            lists = self.folder / "by-list.jsonl"
            self.assert_good(psad("evaluate", "--model", model, "--test", self.folder / name, *self.tables,
                                  "--per-list", lists))
            found.append(lists.read_text())
        self.assertEqual(found[0], found[1])

    def test_rows_from_a_pipe(self):
        """A pipe is read once: nothing looks into it first."""
        rows, schema, out = (self.folder / name for name in ("pipe-rows.jsonl", "pipe.json", "piped"))
        rows.write_text("".join(
            json.dumps({"request_id": r["request_id"], "ts": r["ts"], "sku": c["sku"], "price": c["price"],
                        "label": c["label"]}) + "\n" for r in self.requests[:20] for c in r["candidates"]))
        psad("schema", rows, "--out", schema)
        done = psad("convert", "/dev/stdin", "--format", "jsonl", "--schema", schema, "--out", out,
                    stdin=rows.read_text())
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("wrote 20 requests", done.stdout)

    def evaluate(self, *words, model=None, tables=None):
        return psad("evaluate", "--model", model or self.model, *(self.tables if tables is None else tables), *words)

    def write(self, name, *rows):
        path = self.folder / name
        path.write_text("".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows))
        return path

    def test_a_pipe_whose_name_tells_nothing(self):
        # Such a file can be read but once, and its first lines would be lost.
        lines = "".join(json.dumps(r) + "\n" for r in self.requests)
        done = psad("evaluate", "--model", self.model, *self.tables, "--test", "/dev/stdin", stdin=lines)
        self.assert_fails(done, "/dev/stdin: found no regular file, and no ending that tells its format")
        done = psad("evaluate", "--model", self.model, *self.tables, "--test", "/dev/stdin", "--format", "jsonl",
                    stdin=lines)
        self.assert_good(done)
        self.assertIn("150 lists", done.stdout)
        pipe = self.folder / "pipe.csv"
        os.mkfifo(pipe)
        try:
            done = psad("train", "--train", self.folder / "train.jsonl", "--items", pipe, "--out", self.folder / "p.st")
        finally:
            pipe.unlink()
        self.assert_fails(done, "pipe.csv: found no regular file, wanted one, as a guess reads it twice: or a schema")

    def test_folders_of_other_labels_are_refused(self):
        rows = [{"q": r, "candidates": [{"x": i + r % 7, "label": int(i == r % 3), "other": int(i == 1)}
                                        for i in range(4)]} for r in range(40)]
        self.write("two.jsonl", *rows)
        columns = {"format": "psad-schema-1", "request": {"id": "q"}, "candidate": {"dense": ["x"]}}
        for folder, rule in (("by-label", {"grade": "label"}), ("by-other", {"gain": "other"})):
            unread = [c for c in ("label", "other") if c not in rule.values()]
            schema = self.write(f"{folder}.json", columns | {"label": rule, "unread": unread})
            self.assert_good(psad("convert", self.folder / "two.jsonl", "--schema", schema, "--out",
                                  self.folder / folder))
        model = self.folder / "by-label.st"
        words = ["--train", self.folder / "by-label", "--variant", "small", "--steps", 2, "--out", model]
        self.assert_good(psad("train", *words))
        wanted = "found other labels, or another meaning of order and absence"
        self.assert_fails(self.evaluate("--test", self.folder / "by-other", model=model, tables=[]), wanted)
        self.assert_fails(psad("train", *words, "--valid", self.folder / "by-other"), wanted)

    def test_tables_that_fit_nothing_are_told_when_serving(self):
        events = self.write("foreign.csv", "user_id,ts,type,sku", "U1,1699999999,view,sku-1")
        users = self.write("none.csv", "user_id,region", "U1,R1")
        tables = ["--items", self.folder / "items.csv", "--users", users, "--events", events]
        text = json.dumps(self.requests[0]) + "\n"
        done = psad("rerank", "--model", self.model, *tables, "--counts", stdin=text)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("foreign.csv has none of the 1 requests with earlier events of their user", done.stderr)
        self.assertIn("none.csv has none of the 1 requests with a known user", done.stderr)
        self.assertIn("1 requests without a user of the table, 1 requests without events of the table", done.stderr)
        # Names that training did not have, in a table.
        rows = (self.folder / "items.csv").read_text().replace("brand 4", "brand new").splitlines()
        items = self.write("news.csv", *rows)
        for words in (["rerank"], ["evaluate", "--test", self.folder / "test.jsonl"]):
            done = psad(words[0], "--model", self.model, *words[1:], "--items", items, "--strict", stdin=text)
            self.assert_fails(done, "news.csv, line 6, column brand: found the unknown 'brand new' of brand")
        events = self.write("unknown.csv", "user_id,ts,type,sku", "u1,1699999999,view,sku-99")
        done = self.evaluate("--test", self.folder / "test.jsonl", "--strict", tables=["--events", events])
        self.assert_fails(done, "unknown.csv, line 2, column sku: found the unknown 'sku-99' of sku")

    def test_what_has_no_item_is_told(self):
        request = {**self.requests[0], "candidates": [{"price": 1, "rating": 4.5}, {"price": 2, "rating": 4.5}]}
        said, notes = self.answers(request, words=["--counts"])
        self.assertEqual(sorted(said[0]["order"]), [0, 1])
        self.assertIn("no column sku", notes)
        self.assertIn("2 candidates without an item", notes)
        self.assertIn("wanted it, as in training", self.answers(request, words=["--strict"])[0][0]["error"])
        one = {**self.requests[0], "candidates": [dict(c) for c in self.requests[0]["candidates"]]}
        one["candidates"][3]["sku"] = None
        self.assertIn("found a candidate without sku", self.answers(one, words=["--strict"])[0][0]["error"])
        self.write("nameless.jsonl", *[one, *self.requests[1:100]])
        done = self.learn(train="nameless.jsonl", out=self.folder / "nameless.st")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("note: 1 candidates have no item: nothing is known of them", done.stderr)

    def test_history_beside_a_table_of_events_is_not_read_and_said(self):
        request = {**self.requests[0], "history": [{"sku": "sku-1", "ts": 1_699_999_000, "type": "view"}]}
        _, notes = self.answers(request)
        self.assertIn("requests bring their history: --events takes its place, and it is not read", notes)

    def test_feedback_that_one_file_lacks_is_0_and_said(self):
        def row(q, **feedback):
            return {"request_id": f"q{q}", "candidates": [{"sku": f"s{i}", "price": i, "click": int(i == q % 3),
                                                           **({"buy": int(i == 1)} if feedback else {})}
                                                          for i in range(4)]}
        first = self.write("k1.jsonl", *(row(q, buy=True) for q in range(30)))
        second = self.write("k2.jsonl", *(row(q) for q in range(30, 60)))
        model = self.folder / "kinds.st"
        done = psad("train", "--train", first, second, "--variant", "small", "--steps", 2, "--out", model)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("k2.jsonl has no column buy, which other files have: as a label it counts as 0", done.stderr)
        done = self.evaluate("--test", first, second, "--labels", "buy", model=model, tables=[])
        self.assertIn("k2.jsonl has no column buy", done.stderr)

    def test_an_id_comes_back_however_its_key_is_written(self):
        schema = self.write("id.json", {"format": "psad-schema-1", "request": {"id": "meta.größe"}, "label": {"grade": "label"},
                                        "candidate": {"item": "sku", "dense": ["price"]}})
        rows = [{"x": {"größe": 1}, "meta": {"a": 1, "größe": f"q{q}"}, "candidates": [
            {"sku": f"s{i}", "price": i, "label": int(i == q % 3)} for i in range(4)]} for q in range(30)]
        lists, model = self.write("id.jsonl", *rows), self.folder / "id.st"
        done = psad("train", "--train", lists, "--schema", schema, "--variant", "small", "--steps", 1, "--out", model)
        self.assertEqual(done.returncode, 0, done.stderr)
        for text in (json.dumps(rows[7]), json.dumps(rows[7], ensure_ascii=False),
                     json.dumps({"meta.größe": "q7", "candidates": rows[7]["candidates"]})):
            done = psad("rerank", "--model", model, stdin=text)
            self.assertEqual(json.loads(done.stdout)["id"], "q7", text)
            self.assertIn("order", json.loads(done.stdout))

    def test_requests_without_an_id_have_none(self):
        lists, model = self.folder / "nameless.jsonl", self.folder / "nameless.st"
        lists.write_text("".join(json.dumps({"candidates": [{"price": k, "label": int(k == i % 3)} for k in range(3)]}) + "\n"
                                 for i in range(30)))
        done = psad("train", "--train", lists, "--variant", "small", "--steps", 1, "--threads", 1, "--out", model)
        self.assertEqual(done.returncode, 0, done.stderr)
        lines = b'{"":"x","candidates":[{"price":1}]}\n{"id":7,"candidates":[{"price":1}]}\n{"":7}\n'
        done = psad("rerank", "--model", model, stdin=lines)
        self.assertEqual([json.loads(line)["id"] for line in done.stdout.splitlines()], [None] * 3)

    def test_segments_and_features_by_names_of_the_data(self):
        rows = [{"request_id": f"r{q}", "candidates": [
            {"item": f"i{(q + k) % 9}", "x": q * k % 5, "label": int(k == q % 4)} for k in range(4)]} for q in range(60)]
        for q, row in enumerate(rows):
            row.update([{"part": "(unknown)"}, {}, {"part": "a"}][q % 3])
        data, model, report = self.write("parts.jsonl", *rows), self.folder / "parts.st", self.folder / "parts.report"
        self.assertEqual(psad("train", "--train", data, "--valid", data, "--variant", "small", "--steps", 2, "--out",
                              model).returncode, 0)
        evaluate = ["evaluate", "--test", data, "--segment", "part", "--json", report, "--model"]
        self.assertEqual(psad(*evaluate, model).returncode, 0)
        segments = json.loads(report.read_text())["segments"]
        self.assertEqual({name: figures["lists"] for name, figures in segments.items()},
                         {"(unknown)": 20, "((unknown))": 20, "a": 20})

        content = model.read_bytes()
        length = int.from_bytes(content[:8], "little")
        header = json.loads(content[8 : 8 + length])
        del header["__metadata__"]["psad.checksum"]
        header["__metadata__"]["psad.best_feature"] = '{"name": "gone", "direction": 1}'
        text = json.dumps(header).encode()
        model.write_bytes(len(text).to_bytes(8, "little") + text + content[8 + length :])
        self.assert_fails(psad(*evaluate, model), model, "metadata psad.best_feature", "found gone, wanted x")

    def test_a_name_is_the_same_in_all_forms(self):
        rows = [{"q": f"q{q}", "item": i, "size": float(q % 3), "new": i % 2 == 0, "x": (7 * i + q) % 5,
                 "label": int(i == q % 4)} for q in range(30) for i in range(4)]
        self.write("forms.jsonl", *rows)
        cells = [[r["q"], f"{r['item']}.0", r["size"], r["new"], r["x"], r["label"]] for r in rows]
        self.write("forms.csv", "q,item,size,new,x,label", *(",".join(map(str, c)) for c in cells))
        schema = self.write("forms.json", {
            "format": "psad-schema-1", "request": {"id": "q"}, "label": {"grade": "label"},
            "candidate": {"list": "", "item": "item", "dense": ["x"], "fields": ["size", "new"]}})
        models = []
        for form in ("jsonl", "csv"):
            models.append(self.folder / f"forms.{form}.st")
            self.assert_good(psad("train", "--train", self.folder / f"forms.{form}", "--schema", schema, "--variant",
                                  "small", "--steps", 2, "--min-count", 1, "--out", models[-1]))
        self.assertEqual(models[0].read_bytes(), models[1].read_bytes())

    def test_what_varies_among_candidates_is_theirs(self):
        self.write("goods.csv", "qid,doc_id,user,date,weight,label",
                   *(f"{q},d{4 * q + i},seller {i},2026-11-0{1 + i},{i + q / 8},{int(i == q % 4)}"
                     for q in range(30) for i in range(4)))
        done = psad("schema", self.folder / "goods.csv")
        self.assertEqual(done.returncode, 0, done.stderr)
        found = json.loads(done.stdout)
        self.assertEqual(found["request"], {"id": "qid"})
        self.assertIn("weight", found["candidate"]["dense"])
        self.assertIn("user", found["candidate"]["fields"])
        self.assert_good(psad("train", "--train", self.folder / "goods.csv", "--variant", "small", "--steps", 2,
                              "--out", self.folder / "goods.st"))

    def test_columns_that_nobody_has_or_asks_for(self):
        schema = json.loads(psad("schema", self.folder / "train.jsonl", *self.tables).stdout)
        given = self.write("shop.json", schema)
        bare = ["--train", self.folder / "train.jsonl", "--schema", given, "--variant", "small", "--steps", 2, "--out",
                self.folder / "bare.st"]
        done = psad("train", *bare, *self.tables[2:])
        self.assert_fails(done, "train.jsonl: found no column brand, wanted it, as the schema says")
        rows = (self.folder / "items.csv").read_text().splitlines()
        items = self.write("more.csv", rows[0] + ",colour", *(row + ",red" for row in rows[1:]))
        done = psad("train", *bare, "--items", items, *self.tables[2:])
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("more.csv: the schema does not name colour: not read", done.stderr)
        bare[bare.index(given)] = self.folder
        self.assert_fails(psad("train", *bare, *self.tables), "found no file that can be read, wanted a schema")

    def test_lists_without_a_choice(self):
        rows = self.folder / "rows.csv"
        rows.write_text("impression_id,sku,price,clicked\n" +
                        "".join(f"i{i},sku-{i % 9},{i % 5},{i % 2}\n" for i in range(60)))
        done = psad("train", "--train", rows, "--variant", "small", "--out", self.folder / "never.st")
        self.assert_fails(done, "one candidate in each")
        self.assertFalse((self.folder / "never.st").exists())

    def test_faults(self):
        never = ["--out", self.folder / "never.st", "--variant", "small"]
        for words in (
            ["train", *never],
            ["train", *never, "--train", self.folder / "train.jsonl", "--data", "somewhere"],
            ["train", *never, "--train", self.folder / "train.jsonl", "--format", "parquet"],
            ["train", *never, "--train", self.folder / "train.jsonl", "--test-from", "3"],
            ["train", "--train", self.folder / "train.jsonl", "--out", self.folder / "train.jsonl"],
            ["train", *never, "--train", self.folder / "train.jsonl", *self.tables, "--json", self.folder / "items.csv"],
            ["evaluate", "--model", self.model, "--test", self.folder / "test.jsonl", "--per-list", self.model],
            ["train", *never, "--train", self.folder / "train.jsonl", "--schema", self.folder / "s.json",
             "--json", self.folder / "s.json"],
            ["convert", self.folder / "train.jsonl", "--schema", self.folder / "s.json", "--out", self.folder / "s.json"],
            ["convert", self.folder / "train.jsonl"],
            ["schema"],
        ):
            with self.subTest(words=words):
                self.assert_usage(psad(*words))
        text = (self.folder / "train.jsonl").read_text()
        bad = self.folder / "bad.jsonl"
        for change, words in (
            (text.replace('"price": ', '"price": "x', 1).replace(', "rating"', '", "rating"', 1),
             ("line 1, candidates[0].price",)),
            (text + "{\n", ("line 101",)),
            (text.replace('"label": ', '"label": 9', 1), ("line 1, candidates[0].label", "a whole grade from 0 to 30")),
            (text[: len(text) // 2], ("line",)),
            ("", ("an empty file",)),
        ):
            bad.write_text(change)
            self.assert_fails(self.learn(train="bad.jsonl", out=self.folder / "never.st"), bad, *words)
        self.assert_fails(self.learn(train="none.jsonl", out=self.folder / "never.st"), "none.jsonl", "no such file")
        self.assert_fails(psad("train", "--train", self.folder / "items.csv", *never), "no column of grades")
        self.assertFalse((self.folder / "never.st").exists())
        numbered = self.folder / "numbered.st"
        self.assert_good(train(numbered))
        self.assert_fails(psad("evaluate", "--model", numbered, "--test", self.folder / "test.jsonl"), "numbered ids")
        self.assert_fails(psad("rerank", "--model", numbered, *self.tables), "numbered ids")


if __name__ == "__main__":
    main()
