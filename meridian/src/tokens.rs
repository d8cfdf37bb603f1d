//! The hub's static token file: `token,user,uid,"group1,group2"` lines, as kube-apiserver's `--token-auth-file` has them.
//! The running server reads it again when it changes.

use std::path::Path;

use crate::data_dir::write_whole;

/// Name of the file in `pki/`.
pub(crate) const FILE: &str = "tokens.csv";
/// Groups of an administrator.
pub(crate) const ADMIN_GROUPS: &[&str] = &["system:masters"];
/// Groups of a reader of everything but Secrets.
pub(crate) const VIEWER_GROUPS: &[&str] = &["system:meridian:viewers"];

/// The user's token with these groups; made and written if there is none.
pub(crate) fn ensure(path: &Path, user: &str, groups: &[&str]) -> std::io::Result<String> {
    if user.is_empty() || user.contains([',', '"', '\n']) {
        return Err(std::io::Error::other(format!("{user:?} is no user name")));
    }
    if let Some(group) = groups
        .iter()
        .find(|group| group.is_empty() || group.contains([',', '"', '\n']))
    {
        return Err(std::io::Error::other(format!("{group:?} is no group name")));
    }
    let present = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(error),
    };
    let tail = format!(",{user},{user},\"{}\"", groups.join(","));
    if let Some(token) = present.lines().find_map(|line| line.strip_suffix(tail.as_str())) {
        return Ok(token.to_owned());
    }
    let token = uuid::Uuid::new_v4().simple().to_string() + &uuid::Uuid::new_v4().simple().to_string();
    let mut text = present;
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    text.push_str(&format!("{token}{tail}\n"));
    write_whole(path, text.as_bytes(), true)?;
    Ok(token)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_made_once_a_user_and_role() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("pki").join(FILE);
        let admin = ensure(&path, "admin", ADMIN_GROUPS).unwrap();
        let viewer = ensure(&path, "admin", VIEWER_GROUPS).unwrap();
        assert_eq!(ensure(&path, "admin", ADMIN_GROUPS).unwrap(), admin);
        assert_ne!(admin, viewer);
        assert!(ensure(&path, "a,b", ADMIN_GROUPS).is_err());
        assert!(ensure(&path, "a", &["b\nc"]).is_err());
        assert_ne!(ensure(&path, "admin", &[]).unwrap(), admin);
    }
}
