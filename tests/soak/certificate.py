"""A TLS certificate nobody has a reason to believe, made with the machine's own openssl."""

from __future__ import annotations

import shutil
import ssl
import subprocess
from collections import Counter
from pathlib import Path

OPENSSL = shutil.which("openssl")


def unbelievable(folder: Path, seen: Counter[str]) -> ssl.SSLContext:
    """Return a context that shows a certificate signed by itself; greetings count in *seen*."""
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    made = f"req -x509 -newkey rsa:2048 -nodes -days 2 -keyout {key} -out {certificate}".split()
    name = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run([OPENSSL or "openssl", *made, *name], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)

    def greeted(*_: object) -> None:
        seen["greetings"] += 1

    context.sni_callback = greeted
    return context
