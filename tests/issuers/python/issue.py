"""Has trustme or cryptography make an authority and certificates: issue.py KIND FOLDER WORKER CALLER."""

import datetime
import pathlib
import sys

import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


def with_trustme(folder, names):
    ca = trustme.CA()
    ca.cert_pem.write_to_path(str(folder / "ca.pem"))
    for name in names:
        made = ca.issue_cert(name)
        made.private_key_pem.write_to_path(str(folder / f"{name}.key"))
        (folder / f"{name}.pem").write_bytes(
            b"".join(blob.bytes() for blob in made.cert_chain_pems)
        )


def with_cryptography(folder, names):
    """As the tutorial of cryptography builds a root and a certificate under it, without usages."""
    root_key, root_name = ec.generate_private_key(ec.SECP256R1()), subject("Team CA")
    root = (
        builder(root_name, root_name, root_key)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(root_key, hashes.SHA256())
    )
    write_certificate(folder / "ca.pem", root)
    for name in names:
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = (
            builder(subject(name), root_name, key)
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
            .sign(root_key, hashes.SHA256())
        )
        write_certificate(folder / f"{name}.pem", certificate)
        (folder / f"{name}.key").write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.TraditionalOpenSSL,
                serialization.NoEncryption(),
            )
        )


def subject(name):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def builder(name, issuer, key):
    now = datetime.datetime.now(datetime.timezone.utc)
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(now + datetime.timedelta(days=10))
    )


def write_certificate(path, certificate):
    path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))


kind, folder, *names = sys.argv[1:]
{"trustme": with_trustme, "cryptography": with_cryptography}[kind](pathlib.Path(folder), names)
