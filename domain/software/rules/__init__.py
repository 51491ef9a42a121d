"""What software may do: versions, ways between them, grouping, states, windows. Pure decisions."""
