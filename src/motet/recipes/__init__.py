"""The ready recipes, as YAML."""
