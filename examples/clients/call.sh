#!/bin/sh
# Calls a routine with curl: HTTP/2, mutual TLS and JSON. Usage: call.sh HOST:PORT ROUTINE JSON-ARGUMENTS, in a folder
# with ca.pem, cert.pem and key.pem. The arguments travel as JSON within JSON, and so does the result.
set -eu
arguments=$(printf '%s' "$3" | sed 's/\\/\\\\/g; s/"/\\"/g')
curl --silent --show-error --fail-with-body --http2 --max-time 30 \
  --cacert ca.pem --cert cert.pem --key key.pem \
  --header 'content-type: application/json' \
  --data "{\"routine\":\"$2\",\"arguments\":{\"json\":\"$arguments\"}}" \
  "https://$1/selvage.v1.WorkerService/Call"
