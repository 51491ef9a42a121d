"""What a simulated cloud knows before anyone calls, declared as data."""

from dataclasses import dataclass, field

from domain.sync.ports import CloudCompany, CloudLine
from drivers.cloud.simulator.codes import gtin14


@dataclass(frozen=True, slots=True, kw_only=True)
class CloudUser:
    email: str
    password: str = field(repr=False)
    company_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CloudProduct:
    """`codes_left` is the size of its pool."""

    id: str
    company_id: str
    gtin: str
    codes_left: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisteredDevice:
    """Its codes are those of the product on its line."""

    id: str
    name: str
    company_id: str
    seq_number: str
    device_mode: str
    line_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CloudData:
    """Raises KeyError where one part refers to another that is not there."""

    companies: tuple[CloudCompany, ...]
    users: tuple[CloudUser, ...]
    products: tuple[CloudProduct, ...]
    lines: tuple[CloudLine, ...]
    devices: tuple[RegisteredDevice, ...]

    def __post_init__(self) -> None:
        owned: tuple[CloudUser | CloudProduct | CloudLine | RegisteredDevice, ...]
        owned = (*self.users, *self.products, *self.lines, *self.devices)
        for part in owned:
            self.company(part.company_id)
        for line in self.lines:
            self.product(line.product_id)
        for device in self.devices:
            self.line(device.line_id)

    def company(self, company_id: str) -> CloudCompany:
        return {company.id: company for company in self.companies}[company_id]

    def product(self, product_id: str) -> CloudProduct:
        return {product.id: product for product in self.products}[product_id]

    def line(self, line_id: str) -> CloudLine:
        return {line.id: line for line in self.lines}[line_id]

    def device(self, device_id: str) -> RegisteredDevice | None:
        return next((device for device in self.devices if device.id == device_id), None)


DEMO = CloudData(
    companies=(
        CloudCompany(
            id="company-001", name="Demo Factory LLC", industry="milk", time_zone="Europe/Moscow"
        ),
    ),
    users=(
        CloudUser(
            email="user@company.com",
            password="password123",  # noqa: S106 the documented demo account
            company_id="company-001",
        ),
    ),
    products=(
        CloudProduct(
            id="product-001",
            company_id="company-001",
            gtin=gtin14("0460000000001"),
            codes_left=10_000,
        ),
    ),
    lines=(
        CloudLine(
            id="line-001",
            name="Milk Line A",
            identifier="ML-A",
            company_id="company-001",
            product_id="product-001",
            party="PARTY-001",
        ),
    ),
    devices=(
        RegisteredDevice(
            id="device-001",
            name="Production Line 1",
            company_id="company-001",
            seq_number="001",
            device_mode="scan_bottles",
            line_id="line-001",
        ),
        RegisteredDevice(
            id="device-002",
            name="Quality Control",
            company_id="company-001",
            seq_number="002",
            device_mode="verify",
            line_id="line-001",
        ),
    ),
)
