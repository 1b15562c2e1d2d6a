//! History against a plain map, over flushes, faults and crashes.

#[cfg(test)]
mod charts;
#[cfg(test)]
mod crash;
#[cfg(test)]
mod days;
#[cfg(test)]
mod erased_hours;
#[cfg(test)]
mod erasures;
#[cfg(test)]
mod expiry;
#[cfg(test)]
mod files;
#[cfg(test)]
mod groups;
#[cfg(test)]
mod hours;
#[cfg(test)]
mod lines;
#[cfg(test)]
mod merges;
#[cfg(test)]
mod model_based;
#[cfg(test)]
mod remote;
#[cfg(test)]
mod shared;
#[cfg(test)]
mod site;
#[cfg(test)]
mod threads;
#[cfg(test)]
mod weeks;
