"""What an OPC UA server is reached with."""

from drivers.configuration import DeviceModel


class OpcUaSettings(DeviceModel):
    """Nothing yet."""
