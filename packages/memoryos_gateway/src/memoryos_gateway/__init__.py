"""The OpenAI-compatible gateway of MemoryOS: its wire, its routes, its process."""

from importlib.metadata import version

__version__ = version("memoryos_gateway")
