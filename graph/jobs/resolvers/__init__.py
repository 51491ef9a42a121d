"""Use cases of jobs; every face calls these."""

from graph.jobs.resolvers.exports import (
    Download,
    Lines,
    count_export_tasks,
    download_export,
    download_scans,
    export_link,
    export_scans,
    export_task,
    export_tasks,
    scans_link,
)

__all__ = [
    "Download",
    "Lines",
    "count_export_tasks",
    "download_export",
    "download_scans",
    "export_link",
    "export_scans",
    "export_task",
    "export_tasks",
    "scans_link",
]
