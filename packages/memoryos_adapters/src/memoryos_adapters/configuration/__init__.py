"""From config.toml, the environment and flags to checked `Settings`; `loading` is the way in."""
