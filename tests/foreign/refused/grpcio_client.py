"""Makes one call on grpcio, as a client that the worker refuses: `grpcio_client.py PORT`, in a folder with `ca.pem`
and, where the client has a certificate, `cert.pem` and `key.pem`. Prints the error."""

import os
import sys

import grpc


def read(name):
    if not os.path.exists(name):
        return None
    with open(name, "rb") as file:
        return file.read()


credentials = grpc.ssl_channel_credentials(read("ca.pem"), read("key.pem"), read("cert.pem"))
with grpc.secure_channel(f"localhost:{sys.argv[1]}", credentials) as channel:
    echo = channel.unary_unary("/selvage.test.v1.EchoService/Echo")
    try:
        echo(b"", timeout=60)
    except grpc.RpcError as error:
        sys.exit(f"{error.code().name} {error.details()}")
