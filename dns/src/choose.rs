//! Which addresses a client gets, and why: a fixed chain of pure steps.
//!
//! In: the candidate addresses of one Service with what is known of each, how its policy steers, the client's place.
//! Out: the chosen addresses and the reason, as values that the snapshot compiles and `explain` prints.
//! Absent: clocks, sockets, DNS bytes, randomness (rotation and weighted draws happen where the bytes are written).
//!
//! The chain: name -> candidates -> family -> serving verdict ([`verdict`]) -> tier ([`tier`]) -> weight -> count.
//!
//! **Two verdicts.** Whether a cluster's API can be reached never removes an address. What removes one is that its
//! cluster reports no ready endpoint behind it, or that probes of the data path fail.
//!
//! **Fail open.** Where probes alone would leave a name without any address, the probes are disbelieved: it is more
//! likely that the prober is cut off than that everything died at once, and a wrong address costs a client no more than
//! none. Where every cluster says, freshly, that no endpoint is ready, the name has no data: that is no doubt, it is word.
//! Where that word is stale (the cluster's API is gone) and a probe succeeds, the probe is believed. An operator's drain or override
//! takes addresses away in the same way: never the last ones that would serve.

mod tier;
mod verdict;

pub use tier::{Because, Choice, Group, Place, Steer, select};
pub use verdict::{Belief, Candidate, Family, Reported, Usable, Verdict, Word, usable, verdict};
