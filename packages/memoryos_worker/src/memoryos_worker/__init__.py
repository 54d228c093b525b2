"""The worker process of MemoryOS: consumes events beside the gateways."""

from importlib.metadata import version

__version__ = version("memoryos_worker")
