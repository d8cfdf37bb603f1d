//! A PKCS#10 request, read and proved: whoever made it holds the key.

use x509_parser::certification_request::X509CertificationRequest;
use x509_parser::extensions::ParsedExtension;
use x509_parser::oid_registry::OID_X509_EXT_SUBJECT_ALT_NAME;
use x509_parser::pem::parse_x509_pem;
use x509_parser::prelude::FromDer;

/// What is used of a request.
#[derive(Debug)]
pub(crate) struct Request {
    /// Names that the certificate would give.
    pub(crate) common_names: Vec<String>,
    /// Groups that the certificate would give.
    pub(crate) organizations: Vec<String>,
    /// The subject as it was encoded.
    pub(super) subject: Vec<u8>,
    /// The public key with its algorithm as it was encoded.
    pub(super) key: Vec<u8>,
    /// The alternative names as they were encoded; none where there are none.
    pub(super) names: Option<Vec<u8>>,
}

impl Request {
    /// Reads a PEM text; an error tells what is wrong with it.
    pub(crate) fn read(pem: &[u8]) -> Result<Self, String> {
        let (_, pem) = parse_x509_pem(pem).map_err(|_| "PEM block type must be CERTIFICATE REQUEST".to_owned())?;
        let wrong = |_| "the certificate request cannot be read".to_owned();
        let (rest, request) = X509CertificationRequest::from_der(&pem.contents).map_err(wrong)?;
        if !rest.is_empty() {
            return Err("the certificate request is followed by something else".to_owned());
        }
        request
            .verify_signature()
            .map_err(|_| "the certificate request is not signed by its own key".to_owned())?;
        let info = &request.certification_request_info;
        let organizations = info.subject.iter_organization().filter_map(|group| group.as_str().ok());
        let names = info.subject.iter_common_name().filter_map(|name| name.as_str().ok());
        Ok(Self {
            common_names: names.map(str::to_owned).collect(),
            organizations: organizations.map(str::to_owned).collect(),
            subject: info.subject.as_raw().to_vec(),
            key: info.subject_pki.raw.to_vec(),
            names: alternative_names(&request),
        })
    }
}

fn alternative_names(request: &X509CertificationRequest<'_>) -> Option<Vec<u8>> {
    use x509_parser::cri_attributes::ParsedCriAttribute;
    let attributes = request.certification_request_info.iter_attributes();
    let extensions = attributes.filter_map(|attribute| match attribute.parsed_attribute() {
        ParsedCriAttribute::ExtensionRequest(asked) => Some(&asked.extensions),
        _ => None,
    });
    extensions
        .flatten()
        .find(|extension| {
            extension.oid == OID_X509_EXT_SUBJECT_ALT_NAME
                && matches!(extension.parsed_extension(), ParsedExtension::SubjectAlternativeName(_))
        })
        .map(|extension| extension.value.to_vec())
}
