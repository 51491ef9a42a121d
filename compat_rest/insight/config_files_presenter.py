"""Device config files as Insight's API shows them. Its oddities:

- their `class` is `device`, as in the documented bodies, not `device_config`;
- the list has neither items nor pages but `configs`, all of them;
- PUT answers 200 whether the file is new or not;
- DELETE answers 204 also where there is no such file: no 404 is documented;
- a file comes back with the Content-Type that it came with, whatever that is, as an attachment,
  so that no browser takes it for a page of this server;
- `generate-download-url` is documented with OPTIONS alone: what POST takes and answers is ours, in
  the words of the export's link.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from domain.fleet.config_files.rows import ConfigFileRow

Body = dict[str, Any]


def device_config(row: ConfigFileRow) -> Body:
    return {
        "id": row.identifier,
        "class": "device",
        "name": row.name,
        "last_modified": row.updated_at_us // 1000,
        "created": row.created_at_us // 1000,
        "file_size": row.size_bytes,
    }


def device_configs(rows: Sequence[ConfigFileRow]) -> Body:
    return {"configs": [device_config(row) for row in rows]}


def download_link(url: str) -> Body:
    return {"download_link": url}


def file_headers(row: ConfigFileRow) -> Mapping[str, str]:
    """The name in both ways of RFC 6266: plain for old clients, whole for all others."""
    plain = "".join(one if one.isascii() and one not in '"%' else "_" for one in row.name)
    name = f"filename=\"{plain}\"; filename*=UTF-8''{quote(row.name, safe='')}"
    return {
        "Content-Type": row.media_type,
        "Content-Length": str(row.size_bytes),
        "Content-Disposition": f"attachment; {name}",
        "ETag": f'"{row.sha256}"',
        "X-Content-Type-Options": "nosniff",
        # It may hold secrets, and so does a link to it.
        "Cache-Control": "private, no-store",
    }
