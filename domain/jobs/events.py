"""Facts of jobs, past tense. The key is the configuration's id, the payload the row as it
became."""

from typing import Final

STREAM: Final = "jobs"

# {configuration}
CREATED: Final = "job_configuration.created"
UPDATED: Final = "job_configuration.updated"
DELETED: Final = "job_configuration.deleted"
