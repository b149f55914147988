#!/usr/bin/env python3
"""The psad program where its output is refused, its input is odd, and its training goes wrong.

Usage: cli_output_test.py PSAD DATA_FOLDER [unittest options]
"""

import fcntl
import json
import os
import re
import resource
import signal
import subprocess
import sys
import time
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "support"))
from cli import DATA, PSAD, Case, main, psad, train  # noqa: E402

GOOD = json.dumps({"id": 1, "user": [4, 23, 7], "context": [3, 5], "ts": 1380383162, "history": [],
                   "candidates": [{"item": 3153, "score": 0.3, "aux": 12}, {"item": 3291, "score": 0.21, "aux": 0}]}) + "\n"
SMALL = ["--data", DATA, "--variant", "small", "--batch", 64, "--threads", 1]


def words(*more):
    return [PSAD, *map(str, more)]


class Output(Case):
    def test_a_standard_output_that_is_full_stops_no_training(self):
        """Buffered by lines, so that it refuses in the middle of the work."""
        out = self.folder / "kept.st"
        with open("/dev/full", "w") as full:
            done = subprocess.run(["stdbuf", "-oL", *words("train", *SMALL, "--epochs", 2, "--out", out)], stdout=full,
                                  stderr=subprocess.PIPE, text=True, timeout=100, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, r"\Apsad: standard output: found [^\n]+, wanted a place that can be written\n\Z")
        self.assertEqual(psad("rerank", "--model", out).returncode, 0)

    def test_errors_that_cannot_be_printed_keep_their_exit_codes(self):
        for command, code in ((["rerank", "--model", "/nothing"], 1), (["train"], 2), (["nothing"], 2),
                              (["train", *SMALL, "--steps", 1, "--out", "/nothing/x"], 1)):
            for refused in ("2>/dev/full", "2>&-", ">&- 2>&-"):
                done = subprocess.run(["bash", "-c", f'exec "$0" "$@" {refused}', *words(*command)], check=False, timeout=100)
                self.assertEqual(done.returncode, code, (command, refused))

    def test_a_signal_says_what_is_kept(self):
        out = self.folder / "stopped.st"
        for epochs_before, says in ((0, "no epoch was done, nothing was written"), (1, "holds the student of epoch ")):
            out.unlink(missing_ok=True)
            process = subprocess.Popen(words("train", *SMALL, "--epochs", 500, "--patience", 0, "--out", out),
                                       stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            for line in process.stdout:
                if line.startswith("epoch" if epochs_before else "learns from"):
                    break
            start = time.monotonic()
            process.send_signal(signal.SIGTERM)
            _, said = process.communicate(timeout=20)
            self.assertLess(time.monotonic() - start, 1)
            self.assertEqual(process.returncode, -signal.SIGTERM)
            if epochs_before or not out.exists():
                self.assertRegex(said, r"\Apsad: stopped by a signal: [^\n]*" + says + r"[^\n]*\n\Z")
            self.assertLessEqual(epochs_before, out.exists())
            if out.exists():
                self.assertEqual(psad("rerank", "--model", out).returncode, 0)

    def test_a_file_that_shrinks_while_it_is_read_where_it_lies(self):
        columns, out = self.folder / "columns", self.folder / "shrunk.st"
        lists = self.folder / "lists.jsonl"
        lists.write_text("".join(json.dumps({"request_id": i, "candidates": [
            {"item": f"i{k}", "price": (i * k) % 7, "label": int(k == i % 3)} for k in range(20)]}) + "\n" for i in range(2000)))
        self.assert_good(psad("convert", lists, "--out", columns))
        process = subprocess.Popen(words("train", "--train", columns, "--valid", columns, "--variant", "small", "--epochs", 500,
                                         "--patience", 0, "--out", out), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for line in process.stdout:
            if line.startswith("epoch"):
                break
        os.truncate(columns / "columns.safetensors", 4096)
        _, said = process.communicate(timeout=100)
        self.assertEqual(process.returncode, 1)
        self.assertRegex(said, r"\A(psad: note[^\n]*\n)*psad: found a file that was cut short[^\n]*\n\Z")
        self.assertEqual(psad("rerank", "--model", out).returncode, 0)  # that of the first epoch

    def test_several_threads_that_find_it_shrunk_say_so_once(self):
        read, write = os.pipe()  # full: who writes waits
        os.write(write, b"x" * fcntl.fcntl(write, fcntl.F_GETPIPE_SZ))
        process = subprocess.Popen(words("train", "--data", DATA, "--variant", "small", "--epochs", 500, "--patience", 0, "--threads",
                                         2, "--out", self.folder / "bus.st"), stdout=subprocess.PIPE, stderr=write, text=True)
        os.close(write)
        for line in process.stdout:
            if line.startswith("epoch"):
                break
        for _ in range(4):
            process.send_signal(signal.SIGBUS)
            time.sleep(0.05)
        with open(read, "rb") as stream:
            said = stream.read().lstrip(b"x")
        process.communicate()
        self.assertEqual((process.returncode, said.count(b"\n")), (1, 1), said)

    def test_the_report_grows_with_the_model(self):
        out, report = self.folder / "growing.st", self.folder / "growing.json"
        process = subprocess.Popen(words("train", *SMALL, "--epochs", 500, "--patience", 0, "--out", out, "--json", report),
                                   stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        epochs = 0
        for line in process.stdout:
            epochs += line.startswith("epoch")
            if epochs == 2:
                break
        process.kill()
        process.communicate()
        found = json.loads(report.read_text())
        self.assertGreaterEqual(len(found["valid"]), 1)
        self.assertEqual(found["settings"]["data"], DATA)

    def test_a_training_that_diverges_says_so(self):
        out = self.folder / "diverged.st"
        done = psad("train", *SMALL, "--epochs", 2, "--learning-rate", 10, "--weight-decay", 0, "--out", out)
        self.assertIn("diverged", done.stderr)
        self.assertRegex(done.stderr, r"\Apsad: [^\n]+\n\Z")

    def test_lines_that_are_too_long_are_answered_with_an_error(self):
        long = '{"id":"' + "x" * (2 << 20) + '"}\n'
        done = psad("rerank", "--model", self.model, "--max-line", 1, stdin=GOOD + long + GOOD)
        self.assert_good(done)
        answers = [json.loads(line) for line in done.stdout.splitlines()]
        self.assertEqual([("error" in a) for a in answers], [False, True, False])
        self.assertIn("line 2, request: found more than 1 MiB", answers[1]["error"])
        self.assertIn("--max-line", answers[1]["error"])
        self.assertEqual(answers[0], answers[2])
        self.assertIn("found the unknown key", psad("rerank", "--model", self.model, stdin='{"x":"' + "x" * (2 << 20) + '"}\n').stdout)

    def test_a_model_and_a_report_are_replaced_where_one_stands(self):
        """Also in the folder where the program was started."""
        rows = [{"request_id": f"r{i}", "candidates": [{"sku": f"s{k}", "price": k, "label": int(k == i % 3)} for k in range(3)]}
                for i in range(40)]
        (self.folder / "lists.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows))
        command = words("train", "--train", "lists.jsonl", "--variant", "small", "--steps", 1, "--out", "here.st", "--json",
                        "here.json")
        for _ in range(2):
            done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, check=False, timeout=100)
            self.assertEqual((done.returncode, done.stderr), (0, ""))
        (self.folder / "link").symlink_to("new.st")
        done = subprocess.run([*command[:-4], "--out", "new.st", "--json", "link"], cwd=self.folder, capture_output=True,
                              text=True, check=False, timeout=100)
        self.assertEqual(done.returncode, 2)
        self.assertIn("found the file of --out", done.stderr)

    def test_unknown_columns_are_named_some_times_alone(self):
        line = lambda n: json.dumps({**{f"x{n}-{i}": 1 for i in range(300)}, "request_id": "r", "candidates": [{"sku": "s1"}]})
        rows = [{"request_id": f"r{i}", "candidates": [{"sku": f"s{k}", "price": k, "label": int(k == i % 3)} for k in range(3)]}
                for i in range(40)]
        (self.folder / "lists.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows))
        named = self.folder / "named.st"
        self.assert_good(psad("train", "--train", self.folder / "lists.jsonl", "--variant", "small", "--steps", 1, "--out", named))
        done = psad("rerank", "--model", named, stdin="".join(line(n) + "\n" for n in range(5)))
        self.assertEqual(done.stdout.count("\n"), 5)
        self.assertLess(done.stderr.count("\n"), 30)
        self.assertIn("further columns", done.stderr)

    def test_a_model_from_a_stream_without_end(self):
        done = subprocess.run(["bash", "-c", 'ulimit -v 2000000; exec "$0" "$@"', *words("rerank", "--model", "/dev/zero")],
                              capture_output=True, text=True, check=False, timeout=100)
        self.assertEqual(done.returncode, 1)
        self.assertIn("/dev/zero, header", done.stderr)

    def test_a_signal_ends_a_program_whose_errors_nobody_reads(self):
        read, write = os.pipe()
        os.set_blocking(write, False)
        try:
            while True:
                os.write(write, b"x" * 4096)
        except BlockingIOError:
            os.set_blocking(write, True)
        process = subprocess.Popen(words("train", *SMALL, "--epochs", 500, "--patience", 0, "--out", self.folder / "pipe.st"),
                                   stdout=subprocess.DEVNULL, stderr=write)
        time.sleep(0.5)
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(timeout=5), -signal.SIGTERM)
        os.close(read)
        os.close(write)

    def test_an_input_that_does_not_wait_is_waited_for(self):
        read, write = os.pipe()
        os.set_blocking(read, False)
        process = subprocess.Popen(words("rerank", "--model", self.model), stdin=read, stdout=subprocess.PIPE, text=True)
        os.close(read)
        for _ in range(3):
            time.sleep(0.05)
            os.write(write, GOOD.encode())
            self.assertIn('"order"', process.stdout.readline())
        os.close(write)
        self.assertEqual(process.wait(timeout=20), 0)

    def test_too_little_memory_is_an_error_of_a_line(self):
        """A line of 12 MB does not fit into what is left; the next one does."""
        long = GOOD.replace('"history": []', '"history": [' + ",".join('{"item":1,"ts":1}' for _ in range(700_000)) + "]")
        process = subprocess.Popen(words("rerank", "--model", self.model), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True)

        def answer(line):
            process.stdin.write(line)
            process.stdin.flush()
            return json.loads(process.stdout.readline())

        self.assertIn("order", answer(GOOD))
        taken = int(re.search(r"VmSize:\s+(\d+)", Path(f"/proc/{process.pid}/status").read_text())[1]) * 1024
        resource.prlimit(process.pid, resource.RLIMIT_AS, (taken + 60_000_000, resource.RLIM_INFINITY))
        self.assertIn("memory", answer(long)["error"])
        self.assertIn("order", answer(GOOD))
        process.communicate()
        self.assertEqual(process.returncode, 0)


if __name__ == "__main__":
    main()
