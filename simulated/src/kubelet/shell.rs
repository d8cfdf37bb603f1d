//! The commands of a simulated container. Pure: a line in, what it prints and its exit code out.

use std::collections::BTreeMap;

use serde_json::Value;

use super::archive;

/// The one file of a simulated container.
const HOSTNAME_FILE: &str = "/etc/hostname";

/// A container as its commands see it.
#[derive(Clone, Debug)]
pub(super) struct Shell {
    host: String,
    variables: BTreeMap<String, String>,
}

/// What a command did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It ended.
    Ended {
        /// Standard output.
        out: String,
        /// Standard error.
        err: String,
        /// Exit code.
        code: i32,
    },
    /// It prints its standard input, until that ends.
    Copies,
    /// It reads an archive from its standard input, and says whether it is one.
    Unpacks,
    /// It runs each line of its standard input.
    Interprets,
}

impl Shell {
    /// The shell of a container.
    pub(super) fn of(pod: &Value, container: &str, member: &str) -> Self {
        let text = |pointer: &str| pod.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        let host = text("/metadata/name").to_owned();
        let mut variables = BTreeMap::from([
            ("HOSTNAME".to_owned(), host.clone()),
            ("SIMULATED_CLUSTER".to_owned(), member.to_owned()),
        ]);
        let containers = pod.pointer("/spec/containers").and_then(Value::as_array);
        let found = containers.into_iter().flatten().find(|one| one["name"] == container);
        let given = found.and_then(|found| found.get("env")?.as_array());
        for variable in given.into_iter().flatten() {
            if let (Some(name), Some(value)) = (variable["name"].as_str(), variable["value"].as_str()) {
                variables.insert(name.to_owned(), value.to_owned());
            }
        }
        Self { host, variables }
    }

    /// Runs a command.
    pub(super) fn run(&self, words: &[String]) -> Outcome {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        match words.as_slice() {
            [] | ["true"] => printed(String::new()),
            ["false"] => ended(String::new(), 1),
            ["echo", rest @ ..] => printed(format!("{}\n", rest.join(" "))),
            ["hostname"] => printed(self.hostname()),
            ["env" | "printenv"] => printed(
                self.variables
                    .iter()
                    .map(|(name, value)| format!("{name}={value}\n"))
                    .collect(),
            ),
            ["printenv", name] => match self.variables.get(*name) {
                Some(value) => printed(format!("{value}\n")),
                None => ended(String::new(), 1),
            },
            ["exit"] => printed(String::new()),
            ["exit", code] => ended(String::new(), code.parse().unwrap_or(2)),
            ["cat"] => Outcome::Copies,
            ["cat", HOSTNAME_FILE] => printed(self.hostname()),
            ["tar", "cf", "-", HOSTNAME_FILE] => {
                let archive = archive::of(HOSTNAME_FILE, &self.hostname());
                printed(String::from_utf8_lossy(&archive).into_owned())
            }
            ["tar", "-xmf" | "-xf", "-", ..] => Outcome::Unpacks,
            ["test", "-d", "/" | "/etc" | "/tmp"] => printed(String::new()),
            ["test", ..] => ended(String::new(), 1),
            ["sh" | "bash" | "/bin/sh" | "/bin/bash"] => Outcome::Interprets,
            ["sh" | "bash" | "/bin/sh" | "/bin/bash", "-c", line, ..] => self.line(line),
            [other, ..] => ended(format!("{other}: not found in a simulated container\n"), 127),
        }
    }

    fn hostname(&self) -> String {
        format!("{}\n", self.host)
    }

    /// Runs a line.
    pub(super) fn line(&self, line: &str) -> Outcome {
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        self.run(&words)
    }

    /// What stands before a line that is typed.
    pub(super) fn prompt(&self) -> String {
        format!("{}:/$ ", self.host)
    }
}

fn printed(out: String) -> Outcome {
    Outcome::Ended {
        out,
        err: String::new(),
        code: 0,
    }
}

fn ended(err: String, code: i32) -> Outcome {
    Outcome::Ended {
        out: String::new(),
        err,
        code,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn commands() {
        let pod = json!({"metadata": {"name": "web-1"},
            "spec": {"containers": [{"name": "c", "env": [{"name": "COLOUR", "value": "blue"}]}]}});
        let shell = Shell::of(&pod, "c", "us-1");
        for (line, out, err, code) in [
            ("hostname", "web-1\n", "", 0),
            ("echo  a b", "a b\n", "", 0),
            ("env", "COLOUR=blue\nHOSTNAME=web-1\nSIMULATED_CLUSTER=us-1\n", "", 0),
            ("printenv COLOUR", "blue\n", "", 0),
            ("printenv NOTHING", "", "", 1),
            ("exit 3", "", "", 3),
            ("rm -rf /", "", "rm: not found in a simulated container\n", 127),
        ] {
            let wanted = Outcome::Ended {
                out: out.to_owned(),
                err: err.to_owned(),
                code,
            };
            assert_eq!(shell.line(line), wanted, "{line}");
        }
        let nested = ["sh", "-c", "echo hi"].map(str::to_owned);
        assert_eq!(shell.run(&nested), printed("hi\n".to_owned()));
        assert_eq!(shell.line("cat"), Outcome::Copies);
        assert_eq!(shell.line("cat /etc/hostname"), printed("web-1\n".to_owned()));
        assert_eq!(shell.line("tar -xmf - -C /tmp"), Outcome::Unpacks);
        let Outcome::Ended { out, .. } = shell.line("tar cf - /etc/hostname") else {
            panic!("tar prints")
        };
        assert_eq!(archive::entries(out.as_bytes()), Ok(1));
        assert_eq!(shell.line("/bin/sh"), Outcome::Interprets);
    }
}
