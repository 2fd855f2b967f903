"""Names of what the supervisor writes, for those who only read."""

STATUS = "supervisor.json"
