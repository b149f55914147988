#!/usr/bin/env python3
"""What benchmarks/quality says of figures made by hand, what it refuses, and whether docs/results.md is up to date.

Usage: quality_test.py SOURCE_FOLDER [unittest options]
"""

import argparse
import contextlib
import gzip
import io
import json
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from unittest import mock

QUALITY = Path(sys.argv.pop(1)) / "benchmarks" / "quality"
sys.path.insert(0, str(QUALITY))
import claims  # noqa: E402
import common  # noqa: E402
import convert_lists  # noqa: E402
import files  # noqa: E402
import kept_figures  # noqa: E402
import sets  # noqa: E402
import sweep  # noqa: E402
import table  # noqa: E402


def model(*seeds):
    mean = sum(seeds) / len(seeds)
    share = [mean, mean - 0.01, mean + 0.01]
    buckets = {"0": {"share": share, "lists": 5}}
    return {"metrics": {"share": share}, "seeds": {"share": list(seeds)}, "buckets": buckets,
            "latency_us": {"p50": 1.5, "p99": 2}, "train_seconds": 0}


def heuristic(value):
    return {**model(value), "latency_us": {"p50": 0, "p99": 0}}


def comparison(models, pairs=(), **more):
    paired = [{"a": a, "b": b, "metric": "share", "difference": d, "buckets": {}} for a, b, d in pairs]
    how = {"version": "1", "revision": 2, "fingerprint": "f", "epochs": 1, "batch": 2, "shard": 3, "learning_rate": 4,
           "dropout": 5, "weight_decay": 6, "patience": 7}
    return {**how, "metric": "share", "models": models, "paired": paired, "seeds": 2, "world": "w", **more}


def lists(*values):
    """The figures of one run whose lists have these values of every measure."""
    return {name: list(values) for name in files.MEASURES}


class Sets(unittest.TestCase):
    def test_scores_stand_beside_their_candidates(self):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            letor = folder / "a.txt.gz"
            letor.write_bytes(gzip.compress(b"# of two\n1 qid:1 1:0.5 # one\n\n0 qid:1 2:3\n"))
            rows = [{"candidates": [{"item": "a"}, {"item": "b"}]}, {"candidates": [{"item": "c"}]}]
            requests = folder / "a.jsonl"
            sets.write_rows(requests, rows)
            self.assertEqual(sets.with_scores([letor], [2.5, -1]),
                             ("1 qid:1 1:0.5 9999:2.5\n0 qid:1 2:3 9999:-1\n", "9999"))
            text, column = sets.with_scores([requests], [1.5, 2.5, 3.5])
            self.assertEqual(column, "trees")
            self.assertEqual([[c["trees"] for c in json.loads(line)["candidates"]] for line in text.splitlines()],
                             [[1.5, 2.5], [3.5]])
            for path, scores in ((letor, [1]), (letor, [1, 2, 3]), (requests, [1, 2]), (requests, [1] * 4)):
                with self.assertRaisesRegex(ValueError, "candidates, wanted"):
                    sets.with_scores([path], scores)

    def test_a_sweep_trains_with_the_flags_of_a_set(self):
        found = []

        def score(_, words, path):
            found.append((words, path.name))
            return 0.5

        run = {"flags": ["--train", "lists"], "own_flags": ["--teacher-scores", "trees"]}
        options = argparse.Namespace(names=["one"], settings=["more=--bag 2"], seeds=[3], jobs=1, data=Path(),
                                     program="psad")
        with tempfile.TemporaryDirectory() as folder, mock.patch.multiple(
                sweep, FOLDER=Path(folder), SETS={"one": sets.DataSet(None, "map")}, score=score, package=mock.Mock(),
                runs_of=mock.Mock(return_value=[run])), contextlib.redirect_stdout(io.StringIO()):
            (Path(folder) / "one").mkdir()
            sweep.run(options)
        words = ["--train", "lists", "--teacher-scores", "trees", "--bag", "2", "--seed", "3"]
        self.assertEqual(found[0], (words, "more.3.0.json"))

    def test_what_fails_is_not_lost(self):
        def fail(problem):
            raise problem

        with self.assertRaises(KeyError):
            common.work_off([(fail, (KeyError("lists"),))], 2)


class ConvertLists(unittest.TestCase):
    def test_films_by_their_titles(self):
        films = QUALITY.parent.parent / "data" / "movietweetings-ci"
        with tempfile.TemporaryDirectory() as name:
            out = Path(name)
            words = convert_lists.convert(films, out, counts=True)
            self.assertEqual(words, ["--items", out / "items.jsonl", "--users", out / "users.jsonl"])
            items, test = ([json.loads(line) for line in (out / file).read_text(encoding="utf-8").splitlines()]
                           for file in ("items.jsonl", "test.jsonl"))
        self.assertEqual(items[0],
                         {"item": "No Strings Attached (2011)", "genres": ["Comedy", "Romance"], "year": ["13"]})
        self.assertEqual(len({row["item"] for row in items}), 3979)  # twins have numbers
        self.assertEqual(len(test), 445)
        known = {row["item"] for row in items}
        for row in test:
            self.assertLess(max((event["ts"] for event in row["history"]), default=0), row["ts"])
            self.assertLessEqual({c["item"] for c in row["candidates"]}, known)
            for c in row["candidates"]:
                self.assertLessEqual(c["events_2d"], c["events_7d"])

    def test_empty_cells(self):
        self.assertEqual(convert_lists.values_of("-"), [])
        row = {"user": "3", "genres": "0", "year": "13|0", "none": "-"}
        self.assertEqual(convert_lists.row_of_fields(row, "user", {"year": "13=1994; 14=1995"}), {"year": ["1994"]})


class Files(unittest.TestCase):
    """Tables of the data sets that come as files."""

    def test_lists_without_a_positive_do_not_count(self):
        found = files.ranker([[lists(0.5, None), lists(1.0)], [lists(0.3, None), lists(0.8)]], "map")
        self.assertEqual([round(x, 6) for x in (found["ndcg@10"], *found["by_seed"])], [0.65, 0.75, 0.55])
        self.assertLessEqual(found["interval"][0], 0.65)

    def test_differences_are_of_the_same_lists(self):
        psad = [[lists(0.5, None, 0.9)], [lists(0.7, None, 0.9)]]
        worse, better = [lists(0.4, None, 0.5)], [lists(0.5, None, 0.8)]
        found = files.ranker([worse, better], "ndcg@10", psad)
        self.assertAlmostEqual(found["difference"], 0.2)  # of 0.6 and 0.9 to 0.45 and 0.65
        best = files.ranker([worse, better], "ndcg@10", psad, best=True)
        self.assertEqual([round(best[name], 6) for name in ("difference", "ndcg@10")], [0.1, 0.65])
        with self.assertRaises(ValueError):
            files.ranker([[lists(0.4)]], "ndcg@10", psad)  # of other lists
        self.assertAlmostEqual(found["interval"][0], 0.15)
        self.assertAlmostEqual(found["interval"][1], 0.25)

    def test_a_set_without_a_truth_has_no_value(self):
        run = lists(0.5) | {"value": None}
        self.assertIsNone(files.ranker([[run]], "ndcg@10")["value"])

    def test_tables(self):
        psad, trees = [[lists(0.5, None, 0.9)]], [[lists(0.4, None, 0.5)], [lists(0.3, None, 0.5)]]
        orders = {"as shown": files.ranker([[lists(0.1, None, 0.2)]], "ndcg@10", psad),
                  "LambdaMART": files.ranker(trees, "ndcg@10", psad, 2),
                  "LambdaMART, best seed": files.ranker(trees, "ndcg@10", psad, best=True),
                  "psad": files.ranker(psad, "ndcg@10", None, 12.34, 45.6)}
        kept = {"measure": "ndcg@10", "lists": 3, "counted": 2, "orders": orders, "date": "today", "processor": "one"}
        found = files.blocks({"mq2008": kept})
        row = "| mq2008 | NDCG@10 | 0.1500 | - | - | 0.4500 | 0.7000 [0.500, 0.900] | +0.2500 [+0.100, +0.400] |"
        self.assertIn(row, found["files in short"])
        self.assertIn("3 test lists, 1 of them without a positive, which do not count (psad's NDCG@10 if they count as "
                      "0: 0.467, as 1: 0.800)", found["files"])
        self.assertIn("| psad | 0.7000 | - | 0.7000 | 0.700 |  | 12.3 | 46 |", found["files"])


class Claims(unittest.TestCase):
    def test_no_loss_is_a_tenth_of_the_gain_over_the_best_heuristic(self):
        found = comparison({"initial": model(0.3), "by-aux": model(0.45), "psad": model(0.47, 0.49)})
        self.assertAlmostEqual(claims.margin(found), 0.003)
        self.assertEqual(claims.margin(comparison({"initial": model(0.3), "psad": model(0.9)})), 0.01)
        found = comparison({"initial": model(0.3), "logged": model(0.85), "psad": model(0.9)})  # logged: no heuristic
        self.assertEqual(claims.margin(found), 0.01)

    def test_a_claim_needs_the_interval_and_every_seed(self):
        found = comparison({"initial": model(0.3), "psad": model(0.5)})
        better, as_good = claims.BETTER, claims.AS_GOOD
        for d, seeds, kind, said in (
            ([0.02, 0.01, 0.03], [0.01, 0.03], better, "**yes**"),
            ([0.02, 0.01, 0.03], [-0.01, 0.05], better, "undecided"),
            ([0.02, -0.01, 0.05], [0.01, 0.03], better, "undecided"),
            ([-0.02, -0.03, -0.01], [-0.01, -0.03], better, "**no**"),
            ([-0.02, -0.03, -0.01], [0.01, -0.05], better, "undecided"),
            ([-0.005, -0.009, 0.0], [-0.004, -0.006], as_good, "**yes**"),
            ([-0.005, -0.011, 0.0], [-0.004, -0.006], as_good, "undecided"),
            ([-0.02, -0.03, -0.011], [-0.02, -0.02], as_good, "**no**"),
        ):
            self.assertEqual(claims.verdict(d, seeds, kind, found), said, (d, seeds, kind))

    def test_differences_turn_with_the_pair(self):
        found = comparison({}, [("psad", "nar", [0.1, 0.05, 0.2])])
        self.assertEqual(claims.difference(found, "psad", "nar"), [0.1, 0.05, 0.2])
        self.assertEqual(claims.difference(found, "nar", "psad"), [-0.1, -0.2, -0.05])
        self.assertIsNone(claims.difference(found, "psad", "ar"))

    def test_seeds_are_paired_and_a_heuristic_is_the_same_for_all(self):
        found = comparison({"psad": model(0.5, 0.7), "nar": model(0.4, 0.3), "logged": model(0.6)})
        self.assertEqual([round(x, 6) for x in claims.by_seed(found, "psad", "nar")], [0.1, 0.4])
        self.assertEqual([round(x, 6) for x in claims.by_seed(found, "psad", "logged")], [-0.1, 0.1])

    def test_the_same_lists_count_once(self):
        models = {"initial": model(0.1), "psad": model(0.5, 0.5), "no-gates": model(0.4, 0.4)}
        yes = comparison(models, [("psad", "no-gates", [0.1, 0.05, 0.2])])
        undecided = comparison(models, [("psad", "no-gates", [0.1, -0.05, 0.2])], seeds=5)

        def said(kept):
            return [row[1] for row in claims.short_table(kept) if row[0].startswith("Gates help")]

        self.assertEqual(said({"three": yes, "five": undecided}), ["0, 0, 1"])
        self.assertEqual(said({"three": yes, "others": {**undecided, "fingerprint": "g"}}), ["1, 0, 1"])

    def test_figures_that_do_not_belong_together(self):
        one, other = comparison({"psad": model(0.5, 0.6)}), comparison({"psad": model(0.5, 0.6, 0.7)})
        kept_figures.check_agreement({"one": one, "other": other})
        with self.assertRaisesRegex(ValueError, "other figures of psad in one than in other"):
            kept_figures.check_agreement({"one": one, "other": comparison({"psad": model(0.5, 0.61)})})
        kept_figures.check_agreement({"one": one, "other": comparison({"psad": model(0.5, 0.61)}, weight_decay=0)})
        for more, said in (({"revision": 1}, "version 1, revision 1"), ({"version": "0"}, "version 0, revision 2")):
            with self.assertRaisesRegex(ValueError, f"found version 1, revision 2 in one and {said} in other"):
                kept_figures.check_agreement({"one": one, "other": comparison({}, **more)})

    def test_figures_that_can_not_be(self):
        arguments = ["--world", "", "--lists", "9", "--seeds", "2", "--models", "psad,nar"]

        def good():
            models = {"psad": model(0.5, 0.6), "nar": model(0.4, 0.5)}
            models |= {"logged": heuristic(0.4), "initial": heuristic(0.3)}
            pairs = [("psad", "logged", [0.15, 0.1, 0.2]), ("psad", "nar", [0.1, 0.05, 0.2])]
            more = {"machine": "m", "test_lists": 4, "buckets": ["0"], "descriptions": dict.fromkeys(models, "words")}
            return comparison(models, pairs, arguments=arguments, train_lists=9, **more)

        def broken(change):
            found = good()
            change(found)
            with self.assertRaises((ValueError, LookupError, TypeError, AttributeError)):
                kept_figures.check(found, arguments)

        kept_figures.check(good(), arguments)
        with self.assertRaisesRegex(ValueError, "wanted those of .'--world', 'positions=5'."):
            kept_figures.check(good(), ["--world", "positions=5"])
        broken(lambda f: f.pop("arguments"))
        broken(lambda f: f.pop("world"))
        broken(lambda f: f.update(train_lists=8))
        broken(lambda f: f.update(seeds=3))
        broken(lambda f: f["models"].pop("nar"))
        psad = ("models", "psad")
        for path, value in (
            (("machine",), None),
            (("fingerprint",), None),
            (("descriptions",), {}),
            (("buckets",), ["1-5"]),
            (("models",), {}),
            (("paired", 0, "b"), "ar"),
            ((*psad, "metrics", "share"), []),
            ((*psad, "metrics", "share"), [0.55, 0.54]),
            ((*psad, "metrics", "share"), [0.55, 0.56, 0.57]),
            ((*psad, "metrics", "share"), [float("nan"), 0.4, 0.6]),
            ((*psad, "buckets", "0", "share"), [0.5]),
            ((*psad, "buckets", "0", "share"), [0.5, 0.4, 0.45]),
            ((*psad, "seeds", "share"), [0.55]),
            ((*psad, "seeds", "share"), [0.5, 0.7]),
            ((*psad, "latency_us", "p50"), -1),
            ((*psad, "latency_us", "p50"), 0),
            ((*psad, "train_seconds"), float("inf")),
            (("paired",), []),
            (("paired",), {"a": 1}),
            (("paired",), good()["paired"] * 2),
            (("paired", 0, "difference"), [0.15]),
            (("paired", 0, "difference"), [0.15, 0.2, 0.3]),
            (("paired", 0, "difference"), [-0.15, -0.2, -0.1]),
            (("paired", 0, "buckets"), {"0": [0.1, 0.2, 0.3]}),
        ):
            with self.subTest(path=path, value=value):
                *way, last = path

                def change(found):
                    for key in way:
                        found = found[key]
                    found[last] = value

                broken(change)

    def test_tables_of_students_histories_and_baselines(self):
        values = {"psad": 0.6, "psad/teacher": 0.8, "no-upn": 0.5, "mlp": 0.4, "seq2slate": 0.7}
        models = {name: model(value) for name, value in values.items()}
        pairs = [("psad", "no-upn", [0.1, 0.05, 0.2]), ("seq2slate", "psad/teacher", [-0.1, -0.2, -0.05])]
        found = comparison(models, pairs, buckets=["0", "1-5"])
        found["paired"][0]["buckets"] = {"1-5": [0.3, 0.2, 0.4]}
        self.assertEqual(claims.retained_table({"w": found})[1], ["w", "0.6000", "75.0 %", "", ""])
        self.assertEqual(claims.history_table({"w": found})[1], ["w", "", "+30.00 [+20.00, +40.00]"])
        best = ["w", "psad/teacher 0.8000", "seq2slate 0.7000", "2", "+10.00 [+5.00, +20.00]"]
        self.assertEqual(claims.best_baseline_table({"w": found})[1], best)

    def test_only_pairs_that_a_table_asks_for_are_kept(self):
        wanted = [("psad", "ar", [0.123456, 0, 1]), ("seq2slate", "psad-sort", [0, 0, 1])]
        found = comparison({}, [("psad", "nar", [1, 1, 1]), *wanted])
        found["paired"].append({**found["paired"][1], "metric": "another"})
        said = [(p["a"], p["b"], p["metric"], p["difference"][0]) for p in kept_figures.keep(found)["paired"]]
        self.assertEqual(said, [("psad", "ar", "share", 0.12346), ("seq2slate", "psad-sort", "share", 0)])


class Text(unittest.TestCase):
    def test_every_figure_of_the_text_is_one_of_those_kept(self):
        command = [sys.executable, QUALITY, "results", "--check"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))

    def test_figures_between_marks(self):
        text = "a\n<!-- figures: x -->\nold\n<!-- end of figures -->\nb <!-- figures: xy --> <!-- end of figures -->"
        found = common.with_figures(text, "x", r"new \1")
        self.assertIn("<!-- figures: x -->\n\nnew \\1\n\n<!-- end of figures -->\nb <!-- figures: xy -->", found)
        for wrong in ("", text + text):
            with self.assertRaisesRegex(ValueError, "wanted one"):
                common.with_figures(wrong, "x", "new")

    def test_the_table_of_several_seeds(self):
        def seed(student):
            orders = {"initial": 0.1, "student": student}
            figures = {name: {metric: [x, x - 0.1, x + 0.1] for metric in table.METRICS} for name, x in orders.items()}
            pair = {"a": "student", "b": "initial", "difference": [student, 0, 1]}
            pairs = [pair | {"metric": metric} for metric in table.METRICS]
            return {"data": "d", "lists": 9, "left_out": 1, "orders": figures, "paired": pairs}

        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            for at, student in ((1, 0.4), (2, 0.6)):
                (folder / f"seed-{at}.test.json").write_text(json.dumps(seed(student)))
            text = table.report(folder, "test")
            self.assertIn("| student | 0.5000 [0.400, 0.600] |", text)
            self.assertIn("| student - initial order | +0.5000 [+0.0000, +1.0000] |", text)
            self.assertIn("d, 9 test lists (1 without a positive left out); default settings; seeds 1, 2;", text)
            self.assertIn("ndcg@10: student 0.1414.", text)
            with self.assertRaisesRegex(ValueError, "no test figures of seed 3"):
                table.report(folder, "test", [1, 3])


if __name__ == "__main__":
    unittest.main()
