//! Units given away by names, and what becomes of a value in another unit.
