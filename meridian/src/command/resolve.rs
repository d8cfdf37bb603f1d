//! `meridian resolve`: a real query to the DNS server, as a client at a place would send it; `meridian explain dns` adds
//! the steps of the choice, from the snapshot that the DNS server keeps on disk.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use hickory_proto::op::{Edns, Message, OpCode, Query};
use hickory_proto::rr::rdata::opt::{ClientSubnet, EdnsOption};
use hickory_proto::rr::{Name, RecordType};
use serde_json::json;

use super::CommandError;
use crate::cli::{OutputFormat, ResolveArgs};
use crate::output;

/// How long the server may take.
const TIMEOUT: Duration = Duration::from_secs(3);

/// Asks for A and AAAA, prints what came.
pub(crate) async fn run(args: ResolveArgs) -> Result<(), CommandError> {
    let mut answers = Vec::new();
    let mut code = String::new();
    for kind in [RecordType::A, RecordType::AAAA] {
        let reply = ask(&args, kind).await?;
        code = reply.metadata.response_code.to_string();
        answers.extend(reply.answers.iter().map(ToString::to_string));
    }
    let value = json!({"name": args.name, "from": args.from, "status": code, "answers": answers});
    if let Some(text) = output::data(args.output.output, &value) {
        print!("{}", text.map_err(CommandError::Said)?);
    } else if answers.is_empty() {
        println!("{}: {code}, no addresses", args.name);
    } else {
        answers.iter().for_each(|answer| println!("{answer}"));
    }
    Ok(())
}

/// Prints the steps of the choice.
pub(crate) async fn explain(data_dir: &Path, args: ResolveArgs) -> Result<(), CommandError> {
    let path = data_dir.join("dns-snapshot.json");
    let shown = path.display();
    let snapshot = dns::load_snapshot(&path, &args.dns.dns_zone, &args.dns.federation_name)
        .map_err(|error| CommandError::Said(crate::output::with_causes(&error)))?
        .ok_or_else(|| {
            CommandError::Said(format!(
                "{shown} does not exist; next: give the --data-dir of a DNS server that has heard its hub"
            ))
        })?;
    let from = args.from.unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST));
    let explanation =
        dns::explain(&snapshot, &args.name, from).map_err(|error| CommandError::Usage(error.to_string()))?;
    match output::data(args.output.output, &explanation) {
        Some(text) => print!("{}", text.map_err(CommandError::Said)?),
        None if args.output.output == OutputFormat::Name => explanation.answers.iter().for_each(|a| println!("{a}")),
        None => {
            explanation
                .steps
                .iter()
                .enumerate()
                .for_each(|(number, step)| println!("{}. {step}", number + 1));
            println!("{}:", explanation.rcode);
            explanation.answers.iter().for_each(|answer| println!("  {answer}"));
        }
    }
    Ok(())
}

async fn ask(args: &ResolveArgs, kind: RecordType) -> Result<Message, CommandError> {
    let server = args.dns.dns_address;
    let said = |text: String| CommandError::Said(text);
    let mut name: Name = args
        .name
        .parse()
        .map_err(|error| CommandError::Usage(format!("{:?} is no DNS name: {error}", args.name)))?;
    name.set_fqdn(true);
    let mut message = Message::query();
    message.metadata.op_code = OpCode::Query;
    message.add_query(Query::query(name, kind));
    let mut edns = Edns::new();
    edns.set_max_payload(1232);
    if let Some(address) = args.from {
        let prefix = if address.is_ipv4() { 32 } else { 128 };
        edns.options_mut()
            .insert(EdnsOption::Subnet(ClientSubnet::new(address, prefix, 0)));
    }
    message.edns = Some(edns);
    let bytes = message
        .to_vec()
        .map_err(|error| said(format!("the query cannot be written: {error}")))?;
    let local: SocketAddr = if server.is_ipv4() {
        ([0, 0, 0, 0], 0).into()
    } else {
        ([0u16; 8], 0).into()
    };
    let socket = tokio::net::UdpSocket::bind(local)
        .await
        .map_err(|error| said(format!("no UDP socket: {error}")))?;
    let exchange = async {
        socket.connect(server).await?;
        socket.send(&bytes).await?;
        let mut buffer = vec![0u8; 4096];
        loop {
            let length = socket.recv(&mut buffer).await?;
            if let Ok(reply) = Message::from_vec(&buffer[..length])
                && reply.metadata.id == message.metadata.id
            {
                return Ok::<_, std::io::Error>(reply);
            }
        }
    };
    match tokio::time::timeout(TIMEOUT, exchange).await {
        Ok(Ok(reply)) => Ok(reply),
        Ok(Err(error)) => Err(said(format!(
            "{server}: {error}; next: is the DNS server running there (meridian up)?"
        ))),
        Err(_) => Err(said(format!(
            "{server} did not answer within {} s; next: is the DNS server running there?",
            TIMEOUT.as_secs()
        ))),
    }
}
