//! Every target with every seed of its folder, and with what random damage makes of them.

use std::path::Path;

use fuzz::{TARGETS, Target};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

/// Damaged bodies a target; a run of libFuzzer tries millions.
const DAMAGED: u32 = 400;

fn seeds(target: Target) -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target.name);
    let mut seeds: Vec<_> = std::fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| entry.unwrap().path())
        .map(|path| (path.display().to_string(), std::fs::read(&path).unwrap()))
        .collect();
    seeds.sort();
    seeds
}

#[test]
fn every_seed_holds() {
    for target in TARGETS {
        let seeds = seeds(target);
        assert!(seeds.len() > 3, "{} has hardly a seed", target.name);
        for (path, bytes) in seeds {
            println!("{path}");
            (target.attack)(&bytes);
        }
    }
}

#[test]
fn every_folder_has_a_target() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    for entry in std::fs::read_dir(corpus).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(fuzz::named(&name).is_some(), "{name} is no target");
    }
}

/// One thing that an enemy does to a body. Places are parts of its length.
#[derive(Clone, Debug)]
enum Damage {
    Byte(prop::sample::Index, u8),
    Cut(prop::sample::Index),
    Repeat(prop::sample::Index, prop::sample::Index, usize),
    Insert(prop::sample::Index, &'static str),
    Splice(prop::sample::Index, prop::sample::Index),
}

const WORDS: [&str; 18] = [
    "null",
    "{}",
    "[]",
    "\"",
    "\\",
    "$patch",
    "\"$retainKeys\":[]",
    "*a",
    "&a ",
    "<<: *a",
    "-1",
    "1e999",
    "999999999999999999",
    "\u{0}",
    "\u{feff}",
    "\u{2028}",
    "(",
    ",",
];

fn damage() -> impl Strategy<Value = Damage> {
    let at = any::<prop::sample::Index>;
    prop_oneof![
        (at(), any::<u8>()).prop_map(|(at, byte)| Damage::Byte(at, byte)),
        at().prop_map(Damage::Cut),
        (at(), at(), 1..40_usize).prop_map(|(from, to, times)| Damage::Repeat(from, to, times)),
        (at(), prop::sample::select(&WORDS[..])).prop_map(|(at, word)| Damage::Insert(at, word)),
        (at(), at()).prop_map(|(from, to)| Damage::Splice(from, to)),
    ]
}

fn damaged(mut bytes: Vec<u8>, other: &[u8], damages: &[Damage]) -> Vec<u8> {
    for damage in damages {
        let places = bytes.len() + 1;
        match damage {
            Damage::Byte(at, byte) if !bytes.is_empty() => *at.get_mut(&mut bytes) = *byte,
            Damage::Byte(_, byte) => bytes.push(*byte),
            Damage::Cut(at) => bytes.truncate(at.index(places)),
            Damage::Repeat(from, to, times) => {
                let (from, to) = (from.index(places), to.index(places));
                let part = bytes[from.min(to)..from.max(to)].to_vec().repeat(*times);
                let end = from.max(to);
                bytes.splice(end..end, part.into_iter().take(10_000));
            }
            Damage::Insert(at, word) => {
                let at = at.index(places);
                bytes.splice(at..at, word.bytes());
            }
            Damage::Splice(from, to) => {
                bytes.truncate(from.index(places));
                bytes.extend_from_slice(&other[to.index(other.len() + 1)..]);
            }
        }
    }
    bytes
}

#[test]
fn every_damaged_seed_holds() {
    for target in TARGETS {
        let seeds: Vec<Vec<u8>> = seeds(target).into_iter().map(|(_, bytes)| bytes).collect();
        let seed = || prop::sample::select(seeds.clone());
        let strategy = (seed(), seed(), prop::collection::vec(damage(), 1..5));
        let config = Config {
            cases: DAMAGED,
            // The corpus is where cases are kept.
            failure_persistence: None,
            ..Config::default()
        };
        let outcome = TestRunner::new(config).run(&strategy, |(bytes, other, damages)| {
            (target.attack)(&damaged(bytes, &other, &damages));
            Ok(())
        });
        if let Err(error) = outcome {
            panic!("{}: {error}", target.name);
        }
    }
}
