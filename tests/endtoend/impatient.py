"""`mainmode` with a limit that is another: python -m tests.endtoend.impatient NAME=SECONDS ..."""

import sys

from mainmode import limits
from mainmode.cli.main import main

name, _, value = sys.argv.pop(1).partition("=")
assert hasattr(limits, name)
setattr(limits, name, float(value))
main(prog_name="mainmode")
