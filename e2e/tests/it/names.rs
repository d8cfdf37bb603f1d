//! Step 3: names that answer by the client's place.

use std::net::IpAddr;

use e2e::{Federation, eventually};

use crate::shop::PATIENCE;

/// Where clients are, by network, and the region they should be answered from.
pub(crate) const CLIENTS: [(&str, &str); 3] = [
    ("198.51.100.0/24", "us-east"),
    ("203.0.113.0/24", "eu-west"),
    ("192.0.2.0/24", "ap-south"),
];

pub(crate) const WEB: &str = "web.shop.fed.svc.meridian.internal";

/// What a client in a network is answered, once there is an answer.
pub(crate) fn answer(federation: &Federation, subnet: &str, name: &str) -> Vec<IpAddr> {
    eventually(&format!("{name} for {subnet}"), PATIENCE, || {
        let lines = federation
            .dig(&[name, &format!("+subnet={subnet}")])
            .map_err(|error| error.0)?;
        let addresses: Vec<IpAddr> = lines.iter().filter_map(|line| line.parse().ok()).collect();
        if addresses.is_empty() {
            Err(format!("{lines:?}"))
        } else {
            Ok(addresses)
        }
    })
}

/// Three places get three different regions' addresses, each what its cluster says of itself.
pub(crate) fn regions_differ(federation: &Federation) {
    let mut seen = Vec::new();
    for (subnet, region) in CLIENTS {
        let addresses = answer(federation, subnet, WEB);
        let cluster = match region {
            "us-east" => "us-1",
            "eu-west" => "eu-1",
            _ => "ap-1",
        };
        let placement = federation
            .kubectl_json(&["-n", "shop", "get", "placement", "service-web"])
            .unwrap();
        let rows = placement["status"]["clusters"].as_array().unwrap();
        let row = rows.iter().find(|row| row["name"] == cluster).unwrap();
        for address in &addresses {
            assert!(
                row["addresses"].to_string().contains(&address.to_string()),
                "{subnet}: {address} not in {row}"
            );
        }
        assert!(
            !seen.contains(&addresses),
            "{region} is answered as another region: {addresses:?}"
        );
        seen.push(addresses);
    }
}

/// Region, zone and cluster names, SRV, NODATA and NXDOMAIN, UDP and TCP.
pub(crate) fn all_rows(federation: &Federation) {
    let us = answer(federation, CLIENTS[0].0, WEB);
    for name in [
        "web.shop.fed.svc.us-east.meridian.internal",
        "us-1.web.shop.fed.svc.meridian.internal",
    ] {
        assert_eq!(
            federation.dig(&[name]).unwrap(),
            us.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "{name}"
        );
    }
    let zone = federation
        .dig(&["web.shop.fed.svc.us-east-a.us-east.meridian.internal"])
        .unwrap();
    assert!(zone.contains(&us[0].to_string()), "{zone:?}");
    assert_eq!(
        federation
            .dig(&["+tcp", "us-1.web.shop.fed.svc.meridian.internal"])
            .unwrap(),
        vec![us[0].to_string()]
    );
    let srv = federation.dig(&["SRV", &format!("_http._tcp.{WEB}")]).unwrap();
    assert!(srv.iter().any(|line| line.contains(" 80 ")), "{srv:?}");
    let long = federation.dig_long(&[WEB, "+subnet=198.51.100.0/24"]).unwrap();
    assert!(
        long.contains("NOERROR") && long.contains("aa") && long.contains("CLIENT-SUBNET: 198.51.100.0/24/"),
        "{long}"
    );
    let nodata = federation.dig_long(&["AAAA", WEB]).unwrap();
    assert!(nodata.contains("NOERROR") && nodata.contains("SOA"), "{nodata}");
    let missing = federation
        .dig_long(&["no-such.shop.fed.svc.meridian.internal"])
        .unwrap();
    assert!(missing.contains("NXDOMAIN") && missing.contains("SOA"), "{missing}");
    let foreign = federation.dig_long(&["example.com"]).unwrap();
    assert!(foreign.contains("REFUSED"), "{foreign}");
    let internal = federation.dig_long(&["cart.shop.fed.svc.meridian.internal"]).unwrap();
    assert!(
        internal.contains("NOERROR"),
        "a Service that exists never answers NXDOMAIN: {internal}"
    );
}
