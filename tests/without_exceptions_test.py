#!/usr/bin/env python3
"""A server that is compiled without exceptions refuses what psad refuses, in the same words, and answers the same.

Usage: without_exceptions_test.py PSAD DATA_FOLDER [unittest options]; the server is WITHOUT_EXCEPTIONS
"""

import json
import os
import random
import subprocess
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "support"))
from cli import Case, main, psad  # noqa: E402

SERVER = os.environ.get("WITHOUT_EXCEPTIONS", "")


def serve(*models, lines=()):
    sent = "".join(line + "\n" for line in lines)
    done = subprocess.run([SERVER, *map(str, models)], input=sent, capture_output=True, text=True, timeout=300, check=False)
    return done.returncode, done.stdout.splitlines(), done.stderr


class WithoutExceptions(Case):
    variant = "default"

    def test_answers_as_psad_does(self):
        pick = random.Random(7)
        lists = [pick.sample(range(3979), n) for n in (1, 2, 3, 10, 40, 100)]
        code, answers, errors = serve(self.model, lines=[" ".join(map(str, items)) for items in lists])
        self.assertEqual((code, errors), (0, ""))
        requests = [{"user": [0, 0, 0], "context": [0, 0], "candidates": [{"item": i} for i in items]} for items in lists]
        said = psad("rerank", "--model", self.model, stdin="".join(json.dumps(r) + "\n" for r in requests))
        wanted = [json.loads(line)["items"] for line in said.stdout.splitlines()]
        self.assertEqual([[int(word) for word in line.split()] for line in answers], wanted)

    def test_requests_that_cannot_be_answered(self):
        code, answers, errors = serve(self.model, lines=["", "5 5", "-2", "1 2", "1 x 2"])
        self.assertEqual((code, errors, len(answers)), (0, "", 5))
        self.assertEqual(answers[0], "request, candidates: found none, wanted at least one")
        self.assertEqual(answers[1], "request, candidates: found item 5 twice, wanted each item once")
        self.assertEqual(answers[2], "request, candidates[0]: found -2, wanted an item id of 0 or more, or -1 for none")
        self.assertEqual(sorted(answers[3].split()), ["1", "2"])
        self.assertEqual(answers[4], 'request: found "1 x 2", wanted ids of candidates')

    def damaged(self):
        """Files that are no model: cut off, with bytes changed, and with changes that the checksum does not see."""
        whole = self.model.read_bytes()
        pick = random.Random(7)
        texts = [whole[:size] for size in (0, 4, 8, 100, len(whole) // 2, len(whole) - 1)]
        for _ in range(60):
            at = pick.randrange(min(len(whole), 20_000))
            texts.append(whole[:at] + bytes([pick.randrange(256)]) + whole[at + 1 :])
        length = int.from_bytes(whole[:8], "little")
        header = json.loads(whole[8 : 8 + length])
        del header["__metadata__"]["psad.checksum"]
        metadata = header["__metadata__"]

        def with_header(changed):
            text = json.dumps(changed).encode()
            return len(text).to_bytes(8, "little") + text + whole[8 + length :]

        for key in ("psad.format", "psad.variant", "psad.schema", "psad.statistics"):
            for value in ("", "{", "[]", "{}", "nonsense"):
                texts.append(with_header({**header, "__metadata__": {**metadata, key: value}}))
            texts.append(with_header({**header, "__metadata__": {k: v for k, v in metadata.items() if k != key}}))
        for key in ("psad.schema", "psad.statistics"):
            parts = json.loads(metadata[key])
            for part in parts:
                for value in (None, -1, 1e300, "x", [], [[]], [-1], {"name": 3}, [{"name": 3}]):
                    changed = json.dumps({**parts, part: value})
                    texts.append(with_header({**header, "__metadata__": {**metadata, key: changed}}))
        for name in list(header)[:40]:
            if name == "__metadata__":
                continue
            texts.append(with_header({k: v for k, v in header.items() if k != name}))
            texts.append(with_header({**header, name: {**header[name], "dtype": "I32"}}))
            texts.append(with_header({**header, name: {**header[name], "shape": header[name]["shape"][::-1]}}))
            texts.append(with_header({**header, name: {**header[name], "data_offsets": [0, 1 << 62]}}))
        for n, text in enumerate(texts):
            path = self.folder / f"damaged-{n}"
            path.write_bytes(text)
            yield path

    def test_files_that_are_no_model(self):
        paths = list(self.damaged())
        code, said, errors = serve(self.model, *paths, lines=["1 2 3"])
        self.assertEqual((code, errors, len(said)), (0, "", len(paths) + 1))
        self.assertEqual(sorted(said[-1].split()), ["1", "2", "3"])  # the first model still answers
        refused = [(path, line) for path, line in zip(paths, said) if line != "loaded"]
        self.assertGreater(len(refused), 0.8 * len(paths))
        for path, line in refused:
            self.assertIn(str(path), line)
        for path, line in refused[:: max(1, len(refused) // 30)]:
            self.assert_fails(psad("rerank", "--model", path), line)
        path, line = refused[-1]
        self.assertEqual(serve(path), (1, [], f"without_exceptions: {line}\n"))

    def test_without_a_model(self):
        self.assertEqual(serve()[0], 2)
        code, said, errors = serve(self.folder / "nowhere")
        self.assertEqual((code, said), (1, []))
        self.assertIn("No such file or directory", errors)


if __name__ == "__main__":
    main()
