"""What schemathesis cannot know: how a marking code looks. Loaded by its command line."""

from random import Random

import schemathesis
from hypothesis import strategies as st

from domain.production.codes import DEFAULT_CATALOGUE, generate_code

MILK = DEFAULT_CATALOGUE.profile("milk")
codes = st.integers(0, 2**32 - 1).map(lambda seed: generate_code(MILK, Random(seed)))
schemathesis.openapi.format("marking-code", codes)
