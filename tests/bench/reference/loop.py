"""Lambda's loop for a Python handler: imports `module.function`, then answers event after event.

python loop.py ingestion.lambda_handler
"""

import http.client
import importlib
import json
import os
import sys

module, _, name = sys.argv[1].partition(".")
handler = getattr(importlib.import_module(module), name)
api = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
while True:
    api.request("GET", "/2018-06-01/runtime/invocation/next")
    response = api.getresponse()
    event = json.loads(response.read())
    request_id = response.headers["Lambda-Runtime-Aws-Request-Id"]
    answer = json.dumps(handler(event, None)).encode()
    api.request("POST", f"/2018-06-01/runtime/invocation/{request_id}/response", answer)
    api.getresponse().read()
