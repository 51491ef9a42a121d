"""What a job begins and ends with, and at which gateways.

Times are microseconds since the epoch, UTC.
"""

from sqlalchemy import BigInteger, ForeignKeyConstraint
from sqlmodel import Field, SQLModel, UniqueConstraint

from domain.kernel.columns import BY_KEY, IdColumn


class JobConfiguration(SQLModel, table=True):
    """`start_barcode` and `end_barcode` are what the codes begin with. `version` counts changes
    from 0."""

    __tablename__ = "job_configuration"
    __table_args__ = (
        UniqueConstraint("customer_id", "name", name="uq_job_configuration_name"),
        UniqueConstraint("customer_id", "id", name="uq_job_configuration_customer"),
    )

    id: str = Field(primary_key=True, sa_type=IdColumn)
    customer_id: int = Field(foreign_key="customer.id")
    name: str = Field(max_length=128)
    start_barcode: str = Field(max_length=256)
    end_barcode: str = Field(max_length=256)
    version: int = 0
    created_at_us: int = Field(sa_type=BigInteger)
    updated_at_us: int = Field(sa_type=BigInteger)


class JobGateway(SQLModel, table=True):
    """A gateway of a configuration, as people named it: by its id, its serial number or its thing
    name, and maybe before it was there. `position` keeps their order."""

    __tablename__ = "job_gateway"
    __table_args__ = (
        ForeignKeyConstraint(
            ["customer_id", "configuration_id"],
            ["job_configuration.customer_id", "job_configuration.id"],
            name="fk_job_gateway_configuration",
        ),
        BY_KEY,
    )

    customer_id: int = Field(primary_key=True)
    configuration_id: str = Field(primary_key=True, sa_type=IdColumn)
    position: int = Field(primary_key=True)
    gateway: str = Field(max_length=128)


class JobList(SQLModel, table=True):
    """How often a customer's configurations have changed: the version of their list. Whoever
    changes one holds this row first, so that they come one after the other."""

    __tablename__ = "job_list"

    customer_id: int = Field(primary_key=True, foreign_key="customer.id")
    version: int = Field(sa_type=BigInteger)
