//! What every controller stands on: feeds of watched objects, a queue of dirty keys, the loop that joins them, writes with
//! deadlines, Events for operators, named tasks.
//! In: watches of the hub. Out: calls of [`drive::Reconcile`]. Absent: any decision about the federation.

pub(crate) mod clock;
pub(crate) mod cluster_condition;
mod custom;
pub(crate) mod discovery;
pub(crate) mod drive;
pub(crate) mod feed;
pub(crate) mod hub;
pub(crate) mod kind;
pub(crate) mod queue;
pub(crate) mod recorder;
pub(crate) mod shelf;
pub(crate) mod tasks;
pub(crate) mod watched;
