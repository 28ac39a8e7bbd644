"""What a pipeline demands of results: a policy, and a baseline to compare with."""
