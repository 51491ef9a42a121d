"""Printers as the OKTO edge API shows them. Their oddities, beside those of all hardware:

- a test is a label: the printer's name, and a code of it that a scanner can try;
- `code` of a print is the parameter of that name; which template, `template` says, or there is one
  named `default`, or only one;
- PUT of a template makes it where there is none; POST of one that is there is 409.
"""

from typing import Any

import orjson

from compat_rest.kernel.okto.presenter import Body, data
from compat_rest.okto_edge.hardware_presenter import link
from domain.kernel.clock import iso
from domain.line.ports import Printed, PrinterCatalogue, PrinterStatus
from domain.line.rows import TemplateRow


def configured(found: Any) -> Body:
    return data(found)


def schema(found: PrinterCatalogue) -> Body:
    return data({"models": dict(found.parameters)})


def printer(status: PrinterStatus) -> Body:
    at_us = status.observed_at_us
    return data(
        {
            "index": status.index,
            "name": status.name,
            "model": status.model,
            "lineId": status.line_id,
            "address": status.address,
            "online": status.link.connected,
            "answered": status.answered,
            "printing": status.printing,
            "conditions": list(status.conditions),
            "jobsQueued": status.jobs_queued,
            "observedAt": None if at_us is None else iso(at_us),
            "link": link(status.link),
        }
    )


def printed(done: Printed) -> Body:
    return data(
        {
            "jobId": done.job_id,
            "template": done.template,
            "labels": done.labels,
            "confirmation": done.confirmation,
            "finishedAt": iso(done.finished_at_us),
        }
    )


def template(row: TemplateRow) -> Body:
    return data(_template(row))


def templates(rows: list[TemplateRow]) -> Body:
    return data([_template(row) for row in rows])


def removed(name: str) -> Body:
    return data({"removed": name})


def catalogue(found: PrinterCatalogue) -> Body:
    return data(
        {
            "models": list(found.models),
            "maxPrinters": found.most,
            "parameters": dict(found.parameters),
            "schemas": dict(found.schemas),
            "templateSchema": dict(found.template_schema),
        }
    )


def _template(row: TemplateRow) -> Body:
    document = orjson.loads(row.document)
    return {
        "name": row.name,
        "body": document["body"],
        "parameters": document["parameters"],
        "description": document["description"],
        "changedAt": iso(row.changed_at_us),
        "changedBy": row.changed_by,
    }
