//! AISIX etcd.
