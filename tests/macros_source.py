"""Writes a source file in which psad's headers meet macros of other libraries: min and max of windows.h, and Qt's
slots, signals, emit and foreach.

Usage: macros_source.py INCLUDE_DIR OUTPUT HEADER...

Other libraries' headers come before the macros, since most standard libraries either undefine or do not
survive them; so whatever then fails is psad's own.
"""

import pathlib
import re
import sys


def main() -> None:
    include_dir, output, *headers = sys.argv[1:]
    foreign = set()
    for header in headers:
        text = pathlib.Path(include_dir, header).read_text(encoding="utf-8")
        foreign.update(re.findall(r"^\s*#\s*include\s*<(?!psad/)([^>]+)>", text, re.MULTILINE))
    # A header may choose between includes by what there is.
    lines = [f"#if __has_include(<{name}>)\n#include <{name}>\n#endif" for name in sorted(foreign)]
    lines += ["#define min(a, b) psad_used_a_macro_named_min(a, b)"]
    lines += ["#define max(a, b) psad_used_a_macro_named_max(a, b)"]
    lines += [f"#define {word} psad_used_a_macro_named_{word}" for word in ("slots", "signals", "emit", "foreach")]
    lines += [f'#include "{name}"' for name in headers]
    pathlib.Path(output).write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
