#!/usr/bin/env python3
"""Passes when a program does not compile and the compiler's words are the expected ones.

Usage: run.py PROGRAM.cpp COMPILER FLAG...

The program names what it expects in lines "// EXPECT: REGEX"; each must be found in the compiler's output. A line
"// FLAGS: FLAG..." adds flags.
"""

import re
import subprocess
import sys


def main() -> int:
    program, *command = sys.argv[1:]
    with open(program, encoding="utf-8") as source:
        text = source.read()
    expected = re.findall(r"^// EXPECT: (.+)$", text, re.MULTILINE)
    flags = " ".join(re.findall(r"^// FLAGS: (.+)$", text, re.MULTILINE)).split()
    if not expected:
        print(f"{program} has no line '// EXPECT: REGEX'")
        return 1
    result = subprocess.run([*command, *flags, "-fsyntax-only", program], capture_output=True, text=True, check=False)
    output = result.stdout + result.stderr
    if result.returncode == 0:
        print(f"{program} compiles, but must not")
        return 1
    missing = [pattern for pattern in expected if not re.search(pattern, output, re.MULTILINE)]
    for pattern in missing:
        print(f"{program}: the compiler did not say /{pattern}/")
    if missing:
        print(output)
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
