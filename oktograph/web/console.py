"""What GraphiQL opens with: sign in, look, act, listen."""

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
LINE = """query Line {
  lines { id state reason }
  tags { name value unit quality }
  scanners { name role state }
  plcs { name protocol link { state } }
  printers { name conditions jobsQueued link { state } }
  ups { power batteryPercent link { state } }
  gpio { buttons { name presses } leds { name lit } }
}
"""
ALARMS = """# What asks for somebody at the line. In the demo, from a shell:
# oktograph simulate tell ups outage (and: ups restore)
subscription LiveAlarms {
  alarms {
    cursor
    previousState
    alarm { kind source priority state active message }
  }
}
"""
FLEET = """query Fleet {
  overview {
    bottlesToday
    batchesToday
    palletsToday
    devicesOnline
    devicesOffline
    syncQueueTotal
  }
  devices(first: 20) {
    edges {
      node {
        identifier
        status
        firmwareVersion
        lastHeartbeatAt
        groups { name }
      }
    }
  }
  rollouts(first: 1) {
    edges {
      node {
        name
        state
        groups { name state counts { state count } }
      }
    }
  }
}
"""
COMMAND = """# Waits until the edge has done it.
mutation ForceSync {
  dispatchCommand(input: { deviceId: "edge-001", type: FORCE_SYNC }) {
    status
    result
    createdAt
    finishedAt
  }
}
"""
FIGURES = """# The dashboard's figures, every second.
subscription Metrics {
  metrics(intervalMs: 1000) {
    at
    bottlesPerMinute
    bottlesToday
    palletsToday
    devicesOnline
    syncQueueTotal
  }
}
"""


def edge_operations(*, demo: bool) -> tuple[str, ...]:
    """Outside the demo there is no account to fill in, and perhaps no hardware."""
    first = (_sign_in("operator", demo=demo), LOOK, LISTEN)
    return (*first, LINE, ALARMS) if demo else first


def factory_operations(*, demo: bool) -> tuple[str, ...]:
    return _sign_in("manager", demo=demo), FLEET, COMMAND, FIGURES


def _sign_in(username: str, *, demo: bool) -> str:
    account = (username, f"{username}123") if demo else ("", "")
    return SIGN_IN.format(username=account[0], password=account[1])
