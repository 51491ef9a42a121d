STARTED = "sync.started"
COMPLETED = "sync.completed"
FAILED = "sync.failed"
