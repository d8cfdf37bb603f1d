//! Which form of an answer a client wants: encoding and transform, from its `Accept` header. Pure.

use machinery::status::Status;

/// How an answer is spelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    /// JSON.
    Json,
    /// YAML.
    Yaml,
    /// Kubernetes protobuf.
    Protobuf,
}

/// What is made of the objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Transform {
    /// The objects themselves.
    Objects,
    /// A table of their printer columns.
    Table,
    /// Their metadata alone.
    Metadata,
}

/// The form of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Form {
    /// Encoding.
    pub(crate) encoding: Encoding,
    /// Transform.
    pub(crate) transform: Transform,
    /// Version of the meta group that the transform was asked in.
    pub(crate) meta_version: &'static str,
    /// Spread over lines, for people.
    pub(crate) pretty: bool,
}

impl Form {
    /// Plain JSON of the objects.
    pub(crate) const JSON: Self = Self {
        encoding: Encoding::Json,
        transform: Transform::Objects,
        meta_version: "v1",
        pretty: false,
    };
}

/// Media type of JSON.
pub(crate) const JSON: &str = "application/json";
/// Media type of YAML.
pub(crate) const YAML: &str = "application/yaml";
/// Media type of Kubernetes protobuf.
pub(crate) const PROTOBUF: &str = "application/vnd.kubernetes.protobuf";

/// One clause of an `Accept` header.
#[derive(Debug)]
pub(crate) struct Clause<'a> {
    /// `type/subtype`.
    pub(crate) media: &'a str,
    /// Parameters, without `q`.
    pub(crate) parameters: Vec<(&'a str, &'a str)>,
}

impl Clause<'_> {
    pub(crate) fn get(&self, key: &str) -> Option<&str> {
        self.parameters.iter().find(|(k, _)| *k == key).map(|(_, v)| *v)
    }
}

/// The clauses of an `Accept` header, best first: by `q`, then as written.
pub(crate) fn clauses(accept: &str) -> Vec<Clause<'_>> {
    let mut clauses: Vec<(u32, Clause<'_>)> = accept
        .split(',')
        .filter_map(|clause| {
            let mut parts = clause.split(';').map(str::trim);
            let media = parts.next().filter(|m| !m.is_empty())?;
            let mut quality = 1000;
            let mut parameters = Vec::new();
            for (key, value) in parts.filter_map(|p| p.split_once('=')) {
                if key == "q" {
                    quality = thousandths(value);
                } else {
                    parameters.push((key, value));
                }
            }
            (quality > 0).then_some((quality, Clause { media, parameters }))
        })
        .collect();
    clauses.sort_by_key(|(quality, _)| std::cmp::Reverse(*quality));
    clauses.into_iter().map(|(_, clause)| clause).collect()
}

fn thousandths(q: &str) -> u32 {
    let (whole, part) = q.split_once('.').unwrap_or((q, ""));
    let digits: String = part.chars().chain("000".chars()).take(3).collect();
    whole
        .parse::<u32>()
        .unwrap_or(0)
        .saturating_mul(1000)
        .saturating_add(digits.parse().unwrap_or(0))
        .min(1000)
}

/// What a resource can be answered as.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Offer {
    /// Protobuf is possible: the kind is built in.
    pub(crate) protobuf: bool,
    /// YAML is possible: the answer is no stream.
    pub(crate) yaml: bool,
    /// Tables and metadata alone are possible: it is about objects, which a review is not.
    pub(crate) shapes: bool,
}

/// The first clause that can be honoured; 406 naming what could be.
pub(crate) fn form(accept: Option<&str>, offer: Offer) -> Result<Form, Status> {
    let Some(accept) = accept.filter(|a| !a.trim().is_empty()) else {
        return Ok(Form::JSON);
    };
    let mut known = false;
    for clause in clauses(accept) {
        let encoding = match clause.media {
            "*/*" | "application/*" | JSON => Encoding::Json,
            YAML if offer.yaml => Encoding::Yaml,
            PROTOBUF if offer.protobuf => Encoding::Protobuf,
            _ => continue,
        };
        known = true;
        let meta_version = match clause.get("v") {
            Some("v1beta1") => "v1beta1",
            _ => "v1",
        };
        if clause.get("as").is_some() && !offer.shapes {
            continue;
        }
        let transform = match (clause.get("as"), clause.get("g"), clause.get("v")) {
            (None, _, _) => Transform::Objects,
            (Some("Table"), Some("meta.k8s.io"), Some("v1" | "v1beta1")) => Transform::Table,
            (
                Some("PartialObjectMetadata" | "PartialObjectMetadataList"),
                Some("meta.k8s.io"),
                Some("v1" | "v1beta1"),
            ) => Transform::Metadata,
            _ => continue,
        };
        // Tables have no protobuf, and the metadata of v1beta1 has another one than that of v1.
        let spelled = match transform {
            Transform::Objects => true,
            Transform::Metadata => meta_version == "v1",
            Transform::Table => false,
        };
        if encoding == Encoding::Protobuf && !spelled {
            continue;
        }
        return Ok(Form {
            encoding,
            transform,
            meta_version,
            pretty: false,
        });
    }
    if !offer.yaml {
        let streams = [
            "application/json;stream=watch",
            "application/vnd.kubernetes.protobuf;stream=watch",
        ];
        let count = if offer.protobuf { 2 } else { 1 };
        return Err(Status::not_acceptable(streams.get(..count).unwrap_or_default()));
    }
    let mut types = vec![JSON, YAML];
    if offer.protobuf {
        types.push(PROTOBUF);
    }
    Err(if known {
        Status::not_acceptable(&types)
    } else {
        Status::not_represented(&types)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_clients_send() {
        let built_in = Offer {
            protobuf: true,
            yaml: true,
            shapes: true,
        };
        let ours = Offer {
            protobuf: false,
            yaml: true,
            shapes: true,
        };
        let check = |accept: &str, offer, encoding, transform| {
            let form = form(Some(accept), offer).unwrap();
            assert_eq!((form.encoding, form.transform), (encoding, transform), "{accept}");
        };
        let kubectl = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json";
        check(kubectl, built_in, Encoding::Json, Transform::Table);
        check(
            "application/vnd.kubernetes.protobuf,application/json",
            built_in,
            Encoding::Protobuf,
            Transform::Objects,
        );
        check(
            "application/vnd.kubernetes.protobuf,application/json",
            ours,
            Encoding::Json,
            Transform::Objects,
        );
        check("application/json, */*", ours, Encoding::Json, Transform::Objects);
        check("application/yaml", ours, Encoding::Yaml, Transform::Objects);
        check("text/html;q=0.9, */*;q=0.1", ours, Encoding::Json, Transform::Objects);
        check(
            "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1",
            ours,
            Encoding::Json,
            Transform::Metadata,
        );
        check(
            "application/vnd.kubernetes.protobuf;as=PartialObjectMetadata;g=meta.k8s.io;v=v1",
            built_in,
            Encoding::Protobuf,
            Transform::Metadata,
        );
        assert_eq!(
            form(Some("application/vnd.kubernetes.protobuf"), ours)
                .unwrap_err()
                .code,
            406
        );
        assert_eq!(form(Some("text/plain"), built_in).unwrap_err().code, 406);
        assert_eq!(form(None, built_in).unwrap(), Form::JSON);
    }
}
