"""What operators see: readiness, metrics and log lines."""
