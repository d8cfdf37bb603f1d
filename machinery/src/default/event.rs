//! Events of the core group.

use super::place::{Object, absent};

pub(super) fn core(object: &mut Object) {
    // Written by a typed server even where they are empty.
    absent(object, "reportingComponent", "");
    absent(object, "reportingInstance", "");
}
