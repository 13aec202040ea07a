#!/usr/bin/env bash
# curl and a whole answer that comes before the request's body, over HTTP/2.
#
# A server may answer a request whose body it does not need, and then ask the client to stop with RST_STREAM and
# NO_ERROR (RFC 9113 section 8.1: the client must not discard the answer for that). Debian 12's curl 7.88.1
# (7.88.1-10+deb12u14) loses the answer where its body is still to come: no status and no headers, "(52) Empty reply
# from server" for a body that it reads from a pipe, and for one that it has, now and then, "(92) Stream error in the
# HTTP/2 framing layer". So a status such as 401, 403 or 404 of a POST may show as a broken connection.
#
# Needs Node and curl with HTTP/2 (as root it installs Debian's). A server of Node answers 404 and resets; curl sends
# a body that comes 0.3 s later, and then none. Exits 0 while the first shows no status, and the second 404; 1 once
# that has changed. Output seen (Node 20.20.2): "body later: 000, exit 52; no body: 404, exit 0".
set -euo pipefail
folder=$(mktemp -d)
cd "$folder"
command -v curl >/dev/null || apt-get install -y --no-install-recommends curl >/dev/null
cat >server.mjs <<'JS'
import { constants, createServer } from "node:http2";
import { writeFileSync } from "node:fs";
const server = createServer();
server.on("stream", (stream) => {
  stream.on("error", () => {});
  stream.respond({ ":status": 404 }, { endStream: true });
  stream.close(constants.NGHTTP2_NO_ERROR);
});
server.listen(0, "127.0.0.1", () => writeFileSync("port", String(server.address().port)));
JS
node server.mjs &
trap 'kill %1; rm -rf "$folder"' EXIT
until [ -s port ]; do sleep 0.05; done
ask() {
  curl --silent --http2-prior-knowledge --max-time 10 --write-out '%{http_code}' "$@" "http://127.0.0.1:$(cat port)/"
}
later=0 none=0
with_body=$({ sleep 0.3; echo body; } | ask -X POST -T -) || later=$?
without=$(ask) || none=$?
echo "body later: $with_body, exit $later; no body: $without, exit $none"
[ "$with_body $later $without $none" = "000 52 404 0" ]
