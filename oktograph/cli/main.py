"""The commands, put together; each is imported only when it runs."""

import gc
from pathlib import Path
from typing import Annotated, Final

import typer

from oktograph.cli import data, serve, simulate, users, worker

STARTING_THRESHOLD: Final = 100_000
"""New objects before the collector looks for cycles. Starting makes a million that stay: with
Python's own 700 it walks them again and again, a quarter of the start. Serving sets it back."""
app = typer.Typer(
    name="oktograph",
    help="A GraphQL-first traceability platform for production lines.",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,
)
app.command("serve", epilog=serve.ENVIRONMENT)(serve.serve)
app.command("worker", hidden=True)(worker.worker)
app.command("migrate")(data.migrate)
app.command("export")(data.export)
app.command("backup")(data.backup)
app.add_typer(users.app, name="user")
app.add_typer(simulate.app, name="simulate")


@app.command("contracts")
def contracts(
    target: Annotated[Path, typer.Option(help="Where to write")] = Path("frontend_contracts"),
    docs: Annotated[Path, typer.Option(help="Where the pages are")] = Path("docs"),
    check: Annotated[bool, typer.Option("--check", help="Only tell what is stale")] = False,
) -> None:
    """Write the schema, the OpenAPI and AsyncAPI documents and the TypeScript types anew, and
    docs/permissions.md."""
    import oktograph.contracts as documents  # slow to import

    if not check:
        for path in [*documents.write(target), *documents.write_page(docs)]:
            typer.echo(path)
        return
    stale = [*documents.drift(target), *documents.drift_of_page(docs)]
    for line in stale:
        typer.echo(line, err=True)
    if stale:
        typer.echo("Run `make contracts` and commit what changed.", err=True)
        raise typer.Exit(1)


def main() -> None:
    gc.set_threshold(STARTING_THRESHOLD, *gc.get_threshold()[1:])
    app()
