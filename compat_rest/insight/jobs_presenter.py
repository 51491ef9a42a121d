"""Jobs as Insight's API shows them. Its oddities:

- a configuration's `class` is `jobconfig`, which is not among the documented classes;
- the list is in one piece, whatever its envelope says of pages, and its ETag is the version of the
  list, which changes with every configuration that comes, goes or changes;
- a configuration's gateways come back as they were named, also in an analysis;
- the documented analysis ends before it begins: such a window holds no job and is no mistake.
"""

from collections.abc import Mapping
from typing import Any

from compat_rest.insight.ids import shown
from domain.jobs.rows import JobConfigurationList, JobConfigurationRow, JobRow

Body = dict[str, Any]
LISTED = "Job configurations"


def job_config(row: JobConfigurationRow) -> Body:
    return {
        "job_config_id": shown(row.id),
        "job_name": row.name,
        "created": row.created_at_us // 1000,
        "last_updated": row.updated_at_us // 1000,
        "start_barcode": row.start_barcode,
        "end_barcode": row.end_barcode,
        "gateway_ids": list(row.gateways),
        "class": "jobconfig",
        "version": row.version,
    }


def etag(found: JobConfigurationList) -> Mapping[str, str]:
    return {"ETag": f'"{found.version}"'}


def job(row: JobRow) -> Body:
    return {
        "start_time": row.start_us // 1000,
        "end_time": row.end_us // 1000,
        "start_event_id": shown(row.start_scan_id),
        "end_event_id": shown(row.end_scan_id),
    }
