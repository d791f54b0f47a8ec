"""Pages over https: certificates are checked, for the host that was named, and a handshake has a deadline too."""

from __future__ import annotations

import asyncio
import datetime
import ipaddress
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from systems.research.fetching import make_fetcher
from systems.research.sources.documents import Document, Found, SourceRefusal
from tests.systems.research.fetching.hostile import Hostile

x509 = pytest.importorskip("cryptography.x509")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a file with a certificate that its owner signed, for 127.0.0.1 alone, and its key."""
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "pages.example")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("certificate") / "both.pem"
    no_password = serialization.NoEncryption()
    written = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, no_password)
    path.write_bytes(written + made.public_bytes(serialization.Encoding.PEM))
    return path


@pytest.fixture
def secure(certificate: Path) -> Iterator[Hostile]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with Hostile(secure=context) as site:
        yield site


def read(pattern: str, *sources: str) -> list[Found]:
    fetcher = make_fetcher(pattern, deadline_s=0.5, private_hosts=frozenset({"127.0.0.1", "localhost"}))
    return asyncio.run(fetcher.fetch(sources))


def test_a_certificate_that_nobody_vouches_for_is_refused(pattern: str, secure: Hostile) -> None:
    [found] = read(pattern, secure.url + "/good")
    assert isinstance(found, SourceRefusal)
    assert "certificate verify failed" in found.reason
    assert secure.asked == []


def test_a_trusted_certificate_serves_its_host_and_no_other(
    pattern: str, secure: Hostile, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    good, other = read(pattern, secure.url + "/good", f"https://localhost:{secure.port}/good")
    assert isinstance(good, Document), good
    assert isinstance(other, SourceRefusal)
    assert "certificate verify failed" in other.reason


def test_a_handshake_that_is_never_answered_is_late(pattern: str, site: Hostile) -> None:
    [found] = read(pattern, f"https://127.0.0.1:{site.port}/good")
    assert found == SourceRefusal(f"https://127.0.0.1:{site.port}/good", "it took longer than 0.5 s")
    assert site.quiet.wait(10)
