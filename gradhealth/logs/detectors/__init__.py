"""One problem a module, judged from a log: against the run's own history."""
