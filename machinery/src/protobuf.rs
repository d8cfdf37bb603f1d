//! Kubernetes protobuf to JSON and back.
