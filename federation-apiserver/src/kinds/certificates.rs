//! Row of requests for certificates.

use super::kubernetes::core;
use super::{Kind, PLAIN, Row, Strategy};

/// API group of requests and of the right to approve them.
pub(crate) const GROUP: &str = "certificates.k8s.io";

/// All rows of the group.
pub(super) fn rows() -> Vec<Row> {
    vec![Row {
        group: GROUP,
        namespaced: false,
        fields: &["spec.signerName"],
        strategy: Strategy { status: true, ..PLAIN },
        ..core(
            "CertificateSigningRequest",
            "certificatesigningrequests",
            "certificatesigningrequest",
            &["csr"],
        )
    }]
}

impl Kind {
    /// Whether it is the kind that asks for certificates, which is approved through a subresource of its own.
    #[must_use]
    pub fn is_signing_request(&self) -> bool {
        self.built_in && self.group == GROUP && self.kind == "CertificateSigningRequest"
    }
}
