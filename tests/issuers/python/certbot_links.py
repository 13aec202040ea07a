"""Has certbot's own storage keep a lineage and deploy each version: certbot_links.py FOLDER, versions
on standard input, a folder a line."""

import pathlib
import sys

from certbot._internal import cli, storage
from certbot._internal.plugins import disco

NAME = "worker.example"


def read(version):
    # The test's certificates are issued by the root, so that the chain beside the leaf is empty.
    return (version / "cert.pem").read_bytes(), (version / "key.pem").read_bytes(), b""


def main(folder):
    arguments = [
        "certonly", "--quiet", "--config-dir", str(folder),
        "--work-dir", str(folder / "work"), "--logs-dir", str(folder / "logs"),
    ]
    config = cli.prepare_and_parse_args(disco.PluginsRegistry.find_all(), arguments)
    lineage = None
    for line in sys.stdin:
        version = pathlib.Path(line.rstrip("\n"))
        if lineage is None:
            (folder / "ca.pem").write_bytes((version / "ca.pem").read_bytes())
            lineage = storage.RenewableCert.new_lineage(NAME, *read(version), config)
        else:
            number = lineage.save_successor(lineage.latest_common_version(), *read(version), config)
            lineage.update_all_links_to(number)
        print(version, flush=True)


main(pathlib.Path(sys.argv[1]))
