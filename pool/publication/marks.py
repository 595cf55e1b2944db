"""What tells people and programs that a file is generated: a C2PA manifest and XMP in a PNG, a tag in DICOM.

The words are IPTC's: http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia.
"""

from __future__ import annotations

import importlib.util
import io
import json
import zlib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from django.conf import settings

SOURCE_TYPE = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
SIGNATURE = b"\x89PNG\r\n\x1a\n"
END_OF_HEADER = len(SIGNATURE) + 8 + 13 + 4
XMP = f"""<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about=""
 xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
 Iptc4xmpExt:DigitalSourceType="{SOURCE_TYPE}"/></rdf:RDF></x:xmpmeta>
<?xpacket end="r"?>"""
LIVES = timedelta(days=365)


def with_xmp(png: bytes) -> bytes:
    """The PNG with IPTC's digital source type in an XMP packet after its header; its pixels are untouched."""
    content = b"XML:com.adobe.xmp\0\0\0\0\0" + XMP.encode()
    body = b"iTXt" + content
    chunk = len(content).to_bytes(4, "big") + body + zlib.crc32(body).to_bytes(4, "big")
    return png[:END_OF_HEADER] + chunk + png[END_OF_HEADER:]


def has_c2pa() -> bool:
    return importlib.util.find_spec("c2pa") is not None


class ManifestSigner:
    """Signs C2PA manifests: by the certificate of the settings, else by a test one that is made on the spot."""

    def __init__(self) -> None:
        import c2pa  # a library of 16 MB, for releases alone

        self.is_test = not settings.C2PA_CERTIFICATE
        if self.is_test:
            certificates, key = throwaway_certificate()
        else:
            certificates = Path(settings.C2PA_CERTIFICATE).read_bytes()
            key = Path(settings.C2PA_PRIVATE_KEY).read_bytes()
        self._c2pa: Any = c2pa
        # A thumbnail inside would be half as large as the image again.
        plain = c2pa.Settings.from_dict({"builder": {"thumbnail": {"enabled": False}}})
        self._context = c2pa.Context(settings=plain)
        # No time stamp: that would ask a server outside.
        info = c2pa.C2paSignerInfo(
            alg=settings.C2PA_ALGORITHM.encode(), sign_cert=certificates, private_key=key, ta_url=None
        )
        self._signer = c2pa.Signer.from_info(info)

    def signed(self, png: bytes, *, title: str, software: str) -> bytes:
        """The PNG with a manifest that says what made it."""
        action = {
            "action": "c2pa.created",
            "digitalSourceType": SOURCE_TYPE,
            "softwareAgent": {"name": software},
        }
        manifest = {
            "claim_generator_info": [{"name": "LungRater"}],
            "title": title,
            "format": "image/png",
            "assertions": [{"label": "c2pa.actions", "data": {"actions": [action]}}],
        }
        target = io.BytesIO()
        self._c2pa.Builder(json.dumps(manifest), context=self._context).sign(
            self._signer, "image/png", io.BytesIO(png), target
        )
        return target.getvalue()


def throwaway_certificate() -> tuple[bytes, bytes]:
    """A chain and its key as PEM, good for a year, which nobody trusts: for sites without a certificate of their own."""
    authority, own = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    issuer = _name("LungRater test authority")
    root = (
        _certificate(issuer, issuer, authority.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .sign(authority, hashes.SHA256())
    )
    leaf = (
        _certificate(_name("LungRater test certificate"), issuer, own.public_key())
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION]), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.public_key()), critical=False
        )
        .sign(authority, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    key = own.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return leaf.public_bytes(pem) + root.public_bytes(pem), key


def _name(common: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "LungRater (test, not trusted)"),
            x509.NameAttribute(NameOID.COMMON_NAME, common),
        ]
    )


def _certificate(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + LIVES)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )
