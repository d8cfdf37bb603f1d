//! Simulated member clusters: the API server of the federation over a memory store, a loop that does the work of kubelets and
//! a cloud's load balancers, and faults on demand.
//!
//! In: a name, a place, an address range. Out: an HTTPS endpoint that speaks Kubernetes, and a data path that answers. The
//! loops in [`workloads`] also serve real control planes that have no kubelet. Absent: containers; everything that runs is
//! a status and a socket. Nothing is kept on disk: a simulated member lives as long as its process.

pub mod addresses;
mod certificates;
pub mod faults;
mod gate;
mod kubelet;
mod member;
mod near;
pub mod workloads;

pub use addresses::AddressRange;
pub use faults::{Fault, Faults, How, What};
pub use member::{Member, MemberConfig, MemberError};
pub use workloads::{ControlPlane, WorkloadsConfig};
