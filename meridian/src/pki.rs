//! The certificates of one federation: an authority made at first start, a server certificate, and client certificates.
//!
//! In: the `pki/` directory and the names clients use. Out: PEM. Keys never leave the directory but into a kubeconfig that is as private as they are. All certificates are X.509 v3 with the extended key
//! usage that rustls and Go demand.

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use federation_apiserver::credentials::Authority;
use jiff::{Timestamp, ToSpan};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};

use crate::data_dir::write_whole;

/// Days for which the authority's certificate is valid.
const AUTHORITY_DAYS: i64 = 3_650;
/// Days for which other certificates are valid.
const LEAF_DAYS: i64 = 365;
/// A certificate with fewer days left than this is made anew at start.
const RENEW_BELOW_DAYS: i64 = 30;

/// What went wrong with certificates.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PkiError {
    /// A file could not be read or written.
    #[error("{path}: cannot be read or written; next: check its owner and permissions")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A certificate or key could not be made or read.
    #[error("{what}; next: if {path} is damaged, restore it, or move it away to have it made anew")]
    Certificate {
        /// What failed.
        what: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// The certificates of one federation.
pub(crate) struct Pki {
    dir: PathBuf,
    authority_pem: String,
    issuer: Issuer<'static, KeyPair>,
}

/// A certificate with its key, both PEM.
#[derive(Clone)]
pub(crate) struct Identity {
    /// Certificate.
    pub(crate) certificate: String,
    /// Private key.
    pub(crate) key: String,
}

impl Pki {
    /// Opens the directory; makes the authority if there is none.
    pub(crate) fn open(dir: &Path) -> Result<Self, PkiError> {
        let certificate_path = dir.join("ca.crt");
        let key_path = dir.join("ca.key");
        if !certificate_path.exists() || !key_path.exists() {
            make_authority(&certificate_path, &key_path)?;
        }
        let authority_pem = read(&certificate_path)?;
        let wrong = |what| {
            let path = key_path.clone();
            move |error: rcgen::Error| PkiError::Certificate {
                what,
                path,
                source: error.into(),
            }
        };
        let key = KeyPair::from_pem(&read(&key_path)?).map_err(wrong("the authority's key cannot be read"))?;
        let issuer = Issuer::from_ca_cert_pem(&authority_pem, key)
            .map_err(wrong("the authority's certificate cannot be read"))?;
        Ok(Self {
            dir: dir.to_owned(),
            authority_pem,
            issuer,
        })
    }

    /// The authority as the API server signs with it.
    pub(crate) fn signing_authority(&self) -> Result<Authority, PkiError> {
        let path = self.dir.join("ca.key");
        let key = read(&path)?;
        Authority::of_pem(&self.authority_pem, &key).map_err(|error| PkiError::Certificate {
            what: "the authority cannot be used",
            path,
            source: error.into(),
        })
    }

    /// The authority's certificate.
    pub(crate) fn authority_pem(&self) -> &str {
        &self.authority_pem
    }

    /// A server certificate for these names; the one on disk while it covers them and is not about to expire.
    pub(crate) fn server(&self, stem: &str, names: &[String]) -> Result<Identity, PkiError> {
        let wanted = names.join(",");
        let names_path = self.dir.join(format!("{stem}.names"));
        if std::fs::read_to_string(&names_path).is_ok_and(|had| had == wanted)
            && let Some(identity) = self.stored(stem)?
        {
            return Ok(identity);
        }
        let mut params = CertificateParams::new(names.to_vec()).map_err(|error| self.wrong(stem, error))?;
        params.distinguished_name = distinguished_name("meridian", &[]);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let identity = self.sign(stem, params)?;
        write_whole(&names_path, wanted.as_bytes(), false).map_err(|source| PkiError::File {
            path: names_path,
            source,
        })?;
        Ok(identity)
    }

    /// A client certificate of a user in groups; the one on disk while it is not about to expire.
    pub(crate) fn client(&self, stem: &str, user: &str, groups: &[&str]) -> Result<Identity, PkiError> {
        if let Some(identity) = self.stored(stem)? {
            return Ok(identity);
        }
        let mut params = CertificateParams::default();
        params.distinguished_name = distinguished_name(user, groups);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        self.sign(stem, params)
    }

    /// The identity on disk, unless it is missing, of another authority, or about to expire.
    fn stored(&self, stem: &str) -> Result<Option<Identity>, PkiError> {
        let (certificate_path, key_path) = self.paths(stem);
        if !certificate_path.exists() || !key_path.exists() {
            return Ok(None);
        }
        let certificate = read(&certificate_path)?;
        let fresh = x509_parser::pem::parse_x509_pem(certificate.as_bytes()).is_ok_and(|(_, pem)| {
            pem.parse_x509().is_ok_and(|x509| {
                let left = x509.validity().not_after.timestamp() - Timestamp::now().as_second();
                left > RENEW_BELOW_DAYS * 86_400
            })
        });
        let ours =
            std::fs::read_to_string(self.dir.join(format!("{stem}.ca"))).is_ok_and(|ca| ca == self.authority_pem);
        if !fresh || !ours {
            return Ok(None);
        }
        Ok(Some(Identity {
            certificate,
            key: read(&key_path)?,
        }))
    }

    fn sign(&self, stem: &str, mut params: CertificateParams) -> Result<Identity, PkiError> {
        set_validity(&mut params, LEAF_DAYS);
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate().map_err(|error| self.wrong(stem, error))?;
        let certificate = params
            .signed_by(&key, &self.issuer)
            .map_err(|error| self.wrong(stem, error))?;
        let identity = Identity {
            certificate: certificate.pem(),
            key: key.serialize_pem(),
        };
        let (certificate_path, key_path) = self.paths(stem);
        write(&key_path, &identity.key, true)?;
        write(&self.dir.join(format!("{stem}.ca")), &self.authority_pem, false)?;
        write(&certificate_path, &identity.certificate, false)?;
        Ok(identity)
    }

    fn paths(&self, stem: &str) -> (PathBuf, PathBuf) {
        (
            self.dir.join(format!("{stem}.crt")),
            self.dir.join(format!("{stem}.key")),
        )
    }

    fn wrong(&self, stem: &str, error: rcgen::Error) -> PkiError {
        PkiError::Certificate {
            what: "a certificate cannot be made",
            path: self.dir.join(format!("{stem}.crt")),
            source: error.into(),
        }
    }
}

fn make_authority(certificate_path: &Path, key_path: &Path) -> Result<(), PkiError> {
    let wrong = |error: rcgen::Error| PkiError::Certificate {
        what: "the authority cannot be made",
        path: certificate_path.to_owned(),
        source: error.into(),
    };
    let key = KeyPair::generate().map_err(wrong)?;
    let mut params = CertificateParams::default();
    params.distinguished_name = distinguished_name("meridian-ca", &[]);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![
        KeyUsagePurpose::KeyCertSign,
        KeyUsagePurpose::CrlSign,
        KeyUsagePurpose::DigitalSignature,
    ];
    set_validity(&mut params, AUTHORITY_DAYS);
    let certificate = params.self_signed(&key).map_err(wrong)?;
    write(key_path, &key.serialize_pem(), true)?;
    write(certificate_path, &certificate.pem(), false)
}

/// From yesterday (clocks differ) until a number of days from now; rcgen takes whole days.
fn set_validity(params: &mut CertificateParams, days: i64) {
    let day = |offset: i64| {
        let date = Timestamp::now()
            .to_zoned(jiff::tz::TimeZone::UTC)
            .date()
            .saturating_add(offset.days());
        let part = |number: i8| u8::try_from(number).unwrap_or(1);
        date_time_ymd(i32::from(date.year()), part(date.month()), part(date.day()))
    };
    params.not_before = day(-1);
    params.not_after = day(days);
}

fn distinguished_name(common_name: &str, organizations: &[&str]) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, common_name);
    for organization in organizations {
        name.push(DnType::OrganizationName, *organization);
    }
    name
}

fn read(path: &Path) -> Result<String, PkiError> {
    std::fs::read_to_string(path).map_err(|source| PkiError::File {
        path: path.to_owned(),
        source,
    })
}

fn write(path: &Path, content: &str, private: bool) -> Result<(), PkiError> {
    write_whole(path, content.as_bytes(), private).map_err(|source| PkiError::File {
        path: path.to_owned(),
        source,
    })
}

/// The names by which clients reach a server that listens on `listen`.
pub(crate) fn server_names(listen: IpAddr) -> Vec<String> {
    let mut names: Vec<String> = [
        "localhost",
        "127.0.0.1",
        "::1",
        "meridian",
        "kubernetes",
        "kubernetes.default",
        "kubernetes.default.svc",
    ]
    .map(String::from)
    .to_vec();
    let listen_name = listen.to_string();
    if !listen.is_unspecified() && !names.contains(&listen_name) {
        names.push(listen_name);
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn certificates_are_made_once_and_kept() {
        let dir = tempfile::tempdir().unwrap();
        let pki = Pki::open(dir.path()).unwrap();
        let names = server_names(IpAddr::from([127, 0, 0, 1]));
        let server = pki.server("apiserver", &names).unwrap();
        let admin = pki.client("admin", "admin", &["system:masters"]).unwrap();
        let again = Pki::open(dir.path()).unwrap();
        assert_eq!(again.authority_pem(), pki.authority_pem());
        assert_eq!(
            again.server("apiserver", &names).unwrap().certificate,
            server.certificate
        );
        assert_eq!(
            again.client("admin", "admin", &["system:masters"]).unwrap().certificate,
            admin.certificate
        );
        let more = again
            .server("apiserver", &[names, vec!["10.0.0.1".into()]].concat())
            .unwrap();
        assert_ne!(more.certificate, server.certificate, "new names need a new certificate");
    }

    #[test]
    fn a_new_authority_renews_what_the_old_one_signed() {
        let dir = tempfile::tempdir().unwrap();
        let first = Pki::open(dir.path()).unwrap().client("admin", "admin", &[]).unwrap();
        std::fs::remove_file(dir.path().join("ca.key")).unwrap();
        let second = Pki::open(dir.path()).unwrap().client("admin", "admin", &[]).unwrap();
        assert_ne!(first.certificate, second.certificate);
    }
}
