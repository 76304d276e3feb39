"""Who vouches for an authenticator's make: a chain of certificates up to one that the operator has chosen.

What the certificate signed is verified where the enrolment is read; here, only whether its word is to be taken.
"""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from OpenSSL.crypto import X509, Error, X509Store, X509StoreContext, X509StoreContextError, X509StoreFlags
from webauthn.helpers.structs import AttestationFormat, AttestationStatement
from webauthn.helpers.tpm import parse_pub_area

# Of FIDO: which make a certificate vouches for (WebAuthn Level 3, section 8.2.1).
_MAKE: Final = x509.ObjectIdentifier("1.3.6.1.4.1.45724.1.1.4")
_KEY_DESCRIPTION: Final = x509.ObjectIdentifier("1.3.6.1.4.1.11129.2.1.17")
# How it begins, in DER: attestationVersion, attestationSecurityLevel, keymasterVersion, keymasterSecurityLevel.
_LEVELS: Final = re.compile(
    rb"\x30(?:[\x00-\x7f]|\x81.|\x82..)\x02(?:\x01.|\x02..)\x0a\x01(.)\x02(?:\x01.|\x02..)\x0a\x01(.)\x04",
    re.DOTALL,
)
_TRUSTED_ENVIRONMENT, _STRONGBOX = b"\x01", b"\x02"
_OCTETS_OF_16: Final = b"\x04\x10"
_VOUCHED_FORMATS: Final = frozenset({"packed", "fido-u2f", "tpm", "apple", "android-key"})
_MAX_CHAIN: Final = 8
_MAX_NAME: Final = 255


def vouching(*, statement_format: str, chain: Sequence[bytes], make: UUID, roots: Sequence[bytes], at: datetime) -> str:
    """Return the name of the chosen certificate that a chain leads to at ``at``; "" where nobody vouches.

    chain: DER, the authenticator's own first. roots: DER; they may be roots, or issuers below one.
    make: the authenticator's AAGUID.
    """
    if statement_format not in _VOUCHED_FORMATS or not roots or not 1 <= len(chain) <= _MAX_CHAIN:
        return ""
    try:
        own = x509.load_der_x509_certificate(chain[0])
        if not _may_attest(own, statement_format=statement_format, make=make):
            return ""
        store = X509Store()
        # What the operator has chosen is where the chain may end, root or not.
        store.set_flags(X509StoreFlags.PARTIAL_CHAIN)
        store.set_time(at)
        for root in roots:
            store.add_cert(_loaded(root))
        verified = X509StoreContext(store, _loaded(chain[0]), [_loaded(one) for one in chain[1:]]).get_verified_chain()
    except (ValueError, Error, X509StoreContextError, x509.DuplicateExtension, x509.UnsupportedGeneralNameType):
        return ""
    last = verified[-1].to_cryptography()
    if last.public_bytes(Encoding.DER) not in roots:
        return ""
    return last.subject.rfc4514_string()[:_MAX_NAME] or "unnamed"


def is_kept_in(statement_format: AttestationFormat, statement: AttestationStatement) -> bool:
    """Say whether a key was made where it is vouched for, and stays.

    A TPM certifies what was brought into it as well: TPM 2.0 Library, part 2, section 8.3: fixedTPM, fixedParent and
    sensitiveDataOrigin. An Android phone may keep keys by software alone: its key attestation's ``SecurityLevel``.
    """
    match statement_format:
        case AttestationFormat.TPM:
            said = parse_pub_area(statement.pub_area or b"").object_attributes
            return said.fixed_tpm and said.fixed_parent and said.sensitive_data_origin
        case AttestationFormat.ANDROID_KEY:
            own, *others = (x509.load_der_x509_certificate(one) for one in statement.x5c or ())
            return _is_in_hardware(own) and all(_description(one) is None for one in others)
        case _:
            return True


def _is_in_hardware(own: x509.Certificate) -> bool:
    said = _LEVELS.match(_description(own) or b"")
    return said is not None and set(said.groups()) <= {_TRUSTED_ENVIRONMENT, _STRONGBOX}


def _description(one: x509.Certificate) -> bytes | None:
    """Return what Android says of a certificate's key; None where it says nothing: it is no app's then.

    An app's own key may certify another, whose description is the app's word.
    """
    try:
        found = one.extensions.get_extension_for_oid(_KEY_DESCRIPTION).value
    except x509.ExtensionNotFound:
        return None
    return found.value if isinstance(found, x509.UnrecognizedExtension) else b""


def pem(der: bytes) -> bytes:
    """Write a certificate as text.

    :raises ValueError: it is none.
    """
    return x509.load_der_x509_certificate(der).public_bytes(Encoding.PEM)


def _loaded(der: bytes) -> X509:
    return X509.from_cryptography(x509.load_der_x509_certificate(der))


def _may_attest(own: x509.Certificate, *, statement_format: str, make: UUID) -> bool:
    """Say whether a certificate is one of an authenticator, and of this make if it names one."""
    if own.version != x509.Version.v3:
        return statement_format == "fido-u2f"
    try:
        if own.extensions.get_extension_for_class(x509.BasicConstraints).value.ca:
            return False
    except x509.ExtensionNotFound:
        if statement_format == "packed":
            return False
    if statement_format == "packed":
        units = own.subject.get_attributes_for_oid(NameOID.ORGANIZATIONAL_UNIT_NAME)
        if [one.value for one in units] != ["Authenticator Attestation"]:
            return False
    try:
        said = own.extensions.get_extension_for_oid(_MAKE).value
    except x509.ExtensionNotFound:
        return True
    return isinstance(said, x509.UnrecognizedExtension) and said.value == _OCTETS_OF_16 + make.bytes
