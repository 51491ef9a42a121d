"""Applications, their releases, the ways between versions, and rollouts over devices."""
