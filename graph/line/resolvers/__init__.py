"""Use cases of the line and of the edge at it: authorise, then one unit of work or one read; every
face calls these."""

from graph.line.resolvers.alarms import (
    acknowledge_alarm,
    acknowledge_all_alarms,
    alarm,
    alarms,
    count_alarms,
    return_alarm_to_service,
    shelve_alarm,
    take_alarm_out_of_service,
    unshelve_alarm,
)
from graph.line.resolvers.edge import (
    Health,
    change_overrides,
    clear_overrides,
    edge_status,
    health,
    overrides,
    reload_configuration,
    scanner_catalogue,
)
from graph.line.resolvers.hardware import (
    configure,
    configured,
    lines,
    scanners,
    start_line,
    stop_line,
    test_device,
)
from graph.line.resolvers.plcs import plc_tags, plcs, read_tag, tag_values, write_tag

__all__ = [
    "Health",
    "acknowledge_alarm",
    "acknowledge_all_alarms",
    "alarm",
    "alarms",
    "change_overrides",
    "clear_overrides",
    "configure",
    "configured",
    "count_alarms",
    "edge_status",
    "health",
    "lines",
    "overrides",
    "plc_tags",
    "plcs",
    "read_tag",
    "reload_configuration",
    "return_alarm_to_service",
    "scanner_catalogue",
    "scanners",
    "shelve_alarm",
    "start_line",
    "stop_line",
    "tag_values",
    "take_alarm_out_of_service",
    "test_device",
    "unshelve_alarm",
    "write_tag",
]
