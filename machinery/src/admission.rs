//! What admission decides of one object: defaults and bounds that other objects set, and what quotas count.
//!
//! In: the object, and the objects that say something about it (LimitRanges, PriorityClasses, ServiceAccounts, quotas). Out: the
//! object completed, or why it is refused, in kube-apiserver's words. Absent: where those other objects come from, and the
//! order of the steps (the server's).

pub mod account;
pub mod class;
pub mod conditions;
pub mod expression;
pub mod limits;
pub mod matching;
pub mod mutation;
pub mod policy;
pub mod priority;
pub mod quota;
pub mod resources;
pub mod review;

/// Several faults as one text: alone as it is, together in brackets, none of them twice.
#[must_use]
pub fn together(faults: &[String]) -> String {
    let mut distinct: Vec<&str> = Vec::new();
    for fault in faults {
        if !distinct.contains(&fault.as_str()) {
            distinct.push(fault);
        }
    }
    match distinct.as_slice() {
        [] => String::new(),
        [one] => (*one).to_owned(),
        many => format!("[{}]", many.join(", ")),
    }
}
