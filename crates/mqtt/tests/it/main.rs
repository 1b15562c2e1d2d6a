//! The crate as others use it: no allocations where none are allowed, and every input that was
//! ever interesting to a fuzzer.

#[cfg(test)]
mod allocations;
#[cfg(test)]
mod corpus;
#[cfg(test)]
#[path = "../probe/decode.rs"]
mod probe_decode;
#[cfg(test)]
#[path = "../probe/session.rs"]
mod probe_session;
