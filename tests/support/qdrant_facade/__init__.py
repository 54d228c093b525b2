"""Qdrant's REST API over the real engine, for tests and demonstrations on machines without a Qdrant server.

::

    python -m tests.support.qdrant_facade --port 6333 --path DIR [--api-key KEY]

Several processes can so share an index, whose engine (qdrant-edge) opens in one process only. It serves what the
memory index needs: collections, payload indexes, batches of writes and of queries, retrieve, scroll, count. Requests
are read with the models of Qdrant's official client, which refuse what a server would not take; nothing of our own
adapter is used. Each collection is one shard: there are no replicas, no snapshots, and every search is exact.
A kill (-9) loses nothing that was answered, as the engine's log has it.
"""
