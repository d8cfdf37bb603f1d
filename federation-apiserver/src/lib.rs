//! federation-apiserver
