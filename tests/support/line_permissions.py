"""Who may what of the line's hardware: documents, variables, roles."""

from typing import Any

EVERYBODY = frozenset({"operator", "manager", "admin", "auditor"})
WORKERS = EVERYBODY - {"auditor"}
Case = tuple[str, dict[str, Any], frozenset[str]]
KIND = "query { hardwareConfiguration(kind: SCANNERS) }"

QUERIES: dict[str, Case] = {
    "hardwareConfiguration": (KIND, {}, EVERYBODY),
    "plcs": ("{ plcs { id } }", {}, EVERYBODY),
    "plcPlaces": ('{ plcPlaces(plcId: "none") { address } }', {}, EVERYBODY),
    "tags": ("{ tags { name } }", {}, EVERYBODY),
    "tag": ('{ tag(name: "none") { name } }', {}, EVERYBODY),
    "ups": ("{ ups { power } }", {}, EVERYBODY),
    "gpio": ("{ gpio { chip } }", {}, EVERYBODY),
    "printers": ("{ printers { name } }", {}, EVERYBODY),
    "labelTemplates": ("{ labelTemplates(printer: 0) { name } }", {}, EVERYBODY),
    "labelPreview": ("{ labelPreview(input: {printer: 0}) { png } }", {}, EVERYBODY),
    "lines": ("{ lines { id } }", {}, EVERYBODY),
}
MUTATIONS: dict[str, Case] = {
    "setScanners": ("mutation { setScanners(scanners: []) { name } }", {}, WORKERS),
    "setPlcs": ("mutation { setPlcs(plcs: []) { id } }", {}, WORKERS),
    "setPlcBindings": ("mutation { setPlcBindings(bindings: []) { name } }", {}, WORKERS),
    "setLines": ("mutation { setLines(lines: []) { id } }", {}, WORKERS),
    "testScanner": ("mutation { testScanner(index: 0) { state } }", {}, WORKERS),
    "testPlc": ('mutation { testPlc(id: "none") { state } }', {}, WORKERS),
    "writeTag": ('mutation { writeTag(name: "none", value: 1) { name } }', {}, WORKERS),
    "setUps": ("mutation { setUps { name } }", {}, WORKERS),
    "setGpio": ("mutation { setGpio { chip } }", {}, WORKERS),
    "testUps": ("mutation { testUps { outcome } }", {}, WORKERS),
    "simulateUps": ("mutation { simulateUps(onBattery: true) { power } }", {}, WORKERS),
    "pressButton": ('mutation { pressButton(name: "none") { chip } }', {}, WORKERS),
    "setLed": ('mutation { setLed(name: "none", on: true) { chip } }', {}, WORKERS),
    "setPrinters": ("mutation { setPrinters(printers: []) { name } }", {}, WORKERS),
    "print": ("mutation { print(input: {printer: 0}) { jobId } }", {}, WORKERS),
    "testPrinter": ("mutation { testPrinter(index: 0) { jobId } }", {}, WORKERS),
    "saveLabelTemplate": (
        'mutation { saveLabelTemplate(input: {printer: 0, name: "a", body: "b"}) { name } }',
        {},
        WORKERS,
    ),
    "removeLabelTemplate": (
        'mutation { removeLabelTemplate(printer: 0, name: "a") }',
        {},
        WORKERS,
    ),
    "stopLine": ('mutation { stopLine(id: "none", reason: "a test") { id } }', {}, WORKERS),
    "startLine": ('mutation { startLine(id: "none") { id } }', {}, WORKERS),
}
