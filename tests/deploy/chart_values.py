"""Values that the chart is rendered with: the kinds of Redis, everything switched on, as little as possible."""

from typing import Any, TypeAlias

Manifest: TypeAlias = dict[str, Any]

QUEUE_LENGTH: Manifest = {
    "type": "External",
    "external": {
        "metric": {"name": "memoryos_queue_length"},
        "target": {"type": "AverageValue", "averageValue": "500"},
    },
}
SENTINEL: Manifest = {
    "redis": {
        "mode": "sentinel",
        "sentinels": ["sentinel-1:26379", "sentinel-2:26379"],
        "waitReplicas": 1,
        "passwordSecret": {"name": "redis", "key": "password"},
    },
    "qdrant": {"apiKeySecret": {"name": "qdrant", "key": "api-key"}},
}
EVERYTHING: Manifest = {
    **SENTINEL,
    "imagePullSecrets": [{"name": "registry"}],
    "gateway": {
        "autoscaling": {"enabled": False},
        "ingress": {"enabled": True, "className": "nginx", "tlsSecret": "tls"},
        "persistence": {"storageClass": "fast"},
        "podAnnotations": {"example.org/a": "b"},
        "nodeSelector": {"kubernetes.io/arch": "amd64"},
        "tolerations": [{"key": "example.org/a", "operator": "Exists"}],
        "affinity": {"nodeAffinity": {}},
    },
    "worker": {"autoscaling": {"enabled": False}},
    "serviceAccount": {"annotations": {"example.org/a": "b"}},
    "serviceMonitor": {"enabled": True, "labels": {"release": "prometheus"}},
    "networkPolicy": {"gatewayFrom": [{"namespaceSelector": {}}], "workerFrom": [{"podSelector": {}}]},
}
LITTLE: Manifest = {
    "redis": {"mode": "cluster", "url": "rediss://redis:6379"},
    "networkPolicy": {"enabled": False},
    "serviceAccount": {"create": False},
    "existingSecrets": [],
    "worker": {"autoscaling": {"metrics": [QUEUE_LENGTH]}},
}
