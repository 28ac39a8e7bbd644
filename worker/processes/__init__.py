"""The training process: started, confined, spoken to and stopped."""
