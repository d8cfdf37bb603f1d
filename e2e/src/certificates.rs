//! Certificates of a test's control plane: one authority, a server, an administrator, and the key for service accounts.

use std::path::Path;

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};

use crate::Failure;

/// Writes `ca.crt`, `server.{crt,key}`, `admin.{crt,key}` and `service-accounts.{pub,key}` into a directory.
///
/// # Errors
/// If a certificate cannot be made or written.
pub fn write(dir: &Path) -> Result<(), Failure> {
    let wrong = |error: rcgen::Error| Failure::of("certificates", error);
    let key = KeyPair::generate().map_err(wrong)?;
    let mut params = CertificateParams::default();
    params.distinguished_name = named("test-ca", None);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
    let authority = params.self_signed(&key).map_err(wrong)?;
    let issuer = Issuer::new(params, key);
    put(dir, "ca.crt", &authority.pem())?;

    let names = ["127.0.0.1", "localhost", "kubernetes", "kubernetes.default"]
        .map(String::from)
        .to_vec();
    let mut server = CertificateParams::new(names).map_err(wrong)?;
    server.distinguished_name = named("kube-apiserver", None);
    server.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let mut admin = CertificateParams::default();
    admin.distinguished_name = named("admin", Some("system:masters"));
    admin.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    for (name, params) in [("server", server), ("admin", admin)] {
        let key = KeyPair::generate().map_err(wrong)?;
        let certificate = params.signed_by(&key, &issuer).map_err(wrong)?;
        put(dir, &format!("{name}.crt"), &certificate.pem())?;
        put(dir, &format!("{name}.key"), &key.serialize_pem())?;
    }
    let tokens = KeyPair::generate().map_err(wrong)?;
    put(dir, "service-accounts.pub", &tokens.public_key_pem())?;
    put(dir, "service-accounts.key", &tokens.serialize_pem())
}

/// A request for a certificate with a key of its own, PEM.
///
/// # Errors
/// If it cannot be made.
pub fn request(common_name: &str, organization: &str) -> Result<String, Failure> {
    let wrong = |error: rcgen::Error| Failure::of("a request", error);
    let mut params = CertificateParams::default();
    params.distinguished_name = named(common_name, Some(organization));
    let key = KeyPair::generate().map_err(wrong)?;
    let request = params.serialize_request(&key).map_err(wrong)?;
    request.pem().map_err(wrong)
}

fn named(common_name: &str, organization: Option<&str>) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, common_name);
    if let Some(organization) = organization {
        name.push(DnType::OrganizationName, organization);
    }
    name
}

fn put(dir: &Path, name: &str, content: &str) -> Result<(), Failure> {
    std::fs::write(dir.join(name), content).map_err(|error| Failure::of(dir.join(name).display(), error))
}
