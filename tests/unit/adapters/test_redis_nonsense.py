"""What answers as Redis never does: each failure is one of ours, whatever the client library stumbles over."""

from typing import Literal

import pytest

from memoryos_ports.errors import UpstreamError
from tests.support.redis_log import open_redis
from tests.unit.adapters.odd_servers import answering

ANSWERS = (
    b"-MOVED\r\n",
    b"-MOVED 1 \r\n",
    b"-ASK\r\n",
    b"-\r\n",
    b"\x00\xff\xfe\r\n",
    b"*-1\r\n",
    b"-ERR \xff\xfe\r\n",
)


@pytest.mark.parametrize("mode", ["standalone", "cluster"])
@pytest.mark.parametrize("answer", ANSWERS)
async def test_an_answer_that_makes_no_sense_is_an_error_of_the_server(
    answer: bytes, mode: Literal["standalone", "cluster"]
) -> None:
    database = 1 if mode == "standalone" else 0  # chosen as the connection is made
    async with (
        answering(answer) as (address,),
        open_redis(f"redis://{address}/{database}", mode=mode, timeout_s=0.5) as redis,
    ):
        for call in (redis.ping, lambda: redis.execute("GET", "a"), lambda: redis.pipeline([("GET", "a")])):
            with pytest.raises(UpstreamError):
                await call()
