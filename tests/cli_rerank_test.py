#!/usr/bin/env python3
"""psad rerank from outside: JSON Lines in, JSON Lines out, one answer per request whatever the request is.

Usage: cli_rerank_test.py PSAD DATA_FOLDER [unittest options]
"""

import copy
import json
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "support"))
from cli import DATA, PSAD, Case, main, psad, rows, train  # noqa: E402

GOOD = {
    "id": "a",
    "user": [4, 23, 7],
    "context": [3, 7],
    "ts": 1380383162,
    "history": [
        {"item": 3153, "ts": 1380000000, "feedback": 8},
        {"item": 12, "ts": 1380383000, "feedback": 3},
    ],
    "candidates": [
        {"item": 3291, "score": 0.3, "aux": 7},
        {"item": 3153, "score": 0.2, "aux": 0},
        {"item": 3656, "score": 0.1, "aux": 50},
    ],
}


def changed(change):
    """GOOD after change(copy)."""
    request = copy.deepcopy(GOOD)
    change(request)
    return request


def setting(*path_and_value):
    """GOOD with another value at a path of keys and indices."""
    *path, last, value = path_and_value

    def change(request):
        for key in path:
            request = request[key]
        request[last] = value

    return changed(change)


class Rerank(Case):
    def answers(self, *requests, words=()):
        """One answer per request; a request is text or becomes JSON."""
        lines = [r if isinstance(r, str) else json.dumps(r) for r in requests]
        done = psad("rerank", "--model", self.model, *words, stdin="".join(line + "\n" for line in lines))
        self.assert_good(done)
        found = [json.loads(line) for line in done.stdout.splitlines()]
        self.assertEqual(len(found), len(lines))
        return found

    def error(self, request, words=()):
        """The words of a request's error; the good requests around it are answered all the same."""
        before, found, after = self.answers(GOOD, request, GOOD, words=words)
        self.assertEqual(before, after)
        self.assertIn("order", after)
        self.assertEqual(sorted(found), ["error", "id"])
        return found["error"]

    def test_a_good_line(self):
        (found,) = self.answers(GOOD)
        self.assertEqual(sorted(found), ["id", "items", "order", "scores"])
        self.assertEqual(found["id"], "a")
        self.assertEqual(sorted(found["order"]), [0, 1, 2])
        self.assertEqual(found["items"], [GOOD["candidates"][i]["item"] for i in found["order"]])
        self.assertEqual(len(found["scores"]), 3)

    def test_line_after_line(self):
        names = [None, 7, "x", {"deep": [1]}, "\u4e2d\n", 1.5]
        found = self.answers(*[setting("id", name) for name in names])
        self.assertEqual([answer["id"] for answer in found], names)
        # No request touches the next.
        self.assertEqual(len({json.dumps(answer["scores"]) for answer in found}), 1)
        self.assertIsNone(self.answers(changed(lambda r: r.pop("id")))[0]["id"])

    def test_blank_lines_and_line_ends(self):
        line = json.dumps(GOOD)
        for text in ("", "\n", " \n\t\n\r\n"):
            self.assertEqual(psad("rerank", "--model", self.model, stdin=text).stdout, "")
        text = f"\n{line}\r\n  \n\n{line}"  # the last line has no end
        done = psad("rerank", "--model", self.model, stdin=text)
        self.assert_good(done)
        self.assertEqual(len(done.stdout.splitlines()), 2)
        self.assertEqual(len(set(done.stdout.splitlines())), 1)

    def test_same_answers_on_a_second_run_and_from_a_student_file(self):
        path = self.folder / "student"
        self.assert_good(train(path, "--student-only"))
        line = json.dumps(GOOD) + "\n"
        models = (self.model, self.model, path)
        runs = {psad("rerank", "--model", model, stdin=line).stdout for model in models}
        self.assertEqual(len(runs), 1)

    def test_what_may_be_left_out(self):
        for request in (
            changed(lambda r: (r.pop("history"), r.pop("ts"))),
            changed(lambda r: r.pop("history")),
            setting("history", []),
            setting("candidates", 1, "score", None),
            setting("candidates", 1, "aux", None),
            changed(lambda r: [h.pop("feedback") for h in r["history"]]),
            setting("candidates", GOOD["candidates"][:1]),
        ):
            with self.subTest(request=request):
                (found,) = self.answers(request)
                self.assertEqual(sorted(found["order"]), list(range(len(request["candidates"]))))

    def test_a_column_that_all_training_lists_had(self):
        """It is missing in all candidates: said once, or refused."""
        for name in ("score", "aux"):
            line = json.dumps(changed(lambda r: [c.pop(name) for c in r["candidates"]])) + "\n"
            done = psad("rerank", "--model", self.model, stdin=line + line)
            self.assertEqual(done.returncode, 0)
            self.assertEqual(
                done.stderr,
                f"psad: note: requests lack {name}, which all training lists had: its values count as missing\n",
            )
            for answer in done.stdout.splitlines():
                self.assertEqual(sorted(json.loads(answer)["order"]), [0, 1, 2])
            done = psad("rerank", "--model", self.model, "--strict", stdin=line)
            self.assert_good(done)
            self.assertIn(f"{name}: found nothing, wanted numbers", json.loads(done.stdout)["error"])

    def test_strict_refuses_what_else_is_taken(self):
        for request, place in (
            (setting("user", [4, 26, 7]), "user field top_genre: found 26, wanted 0..25"),
            (setting("context", [0, 8]), "context field weekday: found 8, wanted 0..7"),
            (setting("candidates", 1, "item", 10**6), "candidates[1]: found 1000000, wanted an item below 3979"),
            (setting("ts", 1380383000), "only earlier events"),
        ):
            (found,) = self.answers(request)
            self.assertIn("order", found)
            self.assertIn(place, self.error(request, words=("--strict",)))

    def test_counts(self):
        lines = json.dumps(GOOD) + "\n" + json.dumps(setting("ts", 1380383000)) + "\n"
        done = psad("rerank", "--model", self.model, "--counts", stdin=lines)
        self.assertEqual(done.returncode, 0)
        self.assertRegex(done.stderr, r"\Apsad: in 2 requests: 1 late events, \d+ unknown items")

    def test_what_nobody_knows_is_no_error(self):
        for request in (
            setting("candidates", 1, "item", 2**31 - 1),
            setting("history", 0, "item", 999999),
            setting("history", 0, "feedback", 12345),
            setting("user", [4, 26, 7]),
            setting("context", [0, 8]),
            setting("ts", 1380383000),  # an event is not before it
            setting("candidates", 1, "score", 1e300),
            setting("user", [0, 0, 0]),
            setting("candidates", 0, "aux", -5),
            setting("candidates", 0, "aux", 1e15),
            setting("candidates", 0, "score", -1e15),
            setting("history", 0, "ts", -(10**11) + 1),
            setting("ts", 10**11 - 1),
            setting("candidates", [{"item": 10**6 + i, "score": 0, "aux": 0} for i in range(300)]),
            changed(lambda r: r.update(history=[{"item": 5, "ts": i} for i in range(1000)])),
        ):
            (found,) = self.answers(request)
            self.assertNotIn("error", found)
            self.assertEqual(sorted(found["order"]), list(range(len(request["candidates"]))))

    def test_the_order_of_events_does_not_matter(self):
        self.assertEqual(*self.answers(GOOD, setting("history", GOOD["history"][::-1])))

    def test_what_is_not_json(self):
        cut = json.dumps(GOOD)[:-1]
        for text in ("{", cut, '{"a":1', '{"user": nul}'):
            self.assertRegex(self.error(text), r"\Aline 2, request[^:]*: found (text that is not JSON|the unknown key)")
        for text in ("[]", "7", "null", '"text"', "nonsense", "\x01", "'a'"):
            self.assertRegex(self.error(text), "wanted a JSON object")
        self.assertIn("text behind the object", self.error(json.dumps(GOOD) + json.dumps(GOOD)))
        self.assertIn("NaN, which JSON does not have", self.error(json.dumps(GOOD).replace("1380383162", "NaN")))
        done = psad("rerank", "--model", self.model, stdin=b'{"id": "\xff\xfe"}\n')
        self.assert_good(done)
        self.assertIn("not JSON", json.loads(done.stdout)["error"])
        self.assertIn("ts: found 1e400", self.error(json.dumps(GOOD).replace("1380383162", "1e400")))

    def test_what_passes_in_other_parsers(self):
        line = json.dumps(GOOD)
        self.assertIn('history: found the key twice', self.error(line[:-1] + ', "history": []}'))
        self.assertIn('candidates[0].item: found the key twice', self.error(line.replace('{"item": 3291', '{"item": 1, "item": 3291')))
        self.assertIn("not JSON", self.error(line + "\0garbage"))

    def test_more_candidates_than_any_list_has(self):
        many = [{"item": i, "score": 1, "aux": 1} for i in range(4097)]
        self.assertIn("candidates: found 4097, wanted at most 4096", self.error(setting("candidates", many)))
        (found,) = self.answers(setting("candidates", many[:4096]))
        self.assertEqual(len(set(found["order"])), 4096)

    def test_input_that_cannot_be_read(self):
        for source in ("</", "<&-"):
            line = f"exec {PSAD} rerank --model {self.model} {source}"
            done = subprocess.run(line, shell=True, capture_output=True, text=True, check=False)
            self.assert_fails(done, "standard input: found ")

    def test_a_model_from_a_pipe(self):
        line = f"{PSAD} rerank --model <(cat {self.model})"
        done = subprocess.run(["bash", "-c", line], input=json.dumps(GOOD), capture_output=True, text=True, check=False)
        self.assert_good(done)
        self.assertEqual(json.loads(done.stdout), self.answers(GOOD)[0])

    def test_an_id_that_no_number_holds_comes_back_as_it_stands(self):
        for raw in ("123456789012345678901234567890", "1.50", '"a\\u00e9"', "[1,  2]", '{"a": 1e5}', "1e999", "[-1E400]",
                    "7" * 400):
            text = json.dumps(GOOD).replace('"id": "a"', f'"id": {raw}')
            done = psad("rerank", "--model", self.model, stdin=text)
            self.assert_good(done)
            self.assertTrue(done.stdout.startswith('{"id":' + raw + ","), done.stdout[:80])
            refused = psad("rerank", "--model", self.model, stdin=text.replace("3656", "3153"))
            self.assertTrue(refused.stdout.startswith('{"id":' + raw + ',"error":'), refused.stdout[:80])
        escaped = json.dumps(GOOD).replace('"id"', '"\\u0069d"')
        self.assertEqual(json.loads(psad("rerank", "--model", self.model, stdin=escaped).stdout), self.answers(GOOD)[0])
        done = psad("rerank", "--model", self.model, stdin='{"\\x": 1, ' + json.dumps(GOOD)[1:])
        self.assertEqual(json.loads(done.stdout)["id"], "a")
        self.assertIn("error", json.loads(done.stdout))
        for bad in ("01", "nul", "1.e999", "1e999e"):
            done = psad("rerank", "--model", self.model, stdin=json.dumps(GOOD).replace('"id": "a"', f'"id": {bad}'))
            self.assertEqual(sorted(json.loads(done.stdout)), ["error", "id"])
            self.assertIsNone(json.loads(done.stdout)["id"])

    def test_deep_nesting_does_no_harm(self):
        deep = "[" * 300000 + "]" * 300000
        for key in ('"id"', '"user"', '"context"', '"candidates"', '"other"'):
            self.assertRegex(self.error("{" + key + ": " + deep + "}"), "nested|a list that holds more|not JSON|unknown key|wanted an object")

    def test_each_bad_field_is_named(self):
        for request, place in (
            (changed(lambda r: r.pop("user")), "user"),
            (changed(lambda r: r.pop("context")), "context"),
            (changed(lambda r: r.pop("candidates")), "candidates"),
            (setting("candidates", []), "candidates: found none"),
            (setting("candidates", {}), "candidates"),
            (setting("candidates", 1, 5), "candidates[1]"),
            (setting("candidates", 1, {}), "candidates[1]"),
            (setting("candidates", 1, "item", -1), "candidates[1].item: found -1"),
            (setting("candidates", 1, "item", 1.5), "candidates[1].item: found 1.5"),
            (setting("candidates", 1, "item", "7"), "candidates[1].item"),
            (setting("candidates", 1, "item", True), "candidates[1].item"),
            (setting("candidates", 1, "item", 2**31), "candidates[1].item: found 2147483648"),
            (setting("candidates", 1, "item", 2**64 - 1), "candidates[1].item: found 18446744073709551615"),
            (setting("candidates", 1, "item", 10**30), "candidates[1].item"),
            (setting("candidates", 1, "item", 3656), "item 3656 twice"),
            (setting("candidates", 1, "score", "high"), "candidates[1].score"),
            (setting("candidates", 1, "aux", True), "candidates[1].aux"),
            (changed(lambda r: r["candidates"][1].pop("score")), "candidates[1].score: found nothing"),
            (changed(lambda r: r["candidates"][0].pop("aux")), "candidates[1].aux"),
            (setting("user", [4, 23]), "user fields: found 2, wanted 3"),
            (setting("user", [4, 23, -7]), "user[2]: found -7"),
            (setting("user", "4"), "user"),
            (setting("user", None), "user"),
            (setting("context", [0, 0.5]), "context[1]"),
            (setting("histroy", []), "found the unknown key \"histroy\", wanted id, user, ts, context, history"),
            (setting("candidates", 1, "scores", 1), "candidates[1]: found the unknown key \"scores\""),
            (setting("history", 0, "time", 1), "history[0]: found the unknown key \"time\""),
            (setting("ts", "now"), "ts"),
            (setting("ts", 1.5), "ts"),
            (setting("ts", 10**16), "ts"),
            (setting("ts", None), "ts"),
            (changed(lambda r: r.pop("ts")), "ts: found nothing"),
            (setting("history", {}), "history"),
            (setting("history", None), "history"),
            (setting("history", 1, 5), "history[1]"),
            (changed(lambda r: r["history"][1].pop("item")), "history[1]"),
            (changed(lambda r: r["history"][1].pop("ts")), "history[1]"),
            (setting("history", 1, "ts", "x"), "history[1].ts"),
            (setting("history", 1, "item", -3), "history[1].item: found -3"),
            (setting("history", 1, "feedback", -1), "history[1].feedback: found -1"),
        ):
            with self.subTest(place=place):
                words = self.error(request)
                self.assertTrue(words.startswith("line 2, request"), words)
                self.assertIn(place, words)
                self.assertIn(", wanted ", words)
        self.assertEqual(self.answers(setting("ts", "now"))[0]["id"], "a")  # the answer says which

    def test_long_values_are_not_echoed_in_full(self):
        self.assertLess(len(self.error(setting("user", "x" * 100000))), 1000)

    def test_top(self):
        (whole,) = self.answers(GOOD)
        for top in (1, 2, 3, 50):
            (found,) = self.answers(GOOD, words=("--top", top))
            for key in ("order", "scores", "items"):
                self.assertEqual(found[key], whole[key][:top])

    def test_users_by_index(self):
        self.assertIn("known users", self.error(setting("user", {"index": 0})))
        data = ("--data", DATA)
        users = [[int(x) for x in row[1:]] for row in rows("users.tsv.gz")]
        for u in (0, 1, len(users) - 1):
            by_index, by_hand = setting("user", {"index": u}), setting("user", users[u])
            self.assertEqual(*self.answers(by_index, by_hand, words=data))
        for bad in (len(users), -1, "0", None, 0.5):
            self.assertIn("user.index", self.error(setting("user", {"index": bad}), words=data))
        self.assertIn("user", self.error(setting("user", {"name": 0}), words=data))

    def test_explain(self):
        (plain,) = self.answers(GOOD)
        (found,) = self.answers(GOOD, words=("--explain",))
        why = found.pop("explain")
        self.assertEqual(found, plain)
        self.assertEqual([w["item"] for w in why], plain["items"])
        self.assertEqual([w["initial_rank"] for w in why], plain["order"])
        for w, score in zip(why, plain["scores"]):
            self.assertAlmostEqual(w["own_score"] + w["from_items_before"], score, places=4)
            self.assertNotIn("title", w)
        self.assertEqual(why[0]["from_items_before"], 0)  # nothing stands before the first
        events = {w["item"]: w["events"] for w in why}
        self.assertEqual([events[3291], events[3656]], [[], []])
        (event,) = events[3153]
        self.assertEqual((event["seconds_before"], event["feedback"]), (383162, 8))
        self.assertTrue(0 < event["attention"] < 1)
        (found,) = self.answers(GOOD, words=("--explain", "--data", DATA, "--top", 2))
        titles = {int(row[0]): row[1] for row in rows("titles.tsv.gz")}
        self.assertEqual([w["title"] for w in found["explain"]], [titles[i] for i in plain["items"][:2]])

    def test_explain_an_unknown_item(self):
        (found,) = self.answers(setting("candidates", 0, "item", 10**8), words=("--explain", "--data", DATA))
        (unknown,) = [w for w in found["explain"] if w["item"] == 10**8]
        self.assertNotIn("title", unknown)

    def test_data_of_other_ids(self):
        """Ids of another data set would silently mean other things."""
        other = self.other_data()
        done = psad("rerank", "--model", self.model, "--data", other)
        self.assert_fails(done, "context fields: found place of 3000", "as the model knows")
        done = psad("evaluate", "--model", self.model, "--data", other)
        self.assert_fails(done, "context fields: found place of 3000", "as the model knows")

    def test_a_reader_that_goes_away(self):
        with subprocess.Popen(
            [PSAD, "rerank", "--model", self.model],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        ) as server:
            server.stdout.close()
            server.stdin.write((json.dumps(GOOD) + "\n").encode())
            server.stdin.close()
            self.assertIn("standard output: found Broken pipe", server.stderr.read().decode())
            self.assertEqual(server.wait(), 1)

    def test_agrees_with_evaluate(self):
        """NDCG@10 over a split, from the lines that rerank writes."""
        requests, labels = [], []
        events = {}
        for user, ts, item, feedback in rows("events.tsv.gz"):
            events.setdefault(user, []).append({"ts": int(ts), "item": int(item), "feedback": int(feedback)})
        for _, user, ts, length, context, items, scores, marks, aux in rows("lists_valid.tsv.gz"):
            columns = zip(items.split(","), scores.split(","), aux.split(","))
            requests.append(
                {
                    "user": {"index": int(user)},
                    "context": [int(x) for x in context.split(",")],
                    "ts": int(ts),
                    "history": events.get(user, [])[: int(length)],
                    "candidates": [
                        {"item": int(i), "score": float(s), "aux": float(a)} for i, s, a in columns
                    ],
                }
            )
            labels.append([int(y) for y in marks.split(",")])
        found = self.answers(*requests, words=("--data", DATA))
        hits = []
        for answer, mine in zip(found, labels):
            if sum(mine) == 0:
                continue
            ranked = [mine[i] for i in answer["order"]][:5]
            gained = sum(sum(ranked[: i + 1]) / (i + 1) for i, y in enumerate(ranked) if y)
            hits.append(gained / min(sum(mine), 5))
        wanted = self.figures("--model", self.model, "--split", "valid")["orders"]["student"]["map@5"][0]
        self.assertAlmostEqual(sum(hits) / len(hits), wanted, places=9)


if __name__ == "__main__":
    main()
