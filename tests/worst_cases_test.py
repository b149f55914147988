#!/usr/bin/env python3
"""What files and lines of a megabyte or less cost at most: the worst that is known for each reader.

Usage: worst_cases_test.py PSAD DATA_FOLDER [unittest options]

Each is read or refused in a second of processor time and in 256 MB beyond what the program takes for nothing.
"""

import gzip
import json
import os
import random
import resource
import shutil
import struct
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "support"))
from cli import DATA, PSAD, main, psad, train  # noqa: E402

MEGABYTE = 1_000_000
SECONDS, BYTES = 1.0, 256 * MEGABYTE


# Starts what is measured: the memory of a process counts from that of its parent.
LAUNCH = """
import os, sys
code = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ)
_, status, usage = os.wait4(code, 0)
print(os.waitstatus_to_exitcode(status), usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024, file=sys.stderr)
"""


def costs(words, stdin=b""):
    """Exit code, output, errors, processor seconds and the most memory of a run."""
    done = subprocess.run([sys.executable, "-S", "-c", LAUNCH, PSAD, *map(str, words)], input=stdin, capture_output=True)
    *err, last = done.stderr.splitlines()
    code, seconds, memory = last.split()
    return int(code), done.stdout[:300], b"\n".join(err)[:300], float(seconds), int(memory)


def filled(begin, piece, end="", most=MEGABYTE, between=","):
    """A text of at most `most` bytes: `begin`, as many pieces as fit, `end`. `piece` is text or makes it of a number."""
    parts, size, i = [], len(begin) + len(end), 0
    while True:
        part = piece if isinstance(piece, str) else piece(i)
        size += len(part) + len(between)
        if size > most:
            return begin + between.join(parts) + end
        parts.append(part)
        i += 1


def packed(piece, most=MEGABYTE, begin=b""):
    """A gzip file of at most so many bytes that repeats `piece`."""
    block = piece * max(1, 1_000_000 // len(piece))
    once = len(gzip.compress(block * 20, 9)) / 20
    return gzip.compress(begin + block * max(1, int(most / once * 0.98)), 9)


def slowness():
    """How many times longer this machine takes now to parse JSON and to keep it than it takes alone: 1 to 2."""
    text = "[" + ",".join('{"k%d":[{"a":1,"b":[]}]}' % i for i in range(40_000)) + "]"
    begin = time.process_time()
    json.loads(text)
    return min(2, max(1, (time.process_time() - begin) / 0.055))


def swollen(piece, begin=b"", end=b""):
    """A small gzip file of `begin`, of as many pieces as it may hold, and of `end`. `piece` is bytes or makes them of a
    number."""
    most = 27_900_000 - len(begin) - len(end)
    if isinstance(piece, bytes):
        return gzip.compress(begin + piece * (most // len(piece)) + end, 9)
    return gzip.compress(begin + b"".join(piece(i) for i in range(most // len(piece(999_999)))) + end, 9)


class Model:
    """A model file whose header and metadata may be changed."""

    def __init__(self, path):
        data = Path(path).read_bytes()
        size = struct.unpack("<Q", data[:8])[0]
        self.header, self.data = json.loads(data[8 : 8 + size]), data[8 + size :]
        del self.header["__metadata__"]["psad.checksum"]

    def bytes(self, change=lambda header: None, text=None, data=None):
        header = json.loads(json.dumps(self.header))
        change(header)
        text = (text or json.dumps(header, separators=(",", ":"))).encode()
        text += b" " * (-len(text) % 8)
        return struct.pack("<Q", len(text)) + text + (self.data if data is None else data)


def of_metadata(key, change):
    """Changes what one key of the metadata holds."""

    def apply(header):
        held = json.loads(header["__metadata__"][key])
        header["__metadata__"][key] = json.dumps(change(held) or held, separators=(",", ":"))

    return apply


class Worst(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = Path(tempfile.mkdtemp(prefix="psad-worst-"))
        cls.model = cls.folder / "model.safetensors"
        done = train(cls.model, "--threads", "1")
        assert done.returncode == 0, done.stderr
        rows = [{"request_id": f"r{i}", "user_id": f"u{i % 7}", "ts": 1_700_000_000 + i, "device": "app",
                 "candidates": [{"sku": f"s{k}", "price": k + 0.5, "brand": f"b{k % 3}", "label": int(k == i % 5)}
                                for k in range(5)],
                 "history": [{"sku": f"s{i % 5}", "ts": 1_600_000_000, "type": "view"}]} for i in range(120)]
        (cls.folder / "train.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows))
        cls.named = cls.folder / "named.st"
        done = psad("train", "--train", cls.folder / "train.jsonl", "--valid", cls.folder / "train.jsonl", "--variant",
                    "small", "--steps", 2, "--batch", 32, "--threads", 1, "--min-count", 3, "--out", cls.named)
        assert done.returncode == 0, done.stderr
        cls.idle = {m: costs(["rerank", "--model", m])[4] for m in (cls.model, cls.named)}
        cls.nothing = costs(["--version"])[4]

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.folder)

    def holds(self, name, words, stdin=b"", size=None, beyond=None):
        """Runs psad and holds its costs to the promise. A shared machine has slow minutes: what takes longer is tried
        again, measured by what Python takes for such work."""
        with self.subTest(name):
            slow = 1
            for again in range(3):
                if "--out" in words:  # of a run before
                    shutil.rmtree(words[words.index("--out") + 1], ignore_errors=True)
                before = slowness() if again else 1
                code, out, err, seconds, memory = costs(words, stdin)
                slow = min(before, slowness()) if again else 1
                if seconds <= SECONDS * slow:
                    break
            memory -= self.nothing if beyond is None else beyond
            said = (err or out).decode(errors="replace").strip()[:200]
            if os.environ.get("PSAD_SHOW_COSTS"):
                print(f"{name}: {(size or len(stdin)) / 1e6:.2f} MB, {seconds:.2f} s (slow {slow:.2f}), "
                      f"{memory / 1e6:.0f} MB, {code}: {said}", flush=True)
            self.assertLessEqual(size or len(stdin), 1.01 * MEGABYTE, name)
            self.assertIn(code, (0, 1, 2), said)
            self.assertLessEqual(seconds, SECONDS * slow, f"{name}: {said}")
            self.assertLessEqual(memory, BYTES, f"{name}: {said}")

    def line(self, name, text, model=None, *words):
        model = model or self.model
        self.holds(name, ["rerank", "--model", model, *words], text.encode() + b"\n", beyond=self.idle[model])

    def file(self, name, content, *words, ending=""):
        """Runs psad on a file: its path takes the place of the word FILE."""
        path = self.folder / ("worst" + ending)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        self.holds(name, [path if w == "FILE" else w for w in words], size=path.stat().st_size)

    def test_lines_of_numbered_ids(self):
        base = '{"user":[4,23,7],"context":[3,5],"ts":2000000,"history":[%s],"candidates":[{"item":1,"score":1,"aux":1}]}'
        head, tail = base.split("%s")
        for name, piece in (("events", '{"item":1,"ts":1}'), ("newest first", lambda i: '{"item":1,"ts":%d}' % (1e6 - i)),
                            ("late events", '{"item":1,"ts":3000000}'), ("empty events", "{}"), ("numbers", "1")):
            self.line("history of " + name, filled(head, piece, tail))
        many = '{"user":[4,23,7],"context":[3,5],"ts":2000000,"history":[],"candidates":['
        for name, piece in (("candidates", lambda i: '{"item":%d,"score":%d,"aux":1}' % (i, i)),
                            ("equal candidates", '{"item":1}'), ("keys", '{"item":1,"ts":1}')):
            self.line(name, filled(many, piece, "]}"))
        some = "".join('{"item":%d,"score":%d,"aux":%d},' % (i, i, i) for i in range(4096))[:-1]
        history = ",".join('{"item":%d,"ts":%d}' % (i, i) for i in range(10_000))
        most = '{"user":[4,23,7],"context":[3,5],"ts":2000000,"history":[%s],"candidates":[%s]}' % (history, some)
        self.line("4096 candidates and 10,000 events", most)
        for name, begin, piece, end in (
                ("objects", '{"x":[', "{}", "]}"), ("an id of objects", '{"id":[', "{}", "]}"), ("a list", "[", "{}", "]"),
                ("lists", '{"id":[', "[]", "]}"), ("keys", "{", lambda i: '"%x":1' % i, "}"),
                ("keys of an id", '{"id":{', lambda i: '"%x":1' % i, "}}"), ("users", '{"user":[', "1", "]}"),
                ("strings", '{"id":[', '"x"', "]}"), ("numbers", '{"id":[', "1e300", "]}"),
                ("spaces", "{", " ", "}"), ("escapes", '{"id":"', "\\u0000", '"}'), ("brackets", "", "[", ""),
                ("long numbers", '{"ts":', "1", "}"), ("objects within", "", '{"id":', "")):
            self.line(name, filled(begin, piece, end, between="" if name in ("escapes", "spaces", "brackets",
                                                                             "long numbers", "objects within") else ","))

    def test_lines_of_named_requests(self):
        head = '{"request_id":"r","user_id":"u","ts":1700000000,"device":"app","history":[%s],"candidates":[%s]}'
        one = '{"sku":"s1","price":1,"brand":"b1"}'
        event = '{"sku":"s1","ts":1600000000,"type":"view"}'
        begin, middle, end = head.split("%s")
        for name, piece in (("candidates", lambda i: '{"sku":"n%d","price":1,"brand":"q%d"}' % (i, i)),
                            ("equal candidates", one), ("bare candidates", '{"sku":"s"}'), ("empty candidates", "{}"),
                            ("brands", lambda i: '{"brand":[%s]}' % ",".join('"%d"' % k for k in range(50)))):
            self.line("named: " + name, filled(begin + middle, piece, end), self.named)
        for name, piece in (("events", event), ("new events", lambda i: '{"sku":"e%d","ts":1600000000}' % i),
                            ("kinds", lambda i: '{"sku":"s","ts":1,"type":"k%d"}' % i), ("empty events", "{}")):
            self.line("named: " + name, filled(begin, piece, middle + one + end), self.named)
        new = ",".join('{"sku":"n%d","price":%d,"brand":"q%d"}' % (i, i, i) for i in range(4096))
        events = ",".join('{"sku":"n%d","ts":%d,"type":"k%d"}' % (i, i, i) for i in range(10_000))
        self.line("named: 4096 new candidates and 10,000 events on them", head % (events, new), self.named)
        self.line("named: one brand of many", head % ("", filled('{"sku":"s","brand":[', lambda i: '"%d"' % i, "]}")),
                  self.named)
        keys = filled('{"candidates":[{', lambda i: '"%x":1' % i, "}]}")
        self.line("named: keys", keys, self.named)
        shuffled = "".join("{%s}," % ",".join('"k%d":1' % (k * 7919 % 9973) for k in range(9973)) for _ in range(8))
        self.line("named: keys in another order each time", '{"candidates":[%s]}' % shuffled[:-1], self.named)
        self.line("named: deep", '{"a":' * 150_000, self.named)
        self.line("named: objects", filled('{"x":[', "{}", "]}"), self.named)

    def test_long_keys(self):
        """Each key is kept with those around it."""
        members = ",".join('"%x":1' % i for i in range(9_000))
        for size in (230, 100_000, 880_000):
            inside = '{"%s":{%s}}' % ("k" * size, members)
            for name, model in (("numbers", self.model), ("names", self.named)):
                self.line(f"{name}: a key of {size} bytes", '{"id":%s,"candidates":[]}' % inside, model)
                self.line(f"{name}: an unknown key of {size} bytes", '{"x":%s}' % inside, model)
            self.reading(f"a key of {size} bytes", '{"x":%s}\n' % inside, ".jsonl")

    def test_lines_for_a_model_of_many_columns(self):
        events = ",".join('"e%d":%d' % (i, i) for i in range(400))
        candidates = ",".join('"c%d":%d' % (i, i) for i in range(1_000))
        lists = self.folder / "wide.jsonl"
        lists.write_text("".join(
            '{"ts":9,"history":[{"ts":1,%s}],"candidates":[{"sku":"a","label":1,%s},{"sku":"b","label":0,%s}]}\n' % (
                events, candidates, candidates) for _ in range(4)))
        wide = self.folder / "wide.st"
        done = psad("train", "--train", lists, "--valid", lists, "--variant", "small", "--steps", 1, "--threads", 1, "--out",
                    wide)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.idle[wide] = costs(["rerank", "--model", wide])[4]
        self.line("bare events of many columns", filled('{"ts":9,"history":[', '{"ts":1}', '],"candidates":[{}]}'), wide)
        self.line("bare candidates of many columns", '{"ts":9,"history":[],"candidates":[%s]}' % ",".join(["{}"] * 4096),
                  wide)
        table, short = self.folder / "wide.csv", self.folder / "short.jsonl"
        table.write_text("sku," + ",".join(f"i{k}" for k in range(9_000)) + "\n" + "".join(
            f"s{i}," + ",".join(["1"] * 9_000) + "\n" for i in range(10)))
        short.write_text("".join('{"ts":9,"history":[],"candidates":[{"sku":"s1","label":1},{"sku":"s2","label":0}]}\n'
                                 for _ in range(4)))
        joined = self.folder / "joined.st"
        done = psad("train", "--train", short, "--valid", short, "--variant", "small", "--steps", 1, "--threads", 1, "--items",
                    table, "--out", joined)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.idle[joined] = costs(["rerank", "--model", joined, "--items", table])[4]
        self.line("candidates of a table of many columns", '{"ts":9,"history":[],"candidates":[%s]}' % ",".join(
            '{"sku":"s1"}' if i == 0 else '{"sku":"n%d"}' % i for i in range(4096)), joined, "--items", table)
        self.line("the most candidates of many columns", '{"ts":9,"history":[],"candidates":[%s]}' % ",".join(
            ["{}"] * 3900), wide)

    def test_many_lines(self):
        for model in (self.model, self.named):
            for name, line in (("short lines", b"{}\n"), ("empty lines", b"\n"), ("damaged lines", b"{\n")):
                count = 20_000 if line != b"\n" else MEGABYTE
                self.holds(name, ["rerank", "--model", model], line * count, beyond=self.idle[model])

    def test_model_files(self):
        model = named = Model(self.named)

        def both(name, content):
            self.file("model: " + name, content, "rerank", "--model", "FILE")

        both("empty objects", model.bytes(text=filled("{", lambda i: '"%x":{}' % i, "}"), data=b""))
        both("objects in a list", model.bytes(text=filled('{"a":[', "{}", "]}"), data=b""))
        empty = '"%x":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}'
        words = json.dumps(model.header["__metadata__"])
        tensors = filled('{"__metadata__":' + words + ",", lambda i: empty % i, "}")
        both("empty tensors", model.bytes(text=tensors, data=b""))
        both("words", model.bytes(text=filled('{"__metadata__":{', lambda i: '"%x":"1"' % i, "}}"), data=b""))
        both("an extent of many", model.bytes(text=filled('{"a":{"dtype":"F32","data_offsets":[0,0],"shape":[', "0",
                                                          "]}}"), data=b""))
        def wide(group, count, known):
            def apply(header):
                of_metadata("psad.schema", lambda s: s.update({group: [
                    {"name": f"f{i}", "vocabulary": 100_000_000, "match": False} for i in range(count)],
                    "item_fields": [], "context_fields" if group != "context_fields" else "user_fields": [],
                    "catalog_items": 0}))(header)
                of_metadata("psad.statistics", lambda s: s.update({
                    "items": [], "item_fields": [], "profile_fields" if group == "user_fields" else group: [
                        known for _ in range(count)]}))(header)
            return apply

        both("fields with one value far out", model.bytes(wide("user_fields", 60, [99_999_999])))
        both("fields", model.bytes(wide("user_fields", 10_000, [])))
        both("candidate fields", model.bytes(wide("candidate_fields", 10_000, [])))
        both("known values", model.bytes(wide("user_fields", 1, list(range(90_000)))))
        both("known values far apart", model.bytes(wide("user_fields", 1, list(range(1, 99_999_999, 1700)))))
        def dense(group, count):
            def apply(header):
                of_metadata("psad.schema", lambda s: s.update({group: [
                    {"name": f"{i}", "along_list": True, "optional": False} for i in range(count)]}))(header)
                of_metadata("psad.statistics", lambda s: s.update({group: [s["candidate_dense"][0]] * count}))(header)
            return apply

        for group in ("candidate_dense", "user_dense", "event_dense"):
            both(group, model.bytes(dense(group, 2_500)))
        both("numbers", model.bytes(of_metadata("psad.statistics", lambda s: s.update(
            {"derived_inv_std": [1.0] * 120_000}))))
        both("effects of positions", model.bytes(of_metadata("psad.statistics", lambda s: s.update(
            {"positions": [0.1] * 120_000}))))
        for key in ("psad.variant", "psad.schema", "psad.statistics"):
            both(key + " of objects", model.bytes(lambda h, k=key: h["__metadata__"].update(
                {k: filled('{"a":[', "{}", "]}", most=600_000)})))
        both("columns", named.bytes(of_metadata("psad.data", lambda s: s["candidate"].update(
            {"dense": [f"{i}" for i in range(60_000)]}))))
        both("kinds", named.bytes(of_metadata("psad.data", lambda s: s.update(
            {"label": {"kinds": {f"{i}": 1 for i in range(40_000)}}}))))

    def test_items_of_many_values(self):
        """A legal model whose one item has many values: each event on it would copy all of them."""
        folder = self.folder / "values"
        shutil.copytree(DATA, folder)
        with gzip.open(Path(DATA) / "items.tsv.gz", "rt") as lines:
            rows = [line.rstrip("\n").split("\t") for line in lines]
        rows[5][-1] = ",".join(["1"] * 450_000)
        with gzip.open(folder / "items.tsv.gz", "wt") as out:
            out.write("".join("\t".join(row) + "\n" for row in rows))
        self.holds("an item of many values", ["train", "--data", folder, "--variant", "small", "--steps", 1, "--threads",
                                              1, "--out", self.folder / "o"], size=1)
        item = rows[5][0]
        line = '{"user":[4,23,7],"context":[3,5],"ts":2000000,"history":[%s],"candidates":[{"item":1,"score":1,"aux":1}]}' % (
            ",".join('{"item":%s,"ts":1}' % item for _ in range(10_000)))
        self.holds("events on it", ["rerank", "--model", self.model, "--data", folder], line.encode() + b"\n")

    def lists_folder(self, **files):
        """A folder of lists; each of `files` takes the place of one."""
        folder = self.folder / "lists"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        head = "#list\tuser\tts\thist_len\tctx\titems\tscores\tlabels\taux\n"
        meta = {"format": "psad-lists-1", "name": "t", "users": 1, "items": 2, "user_fields": "-", "user_vocab": "-",
                "item_fields": "-", "item_vocab": "-", "ctx_fields": "-", "ctx_vocab": "-", "valid_from": 1000,
                "test_from": 2000, **files.pop("meta", {})}
        content = {"meta.tsv": "".join(f"{k}\t{v}\n" for k, v in meta.items()), "users.tsv.gz": "#user\n0\n",
                   "items.tsv.gz": "#item\n0\n1\n", "events.tsv.gz": "#user\tts\titem\tfeedback\n",
                   "lists_train.tsv.gz": head + "0\t0\t5\t0\t-\t0,1\t-\t0,1\t-\n",
                   "lists_valid.tsv.gz": head + "0\t0\t1005\t0\t-\t0,1\t-\t0,1\t-\n", "lists_test.tsv.gz": head}
        content.update({k + ".tsv.gz": v for k, v in files.items()})
        for name, text in content.items():
            raw = text.encode() if isinstance(text, str) else text
            known = name.endswith("gz") and raw[:2] != b"\x1f\x8b"
            (folder / name).write_bytes(gzip.compress(raw, 1) if known else raw)
        return folder

    def folder_holds(self, name, training=False, **files):
        """Reads a folder of lists, to train on them or to serve: what training takes then goes by the lists."""
        folder = self.lists_folder(**files)
        words = ["rerank", "--model", self.model, "--data", folder]
        if training:
            words = ["train", "--data", folder, "--variant", "small", "--steps", 1, "--threads", 1, "--out",
                     self.folder / "o"]
        self.holds("lists: " + name, words, size=sum(path.stat().st_size for path in folder.iterdir()))

    def test_folders_of_lists(self):
        vocabulary = {"user_fields": "a,b", "user_vocab": "100000000,100000000"}
        self.folder_holds("vocabularies of a hundred million", True, meta=vocabulary, users="#user\ta\tb\n0\t1\t1\n")
        self.folder_holds("their last values", True, meta=vocabulary, users="#user\ta\tb\n0\t99999999\t99999999\n")
        self.folder_holds("users of a hundred million", meta={"users": 100_000_000})
        self.folder_holds("items of a hundred million", meta={"items": 100_000_000})
        self.folder_holds("fields", meta={"user_fields": ",".join(f"f{i}" for i in range(60_000)),
                                          "user_vocab": ",".join("2" for _ in range(60_000))})
        self.folder_holds("a title of one line", titles=packed(b"x"))
        self.folder_holds("equal events", events=packed(b"0\t1\t0\t0\n", begin=b"#user\tts\titem\tfeedback\n"))
        head = b"#list\tuser\tts\thist_len\tctx\titems\tscores\tlabels\taux\n"
        self.folder_holds("empty lines", lists_train=packed(b"\n", begin=head))
        self.folder_holds("small lists", lists_train=gzip.compress(head + b"".join(
            b"%d\t0\t5\t0\t-\t0,1\t-\t0,1\t-\n" % i for i in range(370_000)), 9))
        self.folder_holds("equal lists", lists_train=packed(b"0\t0\t5\t0\t-\t0,1\t-\t0,1\t-\n", begin=head))
        long = ",".join(map(str, range(4096))).encode()
        row = b"0\t0\t5\t0\t-\t" + long + b"\t-\t" + b",".join([b"1"] * 4096) + b"\t-\n"
        self.folder_holds("long lists", lists_train=packed(row, begin=head), meta={"items": 5000},
                          items="#item\n" + "".join(f"{i}\n" for i in range(5000)))
        self.folder_holds("lists that share a history", True, events=packed(
            b"0\t1\t0\t0\n", most=3_000, begin=b"#user\tts\titem\tfeedback\n"), lists_train=head + b"".join(
                b"%d\t0\t5\t250000\t-\t0,1\t-\t0,1\t-\n" % i for i in range(3_000)))
        self.folder_holds("users", users=packed(b"0\n", begin=b"#user\n"), meta={"users": 90_000_000})

    def reading(self, name, content, ending, *words):
        for command in ("schema", "convert"):
            out = self.folder / "converted"
            self.file(f"{command} {ending}: {name}", content, command, "FILE", *words,
                      *(["--out", out] if command == "convert" else []), ending=ending)

    def test_requests_that_share_a_history(self):
        lists, events, out = (self.folder / name for name in ("shared.jsonl", "shared.csv", "converted"))
        lists.write_text("".join('{"request_id":%d,"user_id":"u","ts":1700000000,"device":"app","candidates":[{"sku":"s1",'
                                 '"price":1,"brand":"b","label":1},{"sku":"s2","price":1,"brand":"b","label":0}]}\n' % i
                                 for i in range(3_000)))
        events.write_text("user_id,ts,type,sku\n" + "u,1,view,s1\n" * 40_000)
        both = lists.stat().st_size + events.stat().st_size
        for words in (["evaluate", "--model", self.named, "--test", lists], ["convert", lists, "--out", out],
                      ["train", "--train", lists, "--valid", lists, "--variant", "small", "--steps", 1, "--threads", 1,
                       "--out", self.folder / "o"]):
            self.holds(f"{words[0]}: requests that share a history", [*words, "--events", events], size=both)

    def test_many_kinds_of_feedback(self):
        kinds = [f"k{i}" for i in range(200)]
        schema, lists, model = (self.folder / name for name in ("kinds.json", "kinds.jsonl", "kinds.st"))
        schema.write_text(json.dumps({"format": "psad-schema-1", "request": {"id": "q"}, "candidate": {"item": "sku", "dense": ["x"]},
                                      "label": {"kinds": dict.fromkeys(kinds, 1)}}))
        lists.write_text("".join(json.dumps({"q": q, "candidates": [
            {"sku": c, "x": c, **dict.fromkeys(kinds[c :: 20], int(c == q % 20))} for c in range(20)]}) + "\n" for q in range(40)))
        done = psad("train", "--train", lists, "--valid", lists, "--schema", schema, "--variant", "small", "--steps", 1,
                    "--threads", 1, "--out", model)
        self.assertEqual(done.returncode, 0, done.stderr)
        test = self.folder / "kinds-test.jsonl"
        # What is read of a kind is 0 for most candidates. Intervals of all kinds take most of the time.
        for name, most, line in (("kinds of feedback", 100_000, lambda q: '{"q":%d,"candidates":[%s]}' % (
                q, ",".join('{"sku":%d,"x":1,"k%d":1}' % (c, (q + c) % 200) for c in range(100)))),
                           ("bare candidates", MEGABYTE, lambda q: '{"q":%d,"candidates":[{"k%d":1}%s]}' % (q, q % 200, ",{}" * 100))):
            test.write_text(filled("", line, "\n", most, between="\n"))
            self.holds(f"evaluate: {name}", ["evaluate", "--model", model, "--test", test], size=test.stat().st_size)
        self.holds("lines for a model of many kinds of feedback", ["rerank", "--model", model],
                   b'{"q":1,"candidates":[{"sku":1,"x":2}]}\n' * 15_000)

    def test_json_lines(self):
        for name, content in (
                ("empty objects", "{}\n" * 300_000), ("short", '{"a":1}\n' * 120_000),
                ("keys", "\n".join('{"%x":1}' % i for i in range(80_000))),
                ("keys of one line", filled("{", lambda i: '"%x":1' % i, "}")),
                ("candidates", filled('{"candidates":[', '{"a":1,"label":1}', "]}")),
                ("empty candidates", filled('{"candidates":[', "{}", "]}")),
                ("lists of values", filled('{"candidates":[{"a":[', '"x"', "]}]}")),
                ("different values", filled('{"candidates":[{"a":[', lambda i: '"%x"' % i, "]}]}")),
                ("names", "\n".join('{"request_id":"%x","item":"%x","label":1}' % (i, i) for i in range(20_000))),
                ("numbers", "\n".join('{"a":%d.5,"label":1}' % i for i in range(40_000))),
                ("columns", "\n".join(["{%s}" % ",".join('"c%d":%d' % (i, i) for i in range(9_000))] * 8)),
                ("lists of one row", "{%s}\n" % ",".join('"k%d":[{%s}]' % (i, ",".join(f'"{j:x}":1' for j in range(16)))
                                                          for i in range(8_200))),
                ("nested", filled('{"a":', "[", "", between="")), ("one word", '{"a":"' + "x" * 990_000 + '"}'),
                # As many columns as there may be, and rows that name few of them.
                ("a wide row, then narrow ones", '{"candidates":[{%s}]}\n' % ",".join(f'"k{i}":1' for i in range(9_990))
                 + ('{"candidates":[%s]}\n' % ",".join(["{}"] * 100)) * 2_850),
                ("a wide row, then empty ones", '{"request_id":1,%s}\n' % ",".join(f'"k{i}":1' for i in range(9_990))
                 + "{}\n" * 280_000),
                ("another column each", "".join('{"candidates":[{"k%d":1}]}\n' % (i % 9_990) for i in range(34_000))),
                ("another field each", "".join('{"k%d":"x","candidates":[{"a":1}]}\n' % (i % 9_990) for i in range(24_000))),
                ("another column of each event", "".join(
                    '{"candidates":[{"a":1}],"history":[{"item":1,"ts":1,"k%d":1}]}\n' % (i % 9_990) for i in range(15_000)))):
            self.reading(name, content, ".jsonl")
        line = b'{"request_id":1,"item":"a","label":1}\n'
        digits = b",".join([b'{%s}' % b",".join(b'"%c":2.47032822920623272088e-324' % c for c in b"abc")] * 500)
        for name, content in (("lines", packed(line)), ("one line", packed(b" ", begin=b'{"a":')),
                              ("one word", packed(b"x", begin=b'{"a":"')), ("empty lines", packed(b"\n")),
                              ("objects", packed(b"{}\n")), ("streams", gzip.compress(b"") * 49_000),
                              ("lists", packed(b'{"candidates":[{"a":1,"label":1}]}\n')),
                              ("many events", packed(b'{"history":[%s],"candidates":[{"a":1}]}\n' % b",".join(
                                  [b'{"ts":1,"a":1,"b":1,"c":1,"d":1}'] * 10_000))),
                              ("bare events", packed(b'{"history":[%s],"candidates":[{"a":1}]}\n' % b",".join(
                                  [b'{"ts":1}'] * 40_000))),
                              ("many candidates", packed(b'{"candidates":[%s]}\n' % b",".join(
                                  b'{"item":%d}' % i for i in range(2_300)))),
                              ("values", packed(b'{"candidates":[%s]}\n' % b",".join(
                                  [b'{"a":[%s]}' % b",".join([b"1"] * 991)] * 100))),
                              ("a row, then empty lines", swollen(b"\n", begin=line)),
                              ("a row, then lines of a blank", swollen(b" \n", begin=line)),
                              ("numbers of many digits, then a likelier id", swollen(
                                  lambda i: b'{"session_id":"s%d","ts":%d,"candidates":[%s]}\n' % (i, i, digits),
                                  end=b'{"request_id":1,"session_id":1,"ts":1,"candidates":[{"a":1}]}\n'))):
            self.reading(name, content, ".jsonl.gz")

    def test_many_files(self):
        """Limits are those of all files that are read one after the other."""
        wide = '{"candidates":[{%s}]}\n' % ",".join(f'"k{i}":1' for i in range(9_990))
        row = b'{"candidates":[{"a":1,"label":1}]}\n'
        numbers = "item,label," + ",".join(f"c{i}" for i in range(9_000)) + "\n"
        for name, ending, files in (
                ("a wide row, then narrow ones", ".jsonl", [wide] + ['{"candidates":[%s]}\n' % ",".join(["{}"] * 600)] * 60),
                ("a wide file, then small ones", ".jsonl", [wide] + ['{"candidates":[{"a":1}]}\n'] * 3_000),
                ("wide rows, then lists", ".jsonl", ["{%s}\n" % ",".join(f'"k{i}":[{{}}]' for i in range(9_990))] * 7),
                ("lists", ".jsonl.gz", [gzip.compress(row * 40_000, 9)] * 12),
                ("blanks", ".jsonl.gz", [gzip.compress(row + b" " * 16_000_000 + b"\n", 9)] * 40),
                ("blank lines without an ending", ".gz", [gzip.compress(b"\n" * 27_000_000, 9)] * 36),
                ("values of lists", ".jsonl.gz", [gzip.compress(b'{"x":[%s]}\n' % b",".join([b"1"] * 2_700_000), 9)] * 9),
                ("wide tables", ".csv", [numbers] * 15)):
            folder, out = self.folder / "many", self.folder / "converted"
            folder.mkdir()
            for i, content in enumerate(files):
                (folder / f"{i:05}{ending}").write_bytes(content if isinstance(content, bytes) else content.encode())
            size = sum(path.stat().st_size for path in folder.iterdir())
            schema = self.folder / "schema.json"
            schema.write_text('{"format":"psad-schema-1","request":{"id":"id"},"candidate":{"dense":["a"]}}')
            for words in (["schema", folder], ["convert", folder, "--out", out],
                          ["convert", folder, "--schema", schema, "--out", out]):
                self.holds(f"{words[0]} {len(files)} files: {name}", words, size=size)
            shutil.rmtree(folder)

    def test_lists_and_cells(self):
        """As many lists as there may be, with as many cells as there may be."""
        schema, path = self.folder / "schema.json", self.folder / "lists.jsonl.gz"
        noise = random.Random(3).randbytes(690_000).hex().encode()  # for its size
        for columns, count in ((110, 76_000), (110, 105_000), (14, 139_000), (0, 139_000)):
            lines = b"".join(b'{"q":"%0120d","ts":1,"candidates":[{"a":1,"label":1}]}\n' % i for i in range(count))
            small = gzip.compress(lines, 9)
            more = int((MEGABYTE - len(small)) / 0.58)
            names = [f"c{i}" for i in range(columns)]
            schema.write_text(json.dumps({"format": "psad-schema-1", "request": {"id": "q", "time": "ts"},
                                          "context": {"dense": names}, "candidate": {"dense": ["a"]},
                                          "label": {"grade": "label"}}))
            named = b"".join(b'"%s":1,' % n.encode() for n in names)
            path.write_bytes(gzip.compress(lines + b'{"q":"p","ts":1,%s"junk":"%s","candidates":[{"a":1,"label":1}]}\n' % (
                named, noise[:more]), 9))
            self.assertLess(path.stat().st_size, MEGABYTE)
            for words in (["convert", path, "--out", self.folder / "converted"], [
                    "train", "--train", path, "--valid-from", "2099-01-01", "--threads", 1, "--out", self.folder / "o"]):
                self.holds(f"{words[0]} {count} lists with {columns} columns", [*words, "--schema", schema],
                           size=path.stat().st_size)

    def test_rows_of_users(self):
        """A list of values says one thing of its user, and a row of a table comes with each of the user's requests."""
        users, lists, crowd = (self.folder / name for name in ("users.jsonl", "likes.jsonl", "crowd.jsonl"))
        users.write_text("".join('{"user_id":"u%d","likes":["l%d","l7"]}\n' % (i, i % 3) for i in range(7)))
        model = self.folder / "users.st"
        done = psad("train", "--train", self.folder / "train.jsonl", "--valid", self.folder / "train.jsonl", "--users", users,
                    "--variant", "small", "--steps", 1, "--threads", 1, "--out", model)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.idle[model] = costs(["rerank", "--model", model])[4]
        line = filled('{"user_id":"u1","ts":9,"history":[],"candidates":[{"sku":"s1"}],"likes":[', '"l1"', "]}")
        self.line("values of a user", line, model)
        self.line("values of a user of a table", line, model, "--users", users)
        lists.write_text("".join('{"user_id":"u","ts":9,"candidates":[{"sku":"s1","label":1}]}\n' for _ in range(8_000)))
        crowd.write_text('{"user_id":"u","likes":[%s]}\n' % ",".join(['"l1"'] * 90_000))
        out = self.folder / "converted"
        self.holds("convert requests of a user with many values", ["convert", lists, "--users", crowd, "--out", out],
                   size=lists.stat().st_size + crowd.stat().st_size)

    def test_new_items_of_many_fields(self):
        items, lists, model = (self.folder / name for name in ("fields.jsonl", "of_fields.jsonl", "fields.st"))
        items.write_text("".join(json.dumps({"sku": f"s{i}", **{f"f{k}": f"v{(i + k) % 3}" for k in range(300)}}) + "\n"
                                 for i in range(10)))
        lists.write_text("".join('{"ts":9,"history":[{"sku":"s1","ts":1}],"candidates":[%s]}\n' % ",".join(
            '{"sku":"s%d","label":%d}' % (k, k == i % 5) for k in range(10)) for i in range(12)))
        done = psad("train", "--train", lists, "--valid", lists, "--items", items, "--variant", "small", "--steps", 1,
                    "--threads", 1, "--out", model)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.idle[model] = costs(["rerank", "--model", model, "--items", items])[4]
        new = ['{"sku":"n0","f7":"v1"}'] + ['{"sku":"n%d"}' % i for i in range(1, 4096)]
        events = ",".join('{"sku":"n%d","ts":1}' % i for i in range(50))
        line = '{"ts":9,"history":[%s],"candidates":[%s],"x":"%s"}' % (events, ",".join(new), "x" * 900_000)
        for words in ((), ("--explain",)):
            self.line("new items of many fields " + " ".join(words), line, model, "--items", items, *words)

    def test_new_items_of_many_numbers(self):
        items, lists, model = (self.folder / name for name in ("numbers.csv", "of_numbers.jsonl", "numbers.st"))
        items.write_text("sku," + ",".join(f"i{k}" for k in range(505)) + "\n" + "".join(
            f"s{i}," + ",".join(str((7 * i + k) % 11 + 0.5) for k in range(505)) + "\n" for i in range(12)))
        lists.write_text("".join('{"request_id":%d,"candidates":[%s]}\n' % (i, ",".join(
            '{"sku":"s%d","label":%d}' % (k, k == i % 5) for k in range(5))) for i in range(30)))
        done = psad("train", "--train", lists, "--valid", lists, "--items", items, "--variant", "small", "--steps", 1,
                    "--threads", 1, "--out", model)
        self.assertEqual(done.returncode, 0, done.stderr)
        for count in (31, 15):
            lists.write_text("".join('{"candidates":[%s]}\n' % ",".join(
                '{"sku":"%x","i0":1,"label":0}' % (1000 * i + k) for k in range(1000)) for i in range(count)))
            self.holds(f"evaluate {count},000 new items of many numbers", ["evaluate", "--model", model, "--test", lists],
                       size=lists.stat().st_size, beyond=costs(["rerank", "--model", model])[4])

    def test_tables(self):
        for name, content in (
                ("columns", ",".join(f"c{i}" for i in range(80_000)) + "\n" + ",".join("1" for _ in range(80_000)) + "\n"),
                ("equal columns", filled("", "c", "\n")), ("empty cells", "a,b\n" + ",\n" * 400_000),
                ("lists of one candidate", "request_id,label\n" + "".join(f"{i:x},1\n" for i in range(133_000))),
                ("one column", "a\n" + "1\n" * 490_000), ("quotes", 'a\n"' + '""' * 490_000), ("commas", filled("a\n", "")),
                ("different", "request_id,item,label\n" + "".join(f"{i},{i},1\n" for i in range(65_000))),
                ("texts", "request_id,item,tags,label\n" + "".join(f"1,{i},t{i}|u{i}|v{i},0\n" for i in range(30_000))),
                ("names that differ in case", "q," + ",".join("".join(c.upper() if i >> (k - (k > 9)) & 1 else c for k, c in enumerate(
                    "relevance_label")) for i in range(9_900)) + "\n" + ",".join(["1"] * 9_901) + "\n"),
                ("one request", "request_id,item,label\n" + "".join(f"1,{i},1\n" for i in range(90_000)))):
            self.reading(name, content, ".csv")
        for name, content in (("rows", packed(b"1,a,1\n", begin=b"request_id,item,label\n")),
                              ("equal requests", packed(b"1,a,1\n2,a,0\n", begin=b"request_id,item,label\n")),
                              ("a row of two long lines", gzip.compress(b'id,item,tags\n1,1,"%s\n%s"\n' % (
                                  b"|" * 16_700_000, b"|" * 11_000_000), 9)),
                              ("one cell", packed(b"x", begin=b"a,b\n")), ("one quoted cell", packed(b"\n", begin=b'a\n"')),
                              ("different requests", gzip.compress(b"request_id,item,label\n" + b"".join(
                                  b"%d,a,1\n" % i for i in range(300_000)), 9)),
                              ("a row, then empty lines", swollen(b"\n", b"qid,label\n1,1\n")),
                              ("a row, then empty lines of Windows", swollen(b"\r\n", b"qid,label\n1,1\n")),
                              ("rows of an empty text", swollen(b'""\n', b"label\n1\n"))):
            self.reading(name, content, ".csv.gz")
        tables = self.folder / "items.csv.gz"
        for name, piece, begin in (("items", b"a,1\n", b"sku,price\n"), ("one item", b"x", b"sku,price\n")):
            tables.write_bytes(packed(piece, begin=begin))
            self.holds("rerank --items: " + name, ["rerank", "--model", self.named, "--items", tables],
                       size=tables.stat().st_size, beyond=self.idle[self.named])
        lists = self.folder / "lists.jsonl"
        lists.write_text("".join('{"user":"u%d","candidates":[{"item":%d,"label":1}]}\n' % (i, i) for i in range(2_000)))
        for table in ("items", "users"):
            key, wide = table[:-1], self.folder / f"{table}.jsonl"
            wide.write_text("".join('{"%s":"%d","k%d":1}\n' % (key, i, i % 9_990) for i in range(30_000)))
            out = self.folder / "converted"
            self.holds(f"convert --{table} of another column each", ["convert", lists, f"--{table}", wide, "--out", out],
                       size=wide.stat().st_size)
        for name, content in (("rows", packed(b"u1,1600000000,view,s1\n", begin=b"user_id,ts,type,sku\n")),
                              ("rows of a user and a time", swollen(b"u,1,,\n", b"user_id,ts,type,sku\n"))):
            tables.write_bytes(content)
            self.holds("rerank --events: " + name, ["rerank", "--model", self.named, "--events", tables],
                       size=tables.stat().st_size, beyond=self.idle[self.named])
        lists.write_text("".join('{"user_id":"u%d","ts":9,"candidates":[{"sku":%d,"label":1}]}\n' % (i, i) for i in range(99)))
        tables.write_bytes(swollen(b"u,1,\n", b"user_id,ts,sku\n"))
        self.holds("convert --events of bare rows", ["convert", lists, "--events", tables, "--out", out],
                   size=tables.stat().st_size + lists.stat().st_size)

    def test_columns_that_nobody_reads(self):
        parts, schema, out = (self.folder / name for name in ("parts", "of_items.json", "converted"))
        parts.mkdir()
        for i in range(9):
            (parts / f"{i}.csv").write_text("q,label," + ",".join(f"c{i}_{k}" for k in range(9_000)) + "\n")
        size = sum(path.stat().st_size for path in parts.iterdir())
        schema.write_text('{"format":"psad-schema-1","request":{"id":"q"},"label":{"grade":"label"}}')
        for words in (["schema", parts], ["convert", parts, "--schema", schema, "--out", out], [
                "train", "--train", parts, "--schema", schema, "--valid", parts, "--steps", 1, "--out", self.folder / "o"]):
            self.holds(f"{words[0]} many columns that nobody reads", words, size=size)
        items = self.folder / "items_alone.jsonl"
        items.write_text("".join('{"q":%d,"candidates":[%s]}\n' % (i, ",".join(
            '{"i":"%x","label":1}' % (1000 * i + k) for k in range(1_000))) for i in range(43)))
        names = ",".join(f'"{i:x}"' for i in range(9_900))
        for kind in ("dense", "fields"):
            schema.write_text('{"format":"psad-schema-1","request":{"id":"q"},"candidate":{"item":"i"},"label":{"grade":"label"},'
                              '"item":{"%s":[%s]}}' % (kind, names))
            self.holds(f"convert items of {kind} that nobody says", ["convert", items, "--schema", schema, "--out", out],
                       size=items.stat().st_size)

    def test_letor(self):
        for name, content in (
                ("features", filled("1 qid:1 ", lambda i: f"{i + 1}:1", "\n", between=" ")),
                ("a far feature", "1 qid:1 1000000000:1\n"), ("far features", "".join(
                    f"1 qid:{i} {9_000 + i}:1\n" for i in range(900))),
                ("rows", "".join(f"1 qid:{i // 10} 1:0.5 2:1\n" for i in range(45_000))),
                ("one query", "1 qid:1 1:1\n" * 80_000),
                ("wide sparse", "".join(f"0 qid:{i // 2} 9999:1\n" for i in range(50_000)))):
            self.reading(name, content, ".txt", "--format", "letor")
        self.reading("rows", packed(b"1 qid:1 1:1\n"), ".txt.gz", "--format", "letor")
        self.reading("a row, then lines of a blank", swollen(b" \n", b"1 qid:1 1:1\n"), ".txt.gz", "--format", "letor")
        self.reading("wide rows", packed(b"1 qid:1 9999:1\n"), ".txt.gz", "--format", "letor")

    def test_arrays(self):
        def npy(shape, kind="<f4", data=b""):
            head = str({"descr": kind, "fortran_order": False, "shape": shape}).encode()
            head += b" " * (63 - (10 + len(head)) % 64) + b"\n"
            return b"\x93NUMPY\x01\0" + struct.pack("<H", len(head)) + head + data

        folder = self.folder / "arrays"
        for name, arrays in (
                ("a shape of many", {"offsets.npy": npy((3,), "<i8", struct.pack("<3q", 0, 2, 4)),
                                     "x.npy": npy((4, 1_000_000_000))}),
                ("an empty shape", {"offsets.npy": npy((3,), "<i8", struct.pack("<3q", 0, 2, 4)),
                                    "x.npy": npy((4, 0)), "y.npy": npy((1_000_000_000, 0))}),
                ("offsets far out", {"offsets.npy": npy((2,), "<i8", struct.pack("<2q", 0, 1 << 40)),
                                     "label.npy": npy((2,), "<f4", b"\0" * 8)}),
                ("empty rows", {"offsets.npy": npy((120_001,), "<i8", struct.pack("<120001q", *range(0, 4096 * 120_001, 4096))),
                                "x.npy": npy((491_520_000, 0))}),
                ("one list of empty rows", {"offsets.npy": npy((2,), "<i8", struct.pack("<2q", 0, 1_000_000_000)),
                                            "x.npy": npy((1_000_000_000, 0))}),
                ("columns of no rows", {"offsets.npy": npy((1,), "<i8", b"\0" * 8), **{
                    f"x{i}.npy": npy((0, 9_999)) for i in range(90)}}),
                ("lists without candidates", {"offsets.npy": npy((120_000,), "<i8", b"\0" * 960_000)}),
                ("columns", {"offsets.npy": npy((2,), "<i8", struct.pack("<2q", 0, 1)),
                             "x.npy": npy((1, 240_000), "<f4", b"\0" * 960_000)}),
                ("packed", {"offsets.npy.gz": gzip.compress(npy((100_000_001,), "<i8", b"\0" * 8 * 100_000_001), 1)[
                    :MEGABYTE]})):
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            for file, content in arrays.items():
                (folder / file).write_bytes(content)
            for command in ("schema", "convert"):
                out = self.folder / "converted"
                self.holds(f"{command} arrays: {name}",
                           [command, folder, *(["--out", out] if command == "convert" else [])],
                           size=min(MEGABYTE, sum(path.stat().st_size for path in folder.iterdir())))

        for file, lists, columns in (("few", 2, 9_000), ("many", 450_000 // 4, 1)):
            part = folder / file
            part.mkdir(parents=True)
            n = lists if columns > 1 else 4 * lists
            (part / "offsets.npy").write_bytes(npy((lists + 1,), "<i4", struct.pack(
                f"<{lists + 1}i", *range(0, n + 1, n // lists))))
            (part / "x.npy").write_bytes(npy((n, columns), "|b1", b"\1" * (n * columns)))
        self.holds("convert arrays: many rows without the columns of few", ["convert", folder / "few", folder / "many", "--out",
                                                                            self.folder / "converted"],
                   size=MEGABYTE)

    def test_schemas_and_folders_of_columns(self):
        for name, text in (
                ("columns", filled('{"format":"psad-schema-1","candidate":{"dense":[', lambda i: '"%x"' % i, "]}}")),
                ("fields", filled('{"format":"psad-schema-1","item":{"fields":[', lambda i: '"%x"' % i, "]}}")),
                ("hashes", filled('{"format":"psad-schema-1","item":{"fields":[',
                                  lambda i: '{"name":"%x","hash":99999999}' % i, "]}}")),
                ("unread", filled('{"format":"psad-schema-1","unread":[', lambda i: '"%x"' % i, "]}")),
                ("kinds", filled('{"format":"psad-schema-1","label":{"kinds":{', lambda i: '"%x":1' % i, "}}}")),
                ("objects", filled('{"format":"psad-schema-1","unread":[', "{}", "]}"))):
            self.file("schema file: " + name, text, "convert", self.folder / "train.jsonl", "--schema", "FILE", "--out",
                      self.folder / "converted")
        converted = self.folder / "columns"
        self.assertEqual(psad("convert", self.folder / "train.jsonl", "--out", converted).returncode, 0)
        good = (converted / "columns.safetensors").read_bytes()
        size = struct.unpack("<Q", good[:8])[0]
        header = json.loads(good[8 : 8 + size])
        for name, text in (("empty objects", filled("{", lambda i: '"%x":{}' % i, "}")),
                           ("empty tensors", filled("{", lambda i: '"%x":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}'
                                                    % i, "}"))):
            text += " " * (-len(text) % 8)
            (converted / "columns.safetensors").write_bytes(struct.pack("<Q", len(text)) + text.encode())
            self.holds("columns: " + name, ["schema", converted], size=len(text))
        for key in header:
            if key == "__metadata__" or header[key]["dtype"] != "I64":
                continue
            begin, end = header[key]["data_offsets"]
            changed = bytearray(good)
            changed[8 + size + begin : 8 + size + end] = struct.pack("<q", 1 << 50) * ((end - begin) // 8)
            (converted / "columns.safetensors").write_bytes(changed)
            self.holds(f"columns: {key} far out", ["train", "--train", converted, "--valid", converted, "--variant", "small",
                                                   "--steps", 1, "--threads", 1, "--out", self.folder / "o"],
                       size=1)


if __name__ == "__main__":
    main()
