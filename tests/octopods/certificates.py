"""A certificate for 127.0.0.1 that nobody vouches for, with its key, made up for these tests."""

from __future__ import annotations

import base64
import ssl

_CERTIFICATE = (
    "MIIBjjCCATSgAwIBAgIUEiwiM/4LyB4Q5P1ckEQxYmg5yqUwCgYIKoZIzj0EAwIwEzERMA8GA1UEAwwI"
    "c3RyYW5nZXIwIBcNMjYxMTI0MDUxNzA2WhgPMjEyNjEwMzEwNTE3MDZaMBMxETAPBgNVBAMMCHN0cmFu"
    "Z2VyMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEOhyJwRf32+bzJNWywC9A7hfe1orxc1s+JUWx7uNR"
    "AKYDAr/KVjjl/hDn9nlAFUIIsyMD6kzSK91goC1crSqUVqNkMGIwHQYDVR0OBBYEFGSsNr/iP8MvjiXM"
    "CtfBTnoGVvMkMB8GA1UdIwQYMBaAFGSsNr/iP8MvjiXMCtfBTnoGVvMkMA8GA1UdEwEB/wQFMAMBAf8w"
    "DwYDVR0RBAgwBocEfwAAATAKBggqhkjOPQQDAgNIADBFAiA/d5m0OEjICpv6i4cUHHBdgDHOeGQYFR22"
    "WAs6JmZUIAIhAPNpw97+HQHrF9tJABifYis/G65Q1yd6VW193W7cca9Z"
)
_KEY = (
    "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgEtAGu/H7tu9fnZHBsJqRRXItxHXUrtCp"
    "D/sp2Gv/qJGhRANCAAQ6HInBF/fb5vMk1bLAL0DuF97WivFzWz4lRbHu41EApgMCv8pWOOX+EOf2eUAV"
    "QgizIwPqTNIr3WCgLVytKpRW"
)


def of_a_stranger() -> str:
    """Return certificate and key as PEM."""
    lines = [_KEY[at : at + 64] for at in range(0, len(_KEY), 64)]
    name = "PRIVATE KEY"
    key = "\n".join([f"-----BEGIN {name}-----", *lines, f"-----END {name}-----", ""])
    return ssl.DER_cert_to_PEM_cert(base64.b64decode(_CERTIFICATE)) + key
