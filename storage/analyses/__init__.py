"""The resource that is analysed: its row, its result, its events; lists of them."""
