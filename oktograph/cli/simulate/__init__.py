"""`oktograph simulate`: one module a kind of device, each of which adds its command to `app`."""

import typer

from oktograph.cli.simulate import gateway, gpio, others, plc, printer, scanner, tell, ups

app = typer.Typer(
    help="A device of the line, the cloud or edges alone, on real sockets: to try your "
    "configuration. A device says where it is and what to configure, obeys words on its standard "
    "input (`help` lists them), and ends on Ctrl-C.",
    no_args_is_help=True,
)
app.command("scanner")(scanner.scanner)
app.command("plc")(plc.plc)
app.command("printer")(printer.printer)
app.command("ups")(ups.ups)
app.command("gpio")(gpio.gpio)
app.command("gateway")(gateway.gateway)
app.command("cloud")(others.cloud)
app.command("edges")(others.edges)
app.command("tell")(tell.tell)
