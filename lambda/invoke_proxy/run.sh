#!/bin/sh
# Starts the proxy behind the AWS Lambda Web Adapter: the function's handler.
cd "$(dirname "$0")" || exit 1
exec python -m uvicorn invoke_proxy.app:app \
  --host 127.0.0.1 --port "${AWS_LWA_PORT:-8080}" \
  --no-access-log --no-server-header --no-date-header --no-proxy-headers --log-level warning \
  --http invoke_proxy.http.connection:ClientConnection --ws none --lifespan on \
  --timeout-keep-alive 75 --timeout-graceful-shutdown 5
