//! The same zones and questions to Meridian and to NSD: codes, authority and records agree, whatever the zone.
//!
//! Zones are made by chance from a fixed seed: names under each other, wildcards, aliases, delegations with and without glue, DNAMEs.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::server::Server;

const ORIGINS: [&str; 6] = [
    "one.test",
    "two.test",
    "three.test",
    "four.test",
    "five.test",
    "six.test",
];
const TYPES: [&str; 6] = ["A", "TXT", "NS", "DS", "CNAME", "SOA"];
const QUESTIONS: usize = 250;

/// Numbers that are the same in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap() % sides
    }

    fn name(&mut self, labels: &[&str], longest: usize) -> String {
        let count = 1 + self.roll(longest);
        (0..count)
            .map(|_| labels[self.roll(labels.len())])
            .collect::<Vec<_>>()
            .join(".")
    }
}

/// A zone's text.
fn zone(dice: &mut Dice) -> String {
    let mut text = "$TTL 300\n@ SOA ns h 1 60 60 600 20\n@ NS ns\n@ TXT apex\nns A 192.0.2.53\n".to_owned();
    // One kind of thing a name: what else may stand beside it depends on the kind.
    let mut names: BTreeMap<String, usize> = BTreeMap::new();
    for _ in 0..25 {
        let name = dice.name(&["a", "b", "c", "d", "*"], 4);
        // An asterisk in the middle is a name like others, but servers differ over its being a delegation.
        names.entry(name).or_insert_with(|| 0);
    }
    names.remove("ns");
    let redirected: BTreeSet<String> = names
        .keys()
        .filter(|name| name.starts_with('d') && !name.contains('*'))
        .cloned()
        .collect();
    let below = |name: &str| redirected.iter().any(|above| name.ends_with(&format!(".{above}")));
    for name in names.keys().filter(|name| !below(name)) {
        if redirected.contains(name) {
            writeln!(text, "{name} DNAME {}", dice.name(&["a", "b"], 2)).unwrap();
            continue;
        }
        match dice.roll(if name.contains('*') { 6 } else { 8 }) {
            0..=2 => writeln!(
                text,
                "{name} A 192.0.2.{}\n{name} A 192.0.2.{}",
                dice.roll(100),
                dice.roll(100)
            )
            .unwrap(),
            3 => writeln!(text, "{name} 60 TXT \"of {name}\"").unwrap(),
            4 => writeln!(text, "{name} CNAME {}", dice.name(&["a", "b", "c", "x"], 3)).unwrap(),
            5 => writeln!(text, "{name} CNAME www.example.net.").unwrap(),
            _ => {
                writeln!(text, "{name} NS ns.{name}\n{name} NS ns\n{name} NS ns.example.net.").unwrap();
                if dice.roll(4) > 0 {
                    writeln!(text, "{name} DS 1 13 2 {}", "ab".repeat(32)).unwrap();
                }
                writeln!(text, "ns.{name} A 192.0.2.77").unwrap();
            }
        }
    }
    text
}

/// What matters of an answer, as dig prints it: code, AA, answers, and the authority section where it means something.
fn answers(output: &str) -> Vec<String> {
    let mut all = Vec::new();
    for block in output.split(";; ->>HEADER<<- ").skip(1) {
        let mut lines = block.lines();
        let code = lines
            .next()
            .unwrap()
            .split(", ")
            .find(|part| part.starts_with("status"))
            .unwrap()
            .to_owned();
        let flags = lines.next().unwrap();
        let authoritative = flags
            .split(';')
            .find(|part| part.contains("qr"))
            .unwrap()
            .contains(" aa");
        let mut sections: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
        let mut section = "";
        for line in lines {
            match line.strip_prefix(";; ").and_then(|line| line.strip_suffix(" SECTION:")) {
                Some(name) => section = name,
                None if line.is_empty() || line.starts_with(';') => {}
                None => {
                    let line = line.split_whitespace().collect::<Vec<_>>().join(" ");
                    sections.entry(section).or_default().insert(line);
                }
            }
        }
        // Servers may add the apex's NS set to an answer; that says nothing.
        let means = |line: &&String| {
            line.contains(" SOA ")
                || !authoritative
                || sections
                    .get("ANSWER")
                    .is_some_and(|a| a.iter().any(|a| a.contains(" CNAME ")))
        };
        let authority: Vec<&String> = sections.get("AUTHORITY").into_iter().flatten().filter(means).collect();
        let answer: Vec<&String> = sections.get("ANSWER").into_iter().flatten().collect();
        all.push(format!(
            "{code} aa={authoritative} answer={answer:?} authority={authority:?}"
        ));
    }
    all
}

#[test]
fn zones_are_answered_as_nsd_does() {
    let dir = tempfile::tempdir().unwrap();
    let mut dice = Dice(0x2545_F491_4F6C_DD1D);
    let mut zones = Vec::new();
    let mut texts = String::new();
    for origin in ORIGINS {
        let text = zone(&mut dice);
        let path = dir.path().join(origin);
        std::fs::write(&path, &text).unwrap();
        writeln!(texts, "--- {origin}\n{text}").unwrap();
        zones.push((origin, path));
    }
    let mut questions = Vec::new();
    for origin in ORIGINS {
        for type_ in TYPES {
            questions.push(format!("{origin} {type_}"));
        }
        let text = std::fs::read_to_string(dir.path().join(origin)).unwrap();
        let owners: BTreeSet<&str> = text.lines().skip(2).filter_map(|line| line.split(' ').next()).collect();
        for owner in owners.into_iter().filter(|owner| *owner != "@") {
            questions.extend(TYPES.iter().map(|type_| format!("{owner}.{origin} {type_}")));
        }
        for _ in 0..QUESTIONS {
            let name = dice.name(&["a", "b", "c", "d", "*", "x", "ns"], 5);
            questions.push(format!("{name}.{origin} {}", TYPES[dice.roll(TYPES.len())]));
        }
    }
    let batch = dir.path().join("questions");
    std::fs::write(&batch, questions.join("\n")).unwrap();
    let peer = Server::nsd(dir.path(), &zones);
    let ours = Server::meridian(dir.path(), &zones, &[]);
    let ask = |server: &Server| {
        let batch = batch.display().to_string();
        answers(
            &server
                .dig(&["+norecurse", "+nocookie", "+bufsize=1232", "-f", &batch])
                .unwrap(),
        )
    };
    let (theirs, own) = (ask(&peer), ask(&ours));
    assert_eq!((theirs.len(), own.len()), (questions.len(), questions.len()));
    let mut differences = String::new();
    let mut count = 0;
    for ((question, theirs), own) in questions.iter().zip(&theirs).zip(&own) {
        if theirs != own {
            count += 1;
            writeln!(differences, "{question}\n  NSD      {theirs}\n  Meridian {own}").unwrap();
        }
    }
    assert!(
        count == 0,
        "{count} of {} differ:\n{differences}\n{texts}",
        questions.len()
    );
    // All kinds of answers were among them.
    for kind in [
        "NXDOMAIN aa=true",
        "NOERROR aa=false",
        " CNAME ",
        " DNAME ",
        " DS ",
        " TXT ",
        " SOA ",
    ] {
        let seen = own.iter().filter(|answer| answer.contains(kind)).count();
        assert!(seen >= 3, "only {seen} answers with {kind}");
    }
    ours.stop();
    peer.stop();
}
