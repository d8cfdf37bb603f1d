//! Query parameters of a request: the options of each verb, read and checked once.

use machinery::status::Status;

use super::path::decode;

/// Query parameters in order of appearance.
#[derive(Clone, Debug, Default)]
pub struct Query(Vec<(String, String)>);

impl Query {
    /// Reads a query string; malformed pairs are a bad request.
    pub(crate) fn parse(text: Option<&str>) -> Result<Self, Status> {
        let mut pairs = Vec::new();
        for pair in text.unwrap_or_default().split('&').filter(|p| !p.is_empty()) {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            match (decode(key, true), decode(value, true)) {
                (Some(key), Some(value)) => pairs.push((key.into_owned(), value.into_owned())),
                _ => {
                    return Err(Status::bad_request(format!(
                        "invalid URL escape in query parameter {pair:?}"
                    )));
                }
            }
        }
        Ok(Self(pairs))
    }

    /// The first value of a parameter; none where it is missing or empty.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(k, v)| k == key && !v.is_empty())
            .map(|(_, v)| v.as_str())
    }

    /// All values of a parameter.
    pub(crate) fn all<'a>(&'a self, key: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(k, _)| k == key).map(|(_, v)| v.as_str())
    }

    /// The same with one parameter of this value alone; without it where the value is empty.
    pub(crate) fn with(&self, key: &str, value: &str) -> Self {
        let mut pairs: Vec<_> = self.0.iter().filter(|(k, _)| k != key).cloned().collect();
        if !value.is_empty() {
            pairs.push((key.to_owned(), value.to_owned()));
        }
        Self(pairs)
    }

    /// Whether a parameter is set, with or without a value.
    #[must_use]
    pub fn has(&self, key: &str) -> bool {
        self.0.iter().any(|(k, _)| k == key)
    }

    /// A boolean, read as Go reads them in queries: anything but `false` and `0` is true once the parameter is there.
    #[must_use]
    pub fn flag(&self, key: &str) -> Option<bool> {
        self.0
            .iter()
            .find(|(k, _)| k == key)
            .map(|(_, v)| !matches!(v.as_str(), "false" | "0" | "False" | "FALSE" | "f" | "F"))
    }

    /// A whole number; anything else is a bad request.
    pub(crate) fn number(&self, key: &str) -> Result<Option<i64>, Status> {
        self.get(key)
            .map(|text| {
                text.parse::<i64>().map_err(|_| {
                    Status::bad_request(format!(
                        "invalid value {text:?} of query parameter {key}: it is not a whole number"
                    ))
                })
            })
            .transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_pairs() {
        let query = Query::parse(Some("labelSelector=a%3Db%2Cc&watch=1&empty=&limit=500&x=a+b")).unwrap();
        assert_eq!(query.get("labelSelector"), Some("a=b,c"));
        assert_eq!(query.flag("watch"), Some(true));
        assert_eq!(query.flag("missing"), None);
        assert_eq!(query.get("empty"), None);
        assert_eq!(query.number("limit").unwrap(), Some(500));
        assert_eq!(query.get("x"), Some("a b"));
        assert!(Query::parse(Some("a=%f")).is_err());
        assert!(Query::parse(Some("limit=many")).unwrap().number("limit").is_err());
    }
}
