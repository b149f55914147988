"""matplotlib, drawing to SVG: the same bytes for the same figures. Debian: python3-matplotlib."""

import io
import os
import sys

DEBIAN = "/usr/bin/python3"

try:
    import matplotlib

    matplotlib.use("svg")
    import matplotlib.ticker  # noqa: F401
    from matplotlib import pyplot  # noqa: F401
except ImportError:
    if os.path.exists(DEBIAN) and os.path.realpath(sys.executable) != os.path.realpath(DEBIAN):
        os.execv(DEBIAN, [DEBIAN, *sys.argv])  # Debian's matplotlib belongs to Debian's python
    sys.exit(f"{os.path.basename(sys.argv[0])}: found no matplotlib, wanted Debian's python3-matplotlib or another")

matplotlib.rcParams["svg.hashsalt"] = "psad"
matplotlib.rcParams["text.parse_math"] = False  # names may hold a $


def svg_of(figure):
    """The figure as the text of an <svg> element; closes it."""
    out = io.StringIO()
    figure.savefig(out, format="svg", metadata={"Date": None})
    pyplot.close(figure)
    text = out.getvalue()
    return text[text.index("<svg") :]
