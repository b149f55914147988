#!/usr/bin/env python3
"""Puts one fault at a time into what writes and loads files, and expects a test to find it.

Usage: mutants.py [NAME...]    from the root of the repository; takes some minutes
"""

import concurrent.futures
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ATOMIC, LOADER, BYTES = "atomic_file_test", "model_file_test", "model_file_safetensors_test"
MUTANTS = {
    "written in place": ("core/atomic_file.hpp", "temporary_.swap(name);", "temporary_ = target_; unlink(target_.c_str());",
                         ATOMIC),
    "left behind": ("core/atomic_file.hpp", "if (!committed_ && lock_.is_open()) unlink(temporary_.c_str());", "", ATOMIC),
    "others are swept": ("core/atomic_file.hpp", "if (lock.is_mine() && lock.holds(left)) unlink", "unlink", ATOMIC),
    "nothing is swept": ("core/atomic_file.hpp", "if (lock.is_mine() && lock.holds(left)) unlink(left.c_str());",
                         "(void)left, (void)lock;", ATOMIC),
    "links are replaced": ("core/atomic_file.hpp", "target_(behind_links(target))", "target_(target)", ATOMIC),
    "the mode is lost": ("core/atomic_file.hpp", "take_attributes();\n        if (!reaches", "if (!reaches", ATOMIC),
    "the end is lost": ("core/atomic_file.hpp", "void finish() {\n        flush();", "void finish() {", ATOMIC),
    "a rehearsal replaces": ("core/atomic_file.hpp", "other = new_name();", "other = target_;", ATOMIC),
    "no checksum": ("model_file/safetensors.hpp", "if (!entry.empty() && entry.mapped() != checksum.text())", "if (false)",
                    BYTES),
    "data without an owner": ("model_file/safetensors.hpp", "if (covered != data_size)", "if (false)", BYTES),
    "tensors that overlap": ("model_file/safetensors.hpp", "if (placed.begin != covered)", "if (false)", BYTES),
    "a key twice": ("model_file/strict_json.hpp", "if (open_.back()->contains(name))", "if (false)", BYTES),
    "any depth": ("model_file/strict_json.hpp", "if (open_.size() >= deepest_)", "if (false)", BYTES),
    "any shape": ("model_file/tensor.hpp", "if (shape != nullptr && tensor.shape != *shape)", "if (false)", LOADER),
    "any number": ("model_file/load_model.hpp", "if (strange != numbers->end())", "if (false)", LOADER),
    "any variant": ("model_file/load_model.hpp", "if (found.contains(key) && found[key] == value) return;", "return;", LOADER),
}


def outcome(name):
    header, old, new, test = MUTANTS[name]
    with tempfile.TemporaryDirectory(prefix="psad-mutant-") as folder:
        include = Path(folder) / "include"
        shutil.copytree(ROOT / "include", include)
        text = (include / "psad" / header).read_text()
        if text.count(old) != 1:
            return f"{name}: {header} has the text {text.count(old)} times, wanted once"
        (include / "psad" / header).write_text(text.replace(old, new))
        program = Path(folder) / "test"
        built = subprocess.run(["g++", "-std=c++20", "-O0", f"-I{include}", f"-I{ROOT}/tests", "-isystem",
                                "/usr/include/eigen3", f"{ROOT}/tests/{test}.cpp", f"{ROOT}/tests/allocations_test.cpp",
                                f"{ROOT}/tests/main.cpp", "-o", program, "-lz", "-ltbb", "-lsimdjson"], capture_output=True,
                               text=True, check=False)
        if built.returncode != 0:
            return f"{name}: does not compile:\n{built.stderr[-600:]}"
        try:
            ran = subprocess.run([program], capture_output=True, check=False, timeout=120)
        except subprocess.TimeoutExpired:
            return ""
        return "" if ran.returncode != 0 else f"{name}: no test of {test} fails"


def main():
    names = sys.argv[1:] or list(MUTANTS)
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        faults = [fault for fault in pool.map(outcome, names) if fault]
    print("\n".join(faults) or f"{len(names)} mutants, each found by a test")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
