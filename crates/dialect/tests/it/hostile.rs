//! Every field of every message is hostile.
