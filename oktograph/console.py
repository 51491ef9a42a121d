"""What GraphiQL opens with: sign in, look, listen."""

SIGN_IN = """# Run this first: this page then keeps the token and uses it in every tab.
mutation SignIn {{
  login(username: "{username}", password: "{password}") {{
    token
    user {{ displayName role }}
  }}
}}
"""
LOOK = """query LatestBottles {
  bottles(first: 10) {
    totalCount
    edges {
      node {
        identifier
        status
        createdAt
        batch { identifier status bottleCount }
      }
    }
  }
}
"""
LISTEN = """# Every read as it is recorded.
# With `after` (a cursor) it first sends what came since.
subscription LiveScans {
  scans {
    cursor
    scan {
      timestamp
      valid
      duplicate
      reason
      code
      bottle { id status }
    }
  }
}
"""


def first_operations(*, demo: bool) -> tuple[str, ...]:
    """Outside the demo there is no account to fill in."""
    account = ("operator", "operator123") if demo else ("", "")
    return SIGN_IN.format(username=account[0], password=account[1]), LOOK, LISTEN
