//! Which of the controllers run that a kube-controller-manager has too: its own may work against the hub instead.
//! In: names as its flag `--controllers` takes them. Out: [`Options`]. Absent: Meridian's own controllers, which always run.

/// How the controllers run.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Options {
    /// Collect what its owners left behind.
    pub garbage: bool,
    /// Empty namespaces that are deleted.
    pub namespaces: bool,
    /// Keep a service account `default` in every namespace.
    pub service_accounts: bool,
    /// Count what ResourceQuotas limit.
    pub quotas: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            garbage: true,
            namespaces: true,
            service_accounts: true,
            quotas: true,
        }
    }
}

/// A controller that nobody knows.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no controller {0:?} to switch; next: name one of {names}, with - before it to leave it out", names = NAMES.join(", "))]
pub struct UnknownController(String);

const NAMES: [&str; 4] = [
    "garbage-collector-controller",
    "namespace-controller",
    "serviceaccount-controller",
    "resourcequota-controller",
];

impl Options {
    /// From a list of names: `*` for all, `-NAME` for all but that one; of two words about one controller the first counts.
    ///
    /// # Errors
    /// If a name is unknown.
    pub fn named<'a>(words: impl IntoIterator<Item = &'a str>) -> Result<Self, UnknownController> {
        let mut said: [Option<bool>; NAMES.len()] = [None; NAMES.len()];
        let mut others = false;
        for word in words.into_iter().map(str::trim).filter(|word| !word.is_empty()) {
            if word == "*" {
                others = true;
                continue;
            }
            let (name, on) = match word.strip_prefix('-') {
                Some(name) => (name, false),
                None => (word, true),
            };
            let known = NAMES.iter().zip(&mut said).find(|(known, _)| **known == name);
            let (_, said) = known.ok_or_else(|| UnknownController(name.to_owned()))?;
            said.get_or_insert(on);
        }
        let [garbage, namespaces, service_accounts, quotas] = said.map(|said| said.unwrap_or(others));
        Ok(Self {
            garbage,
            namespaces,
            service_accounts,
            quotas,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_kube_controller_manager_reads_them() {
        let named = |words: &str| Options::named(words.split(','));
        assert_eq!(named("*"), Ok(Options::default()));
        let without = Options {
            garbage: false,
            ..Options::default()
        };
        assert_eq!(named("*,-garbage-collector-controller"), Ok(without.clone()));
        assert_eq!(
            named("-garbage-collector-controller,*,garbage-collector-controller"),
            Ok(without)
        );
        let only = named("namespace-controller").unwrap();
        assert!(only.namespaces && !only.garbage && !only.service_accounts);
        assert!(
            named("*,-nonsense")
                .unwrap_err()
                .to_string()
                .contains("namespace-controller")
        );
    }
}
