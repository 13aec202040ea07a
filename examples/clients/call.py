"""Calls a routine with httpx: HTTP/2, mutual TLS and JSON.

Usage: call.py HOST:PORT ROUTINE JSON-ARGUMENTS, in a folder with ca.pem, cert.pem and key.pem.
Needs: pip install "httpx[http2]==0.28.1"
"""
import json
import ssl
import sys

import httpx

address, routine, arguments = sys.argv[1:4]
context = ssl.create_default_context(cafile="ca.pem")
context.load_cert_chain("cert.pem", "key.pem")
with httpx.Client(http1=False, http2=True, verify=context, timeout=30) as client:
    response = client.post(
        f"https://{address}/selvage.v1.WorkerService/Call",
        json={"routine": routine, "arguments": {"json": arguments}},
    )
answer = response.json()
if response.status_code != 200:
    sys.exit(f"{answer['code']}: {answer.get('message', '')}")
print(json.dumps(json.loads(answer["result"]["json"])))
