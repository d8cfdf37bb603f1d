//! A hub over memory on a free port of loopback: prints a kubeconfig and serves until Ctrl-C. For trying clients by hand.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use federation_apiserver::serve::{serve_tls, tls_config};
use federation_apiserver::store::MemoryStore;
use federation_apiserver::{ApiServer, Profile, ServerConfig};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
};
use tokio::net::TcpListener;

type Failure = Box<dyn std::error::Error + Send + Sync>;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let profile = match std::env::args().nth(1).as_deref() {
        Some("member") => Profile::Member,
        _ => Profile::Hub,
    };
    let authority_key = KeyPair::generate()?;
    let mut authority = CertificateParams::new(Vec::<String>::new())?;
    // Named apart from what it signs, or OpenSSL takes the server's certificate for one that signed itself.
    authority.distinguished_name = rcgen::DistinguishedName::new();
    authority.distinguished_name.push(DnType::CommonName, "memory");
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    authority.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    let authority_pem = authority.self_signed(&authority_key)?.pem();
    let issuer = Issuer::new(authority, authority_key);
    let server_key = KeyPair::generate()?;
    let mut server = CertificateParams::new(vec!["localhost".to_owned(), "127.0.0.1".to_owned()])?;
    server.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let server_pem = server.signed_by(&server_key, &issuer)?.pem();
    let admin_key = KeyPair::generate()?;
    let mut admin = CertificateParams::new(Vec::<String>::new())?;
    admin.distinguished_name.push(DnType::CommonName, "admin");
    admin
        .distinguished_name
        .push(DnType::OrganizationName, "system:masters");
    admin.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    let admin_pem = admin.signed_by(&admin_key, &issuer)?.pem();

    let config = ServerConfig::new(profile);
    let shutdown = config.shutdown.clone();
    let api = ApiServer::new(Arc::new(MemoryStore::default()), config).await?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let tls = tls_config(&server_pem, &server_key.serialize_pem(), Some(&authority_pem))?;
    println!(
        "apiVersion: v1\nkind: Config\ncurrent-context: memory\nclusters:\n- name: memory\n  cluster:\n    server: https://{address}\n    \
         certificate-authority-data: {}\nusers:\n- name: admin\n  user:\n    client-certificate-data: {}\n    client-key-data: {}\n\
         contexts:\n- name: memory\n  context: {{cluster: memory, user: admin}}",
        STANDARD.encode(authority_pem),
        STANDARD.encode(admin_pem),
        STANDARD.encode(admin_key.serialize_pem())
    );
    let served = tokio::spawn(serve_tls(listener, api.router(), tls, shutdown.clone()));
    tokio::signal::ctrl_c().await?;
    shutdown.cancel();
    served.await?;
    Ok(())
}
