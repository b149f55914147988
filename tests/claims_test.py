#!/usr/bin/env python3
"""What scripts/claims.py says of figures made by hand.

Usage: claims_test.py SOURCE_FOLDER [unittest options]
"""

import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(sys.argv.pop(1)) / "scripts"))
import claims  # noqa: E402


def model(*seeds):
    mean = sum(seeds) / len(seeds)
    share = [mean, mean - 0.01, mean + 0.01]
    return {"metrics": {"share": share}, "seeds": {"share": list(seeds)}, "buckets": {"0": {"share": share, "lists": 5}},
            "latency_us": {"p50": 1.5, "p99": 2}, "train_seconds": 0}


def comparison(models, pairs=(), **more):
    paired = [{"a": a, "b": b, "metric": "share", "difference": d, "buckets": {}} for a, b, d in pairs]
    how = {"version": "1", "revision": 2, "fingerprint": "f", "epochs": 1, "batch": 2, "shard": 3, "rate": 4,
           "dropout": 5, "weight_decay": 6, "patience": 7}
    return {**how, "metric": "share", "models": models, "paired": paired, "seeds": 2, "world": "w", **more}


class Claims(unittest.TestCase):
    def test_no_loss_is_a_tenth_of_the_gain_over_the_best_rule(self):
        found = comparison({"initial": model(0.3), "by-aux": model(0.45), "psad": model(0.47, 0.49)})
        self.assertAlmostEqual(claims.margin(found), 0.003)
        self.assertEqual(claims.margin(comparison({"initial": model(0.3), "psad": model(0.9)})), 0.01)

    def test_a_claim_needs_the_interval_and_every_seed(self):
        found = comparison({"initial": model(0.3), "psad": model(0.5)})
        better, as_good = claims.BETTER, claims.AS_GOOD
        for d, seeds, kind, said in (
            ([0.02, 0.01, 0.03], [0.01, 0.03], better, "**yes**"),
            ([0.02, 0.01, 0.03], [-0.01, 0.05], better, "undecided"),
            ([0.02, -0.01, 0.05], [0.01, 0.03], better, "undecided"),
            ([-0.02, -0.03, -0.01], [-0.01, -0.03], better, "**no**"),
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

    def test_seeds_are_paired_and_a_rule_is_the_same_for_all(self):
        found = comparison({"psad": model(0.5, 0.7), "nar": model(0.4, 0.3), "logger": model(0.6)})
        self.assertEqual([round(x, 6) for x in claims.by_seed(found, "psad", "nar")], [0.1, 0.4])
        self.assertEqual([round(x, 6) for x in claims.by_seed(found, "psad", "logger")], [-0.1, 0.1])

    def test_the_same_lists_count_once(self):
        models = {"initial": model(0.1), "psad": model(0.5, 0.5), "no-gates": model(0.4, 0.4)}
        yes = comparison(models, [("psad", "no-gates", [0.1, 0.05, 0.2])])
        undecided = comparison(models, [("psad", "no-gates", [0.1, -0.05, 0.2])], seeds=5)

        def told(kept):
            return [row[1] for row in claims.short_table(kept) if row[0].startswith("Gates help")]

        self.assertEqual(told({"three": yes, "five": undecided}), ["0, 0, 1"])
        self.assertEqual(told({"three": yes, "others": {**undecided, "fingerprint": "g"}}), ["1, 0, 1"])

    def test_figures_that_do_not_belong_together(self):
        one, other = comparison({"psad": model(0.5, 0.6)}), comparison({"psad": model(0.5, 0.6, 0.7)})
        claims.check_agreement({"one": one, "other": other})
        with self.assertRaisesRegex(ValueError, "other figures of psad in one than in other"):
            claims.check_agreement({"one": one, "other": comparison({"psad": model(0.5, 0.61)})})
        claims.check_agreement({"one": one, "other": comparison({"psad": model(0.5, 0.61)}, weight_decay=0)})
        for more, told in (({"revision": 1}, "version 1, revision 1"), ({"version": "0"}, "version 0, revision 2")):
            with self.assertRaisesRegex(ValueError, f"found version 1, revision 2 in one and {told} in other"):
                claims.check_agreement({"one": one, "other": comparison({}, **more)})

    def test_figures_that_can_not_be(self):
        def good():
            models = {"psad": model(0.5, 0.6), "logger": model(0.4)}
            return comparison(models, [("psad", "logger", [0.15, 0.1, 0.2])], asked=["--world", ""])

        def broken(change):
            found = good()
            change(found)
            with self.assertRaises((ValueError, LookupError, TypeError, AttributeError)):
                claims.check(found, ["--world", ""])

        claims.check(good(), ["--world", ""])
        with self.assertRaisesRegex(ValueError, "wanted those of .'--world', 'slots=5'."):
            claims.check(good(), ["--world", "slots=5"])
        broken(lambda f: f.pop("asked"))
        broken(lambda f: f["models"]["psad"]["metrics"].update(share=[]))
        broken(lambda f: f["models"]["psad"]["metrics"].update(share=[0.5, 0.4]))
        broken(lambda f: f["models"]["psad"]["metrics"].update(share=[float("nan"), 0.4, 0.6]))
        broken(lambda f: f["models"]["psad"]["buckets"]["0"].update(share=[0.5]))
        broken(lambda f: f["models"]["psad"]["seeds"].update(share=[0.1, 0.2, 0.3]))
        broken(lambda f: f["models"]["psad"]["latency_us"].update(p50=-1))
        broken(lambda f: f["paired"][0].update(difference=[0.1]))
        broken(lambda f: f.update(paired={"a": 1}))

    def test_only_pairs_that_a_table_asks_for_are_kept(self):
        found = claims.keep(comparison({}, [("psad", "nar", [1, 1, 1]), ("psad", "ar", [0.123456, 0, 1])]))
        self.assertEqual([(p["a"], p["b"], p["difference"][0]) for p in found["paired"]], [("psad", "ar", 0.12346)])


if __name__ == "__main__":
    unittest.main()
