"""Steps of a rollout go once it is over and old; what became of each device stays."""

from domain.kernel.actor import system_actor
from domain.kernel.retention import Trimmed
from domain.software.commands import CreateRollout
from domain.software.models import TargetState
from domain.software.repository import targets
from graph.software import resolvers
from tests.support.software import Factory

FAR_US = 2**52
STEPS = (TargetState.DOWNLOADING, TargetState.INSTALLING, TargetState.SUCCEEDED)


async def trim(factory: Factory, before_us: int = FAR_US) -> Trimmed:
    async with factory.services.transactions.begin(system_actor("test", 0)) as work:
        return await targets.trim_steps(work.session, before_us, 100)


async def test_steps_of_what_is_over_go(factory: Factory) -> None:
    release = await factory.upload()
    ids = await factory.add_devices(2)
    command = CreateRollout.of(release_id=release.id, name="night", device_ids=tuple(ids))
    made = await resolvers.create_rollout(factory.context(), command)
    await resolvers.start_rollout(factory.context(), made.rollout.id)
    await factory.sweeper().sweep()
    for target in await factory.targets(made.rollout.id):
        for step in STEPS:
            await factory.report(target, step)
    assert await trim(factory) == Trimmed(0, more=False), "it has not ended yet"
    await factory.sweeper().sweep()
    assert str((await factory.progress(made.rollout.id)).rollout.state) == "FINISHED"
    assert await trim(factory, before_us=0) == Trimmed(0, more=False)
    assert await trim(factory) == Trimmed(2 * len(STEPS), more=False)
    ended = await factory.targets(made.rollout.id)
    assert [str(one.state) for one in ended] == ["SUCCEEDED"] * 2
