//! Faults on demand: what of a member fails, and how.
//! In: [`Fault`]s. Out: what every listener of the member must do now. Absent: the listeners (`gate`).

use std::str::FromStr;
use std::sync::Arc;

use tokio::sync::watch;

/// What of a member fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// Its Kubernetes API.
    Api,
    /// Its data path: the addresses of its Services.
    Data,
    /// Both.
    All,
}

/// How it fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// Nobody listens: connections are refused.
    Refuse,
    /// Nothing comes back: the API accepts connections and never answers, packets to the data path are lost.
    Hang,
    /// Every answer is nonsense.
    Garbage,
}

/// A fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What fails.
    pub what: What,
    /// How.
    pub how: How,
}

/// A word that names no fault.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{value:?} is none of {known}")]
pub struct FaultWordError {
    value: String,
    known: &'static str,
}

impl FromStr for What {
    type Err = FaultWordError;

    fn from_str(text: &str) -> Result<Self, FaultWordError> {
        match text {
            "api" => Ok(Self::Api),
            "data" => Ok(Self::Data),
            "all" => Ok(Self::All),
            _ => Err(FaultWordError {
                value: text.to_owned(),
                known: "api, data, all",
            }),
        }
    }
}

impl FromStr for How {
    type Err = FaultWordError;

    fn from_str(text: &str) -> Result<Self, FaultWordError> {
        match text {
            "refuse" => Ok(Self::Refuse),
            "hang" => Ok(Self::Hang),
            "garbage" => Ok(Self::Garbage),
            _ => Err(FaultWordError {
                value: text.to_owned(),
                known: "refuse, hang, garbage",
            }),
        }
    }
}

/// The present faults of one member; clones share them.
#[derive(Clone, Debug)]
pub struct Faults {
    api: Arc<watch::Sender<Option<How>>>,
    data: Arc<watch::Sender<Option<How>>>,
}

impl Default for Faults {
    fn default() -> Self {
        Self {
            api: Arc::new(watch::channel(None).0),
            data: Arc::new(watch::channel(None).0),
        }
    }
}

impl Faults {
    /// Something fails from now on. Connections that are open are cut.
    pub fn inject(&self, fault: Fault) {
        if matches!(fault.what, What::Api | What::All) {
            self.api.send_replace(Some(fault.how));
        }
        if matches!(fault.what, What::Data | What::All) {
            self.data.send_replace(Some(fault.how));
        }
    }

    /// Everything works again. What works already is not disturbed.
    pub fn recover(&self) {
        for path in [&self.api, &self.data] {
            path.send_if_modified(|how| how.take().is_some());
        }
    }

    /// How the API and the data path fail now.
    #[must_use]
    pub fn present(&self) -> (Option<How>, Option<How>) {
        (*self.api.borrow(), *self.data.borrow())
    }

    pub(crate) fn api(&self) -> watch::Receiver<Option<How>> {
        self.api.subscribe()
    }

    pub(crate) fn data(&self) -> watch::Receiver<Option<How>> {
        self.data.subscribe()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_read() {
        assert_eq!("api".parse(), Ok(What::Api));
        assert_eq!("garbage".parse(), Ok(How::Garbage));
        assert!(
            "gone"
                .parse::<How>()
                .unwrap_err()
                .to_string()
                .contains("refuse, hang, garbage")
        );
    }

    #[test]
    fn faults_are_of_one_side_or_both() {
        let faults = Faults::default();
        faults.inject(Fault {
            what: What::Data,
            how: How::Hang,
        });
        assert_eq!(faults.present(), (None, Some(How::Hang)));
        faults.inject(Fault {
            what: What::All,
            how: How::Refuse,
        });
        assert_eq!(faults.present(), (Some(How::Refuse), Some(How::Refuse)));
        faults.recover();
        assert_eq!(faults.present(), (None, None));
    }
}
