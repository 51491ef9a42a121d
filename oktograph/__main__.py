"""`python -m oktograph`: the same as the command."""

from oktograph.cli.main import main

main()
