#!/usr/bin/env bash
# Exits 0 when the Qdrant of this container is ready. Its image has neither curl nor wget (qdrant issues 3491 and 4250):
# bash itself opens the connection and reads the status line.
set -euo pipefail

exec 3<>"/dev/tcp/127.0.0.1/${QDRANT__SERVICE__HTTP_PORT:-6333}"
printf 'GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n' >&3
read -r _ status _ <&3
[ "$status" = 200 ]
