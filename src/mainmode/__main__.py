"""`python -m mainmode`: the command line."""

from mainmode.cli.main import main

main(prog_name="mainmode")
