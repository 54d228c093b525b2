"""The facade itself: Qdrant's own client works with it, and it refuses what a server would not take."""

import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import msgspec
import pytest
from qdrant_client import AsyncQdrantClient, models
from qdrant_client.http.exceptions import UnexpectedResponse

from tests.support.qdrant_facade.process import QdrantFacade

ID = "5c56c793-69f3-4fbf-87e6-c4bf54c28c26"


async def test_the_official_client_works_with_it(facade: QdrantFacade, tmp_path: Path) -> None:
    client = AsyncQdrantClient(url=facade.url, check_compatibility=False)
    name = f"c:{tmp_path.name}"
    vectors = {"text": models.VectorParams(size=2, distance=models.Distance.COSINE)}
    words = {"terms": models.SparseVectorParams(modifier=models.Modifier.IDF)}
    await client.create_collection(name, vectors, sparse_vectors_config=words, metadata={"made": "here"})
    try:
        await client.create_payload_index(
            name, "color", models.KeywordIndexParams(type=models.KeywordIndexType.KEYWORD, is_tenant=True)
        )
        vector: Any = {"text": [1.0, 0.0], "terms": models.SparseVector(indices=[7], values=[2.0])}
        point = models.PointStruct(id=ID, vector=vector, payload={"color": "red"})
        await client.batch_update_points(name, [models.UpsertOperation(upsert=models.PointsList(points=[point]))])

        red = models.Filter(must=[models.FieldCondition(key="color", match=models.MatchValue(value="red"))])
        request = models.QueryRequest(query=[1.0, 0.0], using="text", filter=red, limit=1, with_payload=True)
        (found,) = (await client.query_batch_points(name, [request]))[0].points
        assert (found.id, found.payload) == (ID, {"color": "red"})
        assert found.score == pytest.approx(1.0)
        (stored,) = await client.retrieve(name, [ID], with_vectors=True)
        assert isinstance(stored.vector, dict)
        assert stored.vector["terms"] == models.SparseVector(indices=[7], values=[2.0])
        assert (await client.count(name, red)).count == 1
        assert (await client.scroll(name, limit=5))[0][0].payload == {"color": "red"}
        described = await client.http.client.request(type_=dict, method="GET", url=f"/collections/{name}")
        assert described["result"]["config"]["metadata"] == {"made": "here"}
        assert described["result"]["payload_schema"]["color"]["data_type"] == "keyword"
        with pytest.raises(UnexpectedResponse) as caught:
            await client.create_collection(name, vectors)
        assert caught.value.status_code == 409
    finally:
        assert await client.delete_collection(name)
        await client.close()


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/collections/none", None, 404),
        ("POST", "/collections/none/points", {"ids": []}, 404),
        ("POST", "/collections/none/points/query/batch", {"searches": [{"unknown": 1}]}, 400),
        ("POST", "/collections/none/points/count", {"filter": {"must": [{"key": "a", "equals": 1}]}}, 400),
        ("PUT", "/collections/none", b"{", 400),
        ("GET", "/nowhere", None, 404),
        ("POST", "/collections", {}, 405),
    ],
)
def test_a_refusal_looks_like_qdrants(facade: QdrantFacade, method: str, path: str, body: Any, status: int) -> None:
    content = body if isinstance(body, bytes) or body is None else msgspec.json.encode(body)
    request = urllib.request.Request(facade.url + path, data=content, method=method)

    with pytest.raises(urllib.error.HTTPError) as caught, urllib.request.urlopen(request, timeout=10):
        pass

    with caught.value as answer:
        assert answer.code == status
        assert msgspec.json.decode(answer.read())["status"]["error"]
