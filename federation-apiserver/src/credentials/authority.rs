//! The authority of client certificates: signs what requests ask for, for as long as it is valid itself.

use jiff::{SignedDuration, Timestamp};
use rcgen::{KeyPair, SigningKey as _};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use x509_parser::extensions::ParsedExtension;
use x509_parser::prelude::{FromDer, X509Certificate};

use super::der::{bits, extension, positive, sequence, tagged, time};
use super::request::Request;

/// How long a certificate lives where the request does not say.
const VALID_FOR: SignedDuration = SignedDuration::from_hours(365 * 24);
/// Shortest life of a certificate.
const SECONDS_MIN: i64 = 600;
/// Clocks differ: a certificate is valid from a little before it was made.
const BACKDATED: SignedDuration = SignedDuration::from_mins(5);

const KEY_USAGE: &[u8] = &[0x55, 0x1d, 0x0f];
const BASIC_CONSTRAINTS: &[u8] = &[0x55, 0x1d, 0x13];
const AUTHORITY_KEY: &[u8] = &[0x55, 0x1d, 0x23];
const EXTENDED_KEY_USAGE: &[u8] = &[0x55, 0x1d, 0x25];
const ALTERNATIVE_NAMES: &[u8] = &[0x55, 0x1d, 0x11];
const CLIENT_AUTH: &[u8] = &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x02];

/// The authority cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum AuthorityError {
    /// Its certificate cannot be read.
    #[error("read the certificate of the authority that signs client certificates; check that it is PEM")]
    Certificate,
    /// Its key cannot be read.
    #[error("read the key of the authority that signs client certificates; check that it is PKCS#8 PEM")]
    Key(#[source] rcgen::Error),
    /// Its key is of a kind that is not signed with here.
    #[error("the authority's key is neither ECDSA on P-256 or P-384 nor RSA nor Ed25519; use one that is")]
    Algorithm,
}

/// Signs client certificates.
pub struct Authority {
    certificate_pem: String,
    /// Its name as it is encoded.
    subject: Vec<u8>,
    key_id: Option<Vec<u8>>,
    not_after: i64,
    /// The signature algorithm as it is encoded.
    algorithm: Vec<u8>,
    key: KeyPair,
}

impl std::fmt::Debug for Authority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Authority")
            .field("certificate", &self.certificate_pem)
            .finish_non_exhaustive()
    }
}

/// Which usages a certificate is to have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Usages {
    pub(super) digital_signature: bool,
    pub(super) key_encipherment: bool,
}

impl Authority {
    /// Reads certificate and key.
    ///
    /// # Errors
    /// Either cannot be read or used.
    pub fn of_pem(certificate: &str, key: &str) -> Result<Self, AuthorityError> {
        let key = KeyPair::from_pem(key).map_err(AuthorityError::Key)?;
        let der = CertificateDer::from_pem_slice(certificate.as_bytes()).map_err(|_| AuthorityError::Certificate)?;
        let (_, x509) = X509Certificate::from_der(&der).map_err(|_| AuthorityError::Certificate)?;
        let key_id = x509
            .extensions()
            .iter()
            .find_map(|extension| match extension.parsed_extension() {
                ParsedExtension::SubjectKeyIdentifier(id) => Some(id.0.to_vec()),
                _ => None,
            });
        Ok(Self {
            certificate_pem: certificate.to_owned(),
            subject: x509.subject().as_raw().to_vec(),
            key_id,
            not_after: x509.validity().not_after.timestamp(),
            algorithm: algorithm(&key).ok_or(AuthorityError::Algorithm)?,
            key,
        })
    }

    /// Its certificate.
    #[must_use]
    pub fn certificate_pem(&self) -> &str {
        &self.certificate_pem
    }

    /// Signs a client certificate for a request.
    pub(super) fn sign(
        &self,
        request: &Request,
        usages: Usages,
        seconds: Option<i64>,
        now: Timestamp,
    ) -> Result<String, rcgen::Error> {
        let lives = seconds.map_or(VALID_FOR, |seconds| SignedDuration::from_secs(seconds.max(SECONDS_MIN)));
        // Never longer than the authority itself.
        let until = now
            .checked_add(lives.min(VALID_FOR))
            .unwrap_or(now)
            .as_second()
            .min(self.not_after);
        let until = Timestamp::from_second(until).unwrap_or(now);
        let serial = rand::random::<[u8; 16]>();
        let validity = sequence(&[&time(now - BACKDATED), &time(until)]);
        let extensions = tagged(0xa3, &sequence(&[&self.extensions(request, usages)]));
        let body = sequence(&[
            &tagged(0xa0, &positive(&[2])),
            &positive(&serial),
            &self.algorithm,
            &self.subject,
            &validity,
            &request.subject,
            &request.key,
            &extensions,
        ]);
        let proof = self.key.sign(&body)?;
        let whole = sequence(&[&body, &self.algorithm, &bits(0, &proof)]);
        Ok(pem(&whole))
    }

    fn extensions(&self, request: &Request, usages: Usages) -> Vec<u8> {
        let mut out = Vec::new();
        let mut usage = 0_u8;
        if usages.digital_signature {
            usage |= 0x80;
        }
        if usages.key_encipherment {
            usage |= 0x20;
        }
        if usage != 0 {
            let unused = u8::try_from(usage.trailing_zeros()).unwrap_or(0);
            out.extend(extension(KEY_USAGE, true, &bits(unused, &[usage])));
        }
        out.extend(extension(
            EXTENDED_KEY_USAGE,
            false,
            &sequence(&[&tagged(0x06, CLIENT_AUTH)]),
        ));
        out.extend(extension(BASIC_CONSTRAINTS, true, &sequence(&[])));
        if let Some(id) = &self.key_id {
            out.extend(extension(AUTHORITY_KEY, false, &sequence(&[&tagged(0x80, id)])));
        }
        if let Some(names) = &request.names {
            out.extend(extension(ALTERNATIVE_NAMES, false, names));
        }
        out
    }
}

fn algorithm(key: &KeyPair) -> Option<Vec<u8>> {
    let is = |other: &'static rcgen::SignatureAlgorithm| *key.algorithm() == *other;
    let named = |identifier: &[u8]| sequence(&[&tagged(0x06, identifier)]);
    if is(&rcgen::PKCS_ECDSA_P256_SHA256) {
        Some(named(&[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02]))
    } else if is(&rcgen::PKCS_ECDSA_P384_SHA384) {
        Some(named(&[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x03]))
    } else if is(&rcgen::PKCS_ED25519) {
        Some(named(&[0x2b, 0x65, 0x70]))
    } else if is(&rcgen::PKCS_RSA_SHA256) {
        let identifier = tagged(0x06, &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0b]);
        Some(sequence(&[&identifier, &[0x05, 0x00]]))
    } else {
        None
    }
}

fn pem(der: &[u8]) -> String {
    use base64::Engine as _;
    let text = base64::engine::general_purpose::STANDARD.encode(der);
    let mut out = "-----BEGIN CERTIFICATE-----\n".to_owned();
    for line in text.as_bytes().chunks(64) {
        out.extend(line.iter().map(|byte| char::from(*byte)));
        out.push('\n');
    }
    out + "-----END CERTIFICATE-----\n"
}

#[cfg(test)]
pub(super) mod tests {
    use rcgen::{BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa};
    use x509_parser::pem::parse_x509_pem;

    use super::*;

    pub(in super::super) fn authority() -> Authority {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "ca");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.not_after = rcgen::date_time_ymd(2027, 1, 1);
        let pem = params.self_signed(&key).unwrap().pem();
        Authority::of_pem(&pem, &key.serialize_pem()).unwrap()
    }

    #[test]
    fn a_certificate_that_others_can_read() {
        let authority = authority();
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec!["carol.example".to_owned()]).unwrap();
        params.distinguished_name.push(DnType::CommonName, "carol");
        params.distinguished_name.push(DnType::OrganizationName, "devs");
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let asked = params.serialize_request(&key).unwrap().pem().unwrap();
        let request = Request::read(asked.as_bytes()).unwrap();
        assert_eq!(request.organizations, ["devs"]);
        let usages = Usages {
            digital_signature: true,
            key_encipherment: true,
        };
        let now: Timestamp = "2026-06-01T00:00:00Z".parse().unwrap();
        let signed = authority.sign(&request, usages, Some(3_600), now).unwrap();
        let (_, pem) = parse_x509_pem(signed.as_bytes()).unwrap();
        let x509 = pem.parse_x509().unwrap();
        let (_, ca) = parse_x509_pem(authority.certificate_pem().as_bytes()).unwrap();
        x509.verify_signature(Some(ca.parse_x509().unwrap().public_key()))
            .unwrap();
        assert_eq!(x509.validity().not_after.timestamp(), now.as_second() + 3_600);
        assert_eq!(x509.validity().not_before.timestamp(), now.as_second() - 300);
        assert!(!x509.is_ca());
        let user = crate::auth::certificate::identity(&pem.contents).unwrap();
        assert_eq!((user.name.as_str(), user.in_group("devs")), ("carol", true));
        let usage = x509.key_usage().unwrap().unwrap().value;
        assert!(usage.digital_signature() && usage.key_encipherment() && !usage.key_cert_sign());
        let extended = x509.extended_key_usage().unwrap().unwrap().value;
        assert!(
            extended.client_auth && !extended.server_auth,
            "what the request says of usages counts nothing"
        );
        let names = x509.subject_alternative_name().unwrap().unwrap().value;
        assert_eq!(names.general_names.len(), 1);
        // Never longer than the authority.
        let late: Timestamp = "2026-12-31T00:00:00Z".parse().unwrap();
        let signed = authority.sign(&request, usages, None, late).unwrap();
        let (_, pem) = parse_x509_pem(signed.as_bytes()).unwrap();
        assert_eq!(
            pem.parse_x509().unwrap().validity().not_after.timestamp(),
            1_798_761_600
        );
    }

    #[test]
    fn only_the_holder_of_the_key_asks() {
        let key = KeyPair::generate().unwrap();
        let asked = CertificateParams::default().serialize_request(&key).unwrap();
        let mut der = asked.der().to_vec();
        assert!(Request::read(asked.pem().unwrap().as_bytes()).is_ok());
        let last = der.len() - 1;
        der[last] ^= 1;
        use base64::Engine as _;
        let text = base64::engine::general_purpose::STANDARD.encode(&der);
        let forged = format!("-----BEGIN CERTIFICATE REQUEST-----\n{text}\n-----END CERTIFICATE REQUEST-----\n");
        assert!(Request::read(forged.as_bytes()).is_err());
        assert!(Request::read(b"nonsense").is_err());
    }
}
