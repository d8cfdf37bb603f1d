//! Pod: what its cluster says of it, word for word. A Pod that a policy puts into several clusters has many states and one
//! status; it shows the first cluster's that is not well, else the first one's.

use api::Placement;
use serde_json::Value;

use super::chosen;

/// None before any member spoke.
pub(super) fn fold(placement: &Placement) -> Option<Value> {
    let told = || chosen(placement).filter(|row| row.status.is_object());
    let unwell = told().find(|row| row.ready == Some(false));
    unwell.or_else(|| told().next()).map(|row| row.status.clone())
}
