"""One of each type of the fleet and its software that `node` finds, at a factory."""

from collections.abc import AsyncIterator

from domain.software.commands import UploadRelease
from graph.pagination import global_id
from graph.software import resolvers
from tests.support.clients import Client
from tests.support.factory import FactoryServer
from tests.support.gateways import scanner_heard

TYPES = {
    "Application",
    "Deployment",
    "Device",
    "DeviceCommand",
    "DeviceConfigFile",
    "DeviceGroup",
    "DeviceLogEntry",
    "DeviceStatusChange",
    "EndpointFilter",
    "Gateway",
    "GatewayScanner",
    "JobConfiguration",
    "Release",
    "Rollout",
    "RolloutGroup",
    "RolloutTarget",
}
REGISTER = """mutation ($identifier: String!) {
  registerDevice(input: {identifier: $identifier}) { id identifier number } }"""
GROUP = """mutation ($name: String!, $devices: [ID!]!) {
  createDeviceGroup(input: {name: $name, deviceIds: $devices}) { id } }"""
DISPATCH = """mutation ($device: ID!) {
  dispatchCommand(input: {deviceId: $device, type: FORCE_SYNC, timeoutMs: 0}) { id status } }"""
LOG = """mutation ($device: ID!) {
  recordDeviceLogs(input: {deviceId: $device, entries: [{message: "a word"}]}) }"""
STATUS = """mutation ($device: ID!) {
  setDeviceStatus(input: {id: $device, status: MAINTENANCE}) { id } }"""
ROLLOUT = """mutation ($release: ID!, $devices: [ID!]!) {
  createRollout(input: {releaseId: $release, name: "all", deviceIds: $devices}) {
    id groups { id targets { edges { node { id } } } } } }"""
DEPLOY = """mutation ($release: ID!, $devices: [ID!]!) {
  deploy(input: {releaseId: $release, deviceIds: $devices}) { id } }"""
FILE = """mutation {
  putDeviceConfigFile(input: {identifier: "a", name: "a.bin", content: "eA=="}) { id } }"""
JOB = """mutation {
  createJobConfiguration(input: {name: "a", startBarcode: "1", endBarcode: "2"}) { id } }"""
GATEWAY = """mutation { createGateway(
  input: {name: "Gateway1", usecase: "Picking", station: "Station3"}) { id uuid } }"""
FILTER = """mutation {
  createEndpointFilter(input: {name: "pilots", query: {kind: EDGE}}) { id } }"""
READ = """query ($device: ID!) {
  deviceStatusHistory(deviceId: $device, first: 1) { id }
  deviceLogs(deviceId: $device, first: 1) { edges { node { id } } }
  releases(first: 1) { edges { node { id } } }
  applications(first: 1) { edges { node { id } } } }"""


async def some_bytes(content: bytes = b"firmware") -> AsyncIterator[bytes]:
    yield content


async def uploaded(factory: FactoryServer, version: str = "2.0.0") -> str:
    """The plain id of a release of the edge's own software."""
    context = factory.context(await factory.actor("manager"))
    command = UploadRelease.of(version=version, filename=f"edge-{version}.bin")
    return (await resolvers.upload_release(context, command, some_bytes())).id


async def one_of_each(factory: FactoryServer, manager: Client) -> dict[str, str]:
    """Global ids by type."""
    device = (await manager.ask(REGISTER, identifier="press-1"))["registerDevice"]["id"]
    named = {"release": await uploaded(factory), "devices": [device]}
    group = await manager.ask(GROUP, name="presses", devices=[device])
    command = await manager.ask(DISPATCH, device=device)
    await manager.ask(LOG, device=device)
    await manager.ask(STATUS, device=device)
    pilots = (await manager.ask(FILTER))["createEndpointFilter"]["id"]
    deployment = (await manager.ask(DEPLOY, **named))["deploy"]["id"]
    rollout = (await manager.ask(ROLLOUT, **named))["createRollout"]
    gateway = (await manager.ask(GATEWAY))["createGateway"]
    scanner = await scanner_heard(factory, gateway["uuid"])
    found = await manager.ask(READ, device=device)
    return {
        "Application": found["applications"]["edges"][0]["node"]["id"],
        "Deployment": deployment,
        "Device": device,
        "DeviceCommand": command["dispatchCommand"]["id"],
        "DeviceConfigFile": (await manager.ask(FILE))["putDeviceConfigFile"]["id"],
        "DeviceGroup": group["createDeviceGroup"]["id"],
        "DeviceLogEntry": found["deviceLogs"]["edges"][0]["node"]["id"],
        "DeviceStatusChange": found["deviceStatusHistory"][0]["id"],
        "JobConfiguration": (await manager.ask(JOB))["createJobConfiguration"]["id"],
        "Gateway": gateway["id"],
        "GatewayScanner": global_id("GatewayScanner", scanner.id),
        "EndpointFilter": pilots,
        "Release": found["releases"]["edges"][0]["node"]["id"],
        "Rollout": rollout["id"],
        "RolloutGroup": rollout["groups"][0]["id"],
        "RolloutTarget": rollout["groups"][0]["targets"]["edges"][0]["node"]["id"],
    }
