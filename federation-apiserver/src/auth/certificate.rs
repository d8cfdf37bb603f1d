//! The identity in a verified client certificate: common name is the user, organisations are the groups.

use sha2::{Digest, Sha256};
use x509_parser::der_parser::{Oid, oid};
use x509_parser::prelude::{FromDer, X509Certificate};

use super::UserInfo;
use super::claims::CREDENTIAL_ID;

/// The attribute of a subject that says its uid.
const UID: Oid<'static> = oid!(1.3.6.1.4.1.57683.2);

/// Reads the identity of a certificate that TLS has verified; none where it has no common name.
#[must_use]
pub fn identity(der: &[u8]) -> Option<UserInfo> {
    let (_, certificate) = X509Certificate::from_der(der).ok()?;
    let subject = certificate.subject();
    let name = subject.iter_common_name().next()?.as_str().ok()?;
    if name.is_empty() {
        return None;
    }
    let groups = subject
        .iter_organization()
        .filter_map(|group| group.as_str().ok())
        .map(str::to_owned);
    let uid = subject.iter_by_oid(&UID).next().and_then(|uid| uid.as_str().ok());
    let mut user = UserInfo::new(name, groups.collect::<Vec<_>>());
    user.uid = uid.unwrap_or_default().to_owned();
    let hash: String = Sha256::digest(der).iter().map(|byte| format!("{byte:02x}")).collect();
    user.extra
        .insert(CREDENTIAL_ID.to_owned(), vec![format!("X509SHA256={hash}")]);
    Some(user)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn common_name_and_organisations() {
        let mut params = rcgen::CertificateParams::default();
        params.distinguished_name.push(rcgen::DnType::CommonName, "alice");
        params
            .distinguished_name
            .push(rcgen::DnType::OrganizationName, "system:masters");
        let key = rcgen::KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        let user = identity(certificate.der()).unwrap();
        assert_eq!(user.name, "alice");
        assert!(user.extra[CREDENTIAL_ID][0].starts_with("X509SHA256="));
        assert!(user.in_group("system:masters") && user.in_group(super::super::AUTHENTICATED));
        assert!(identity(b"nonsense").is_none());
    }
}
