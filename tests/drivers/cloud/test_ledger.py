"""The ledger ends in the same state however deliveries are cut, doubled and shuffled."""

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.sync.ports import BottleState, SyncBatch
from drivers.cloud.simulator.ledger import Ledger
from drivers.upstream.wire import dump, emit_sync
from tests.support.cloud import bottle

# Every version of five bottles; status follows from the version.
HISTORY = [
    bottle(number, version=version, status=version % 6)
    for number in range(5)
    for version in range(1, 5)
]
DELIVERIES = st.lists(
    st.lists(st.sampled_from(HISTORY), min_size=1, max_size=5, unique_by=lambda row: row.id)
)


def _deliver(ledger: Ledger, rows: list[BottleState]) -> tuple[str, ...]:
    batch = SyncBatch.of(bottles=rows)
    body = orjson.loads(dump(emit_sync(batch)))
    receipt = ledger.deliver(batch.idempotency_key, body, {})
    assert not receipt.rejected
    return receipt.accepted


@settings(deadline=None)
@given(DELIVERIES)
def test_the_end_depends_on_the_set_of_states_only(
    deliveries: list[list[BottleState]],
) -> None:
    ledger, expected = Ledger(), dict[str, BottleState]()
    for rows in deliveries:
        assert sorted(_deliver(ledger, rows)) == sorted(row.id for row in rows)
        for row in rows:
            held = expected.get(row.id)
            expected[row.id] = row if held is None or held.version < row.version else held
    assert ledger.bottles == expected

    repeated = deliveries[::-1] + deliveries
    for rows in repeated:
        _deliver(ledger, rows[::-1])
    assert ledger.bottles == expected
