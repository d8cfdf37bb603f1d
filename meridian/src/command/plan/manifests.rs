//! Manifests as kubectl takes them: files, directories, standard input; YAML or JSON, several documents, lists.
//! In: paths. Out: objects in order. Absent: what they mean.

use std::io::Read;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::CommandError;

/// File names that a directory is read for.
const EXTENSIONS: [&str; 3] = ["json", "yaml", "yml"];
/// Most bytes of one file: a manifest is written by people.
const BYTES_MAX: u64 = 64 << 20;

/// Reads every object of every path.
pub(super) fn read(paths: &[PathBuf]) -> Result<Vec<Value>, CommandError> {
    let mut objects = Vec::new();
    for path in paths {
        if path.is_dir() {
            for file in files_of(path)? {
                objects.extend(read_one(&file)?);
            }
        } else {
            objects.extend(read_one(path)?);
        }
    }
    Ok(objects)
}

fn files_of(directory: &Path) -> Result<Vec<PathBuf>, CommandError> {
    let failed = |error| CommandError::File(directory.to_owned(), error);
    let mut files = Vec::new();
    for entry in std::fs::read_dir(directory).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let known = path
            .extension()
            .and_then(|of| of.to_str())
            .is_some_and(|of| EXTENSIONS.contains(&of));
        if known && path.is_file() {
            files.push(path);
        }
    }
    files.sort();
    if files.is_empty() {
        let shown = directory.display();
        return Err(CommandError::Said(format!(
            "{shown} holds no file that ends in .json, .yaml or .yml"
        )));
    }
    Ok(files)
}

fn read_one(path: &Path) -> Result<Vec<Value>, CommandError> {
    let failed = |error| CommandError::File(path.to_owned(), error);
    let mut text = String::new();
    if path == Path::new("-") {
        std::io::stdin()
            .take(BYTES_MAX)
            .read_to_string(&mut text)
            .map_err(failed)?;
    } else {
        let file = std::fs::File::open(path).map_err(failed)?;
        file.take(BYTES_MAX).read_to_string(&mut text).map_err(failed)?;
    }
    documents(&text).map_err(|error| CommandError::Said(format!("{}: {error}", path.display())))
}

fn documents(text: &str) -> Result<Vec<Value>, String> {
    let documents: Vec<Value> = serde_saphyr::from_multiple(text).map_err(|error| error.to_string())?;
    let mut objects = Vec::new();
    for document in documents.into_iter().filter(|document| !document.is_null()) {
        let is_list = document
            .get("kind")
            .and_then(Value::as_str)
            .is_some_and(|kind| kind.ends_with("List"));
        match document.get("items").and_then(Value::as_array) {
            Some(items) if is_list => objects.extend(items.iter().cloned()),
            Some(_) | None => objects.push(document),
        }
    }
    for object in &objects {
        for field in ["/apiVersion", "/kind", "/metadata/name"] {
            if object.pointer(field).and_then(Value::as_str).is_none_or(str::is_empty) {
                return Err(format!(
                    "an object has no {}",
                    field.trim_start_matches('/').replace('/', ".")
                ));
            }
        }
    }
    Ok(objects)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_and_lists() {
        let one = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n";
        let list = "apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: ConfigMap, metadata: {name: b}}\n";
        let names = |text: &str| -> Vec<String> {
            let read = documents(text).unwrap();
            read.iter()
                .map(|one| one["metadata"]["name"].as_str().unwrap().to_owned())
                .collect()
        };
        assert_eq!(names(&format!("---\n{one}---\n{list}---\n")), ["a", "b"]);
        assert_eq!(
            names(r#"{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}}"#),
            ["p"]
        );
        assert!(
            documents("kind: Pod\nmetadata: {name: a}\n")
                .unwrap_err()
                .contains("apiVersion")
        );
        assert!(documents("a: [").is_err());
    }
}
