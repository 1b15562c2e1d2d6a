//! The console as a browser meets it, without a browser: pages and data of an invented site.

#[cfg(test)]
mod bytes;
#[cfg(test)]
mod client;
#[cfg(test)]
mod data;
#[cfg(test)]
mod explore;
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod live;
#[cfg(test)]
mod markup;
#[cfg(test)]
mod pages;
#[cfg(test)]
mod tokens;
#[cfg(test)]
#[path = "../../examples/console-dev/world.rs"]
mod world;
