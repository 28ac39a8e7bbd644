"""How the programs of the product tell what they do: log lines and traces."""
