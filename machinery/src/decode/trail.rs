//! Where a reader of a value stands, and the places that it was to name, within bounds.
//!
//! In: steps into fields and items, and out again. Out: paths such as `spec.ports[0].bar`, at most [`NAMES_MAX`] of at most
//! [`NAME_BYTES_MAX`] bytes: a body must not make an answer many times its size. A step costs what it adds to the path, and
//! never a copy of what is above it.

/// Places are named up to this many, as kube-apiserver does.
const NAMES_MAX: usize = 100;
/// Bytes of one name; more are cut off.
const NAME_BYTES_MAX: usize = 500;

/// A place, and the places found so far.
#[derive(Debug, Default)]
pub(crate) struct Trail {
    path: String,
    names: Vec<String>,
}

impl Trail {
    /// Steps into a field. Gives what [`Trail::leave`] needs.
    pub(crate) fn field(&mut self, name: &str) -> usize {
        let length = self.path.len();
        if length > 0 {
            self.path.push('.');
        }
        self.path.push_str(name);
        length
    }

    /// Steps into an item of a list.
    pub(crate) fn item(&mut self, index: usize) -> usize {
        let length = self.path.len();
        self.path.push_str(&format!("[{index}]"));
        length
    }

    /// Steps out again.
    pub(crate) fn leave(&mut self, length: usize) {
        self.path.truncate(length);
    }

    /// The place.
    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    /// Names the place, once.
    pub(crate) fn name(&mut self) {
        if self.names.len() < NAMES_MAX {
            let name = cut(&self.path);
            if !self.names.contains(&name) {
                self.names.push(name);
            }
        }
    }

    /// Names a field of the place.
    pub(crate) fn name_field(&mut self, name: &str) {
        if self.names.len() < NAMES_MAX {
            let length = self.field(name);
            self.name();
            self.leave(length);
        }
    }

    /// The names, in the order in which they were found.
    pub(crate) fn into_names(self) -> Vec<String> {
        self.names
    }
}

fn cut(path: &str) -> String {
    if path.len() <= NAME_BYTES_MAX {
        return path.to_owned();
    }
    let (kept, _) = path.split_at(path.floor_char_boundary(NAME_BYTES_MAX));
    format!("{kept}...")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_few_and_short() {
        let mut trail = Trail::default();
        let long = "é".repeat(1 << 20);
        let length = trail.field(&long);
        for index in 0..10_000 {
            trail.name_field(&index.to_string());
        }
        trail.leave(length);
        trail.name_field("spec");
        let names = trail.into_names();
        // All that begin alike are one name, once they are cut.
        assert_eq!(names.len(), 2);
        assert_eq!(names[0], format!("{}...", "é".repeat(250)));
        assert_eq!(names[1], "spec");
        let mut trail = Trail::default();
        trail.field("a");
        (0..10_000).for_each(|index| trail.name_field(&index.to_string()));
        let names = trail.into_names();
        assert_eq!((names.len(), names[0].as_str()), (100, "a.0"));
    }
}
