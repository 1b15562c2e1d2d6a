//! The parts of the program together, and the program as a script sees it.

#[cfg(test)]
mod authentication;
#[cfg(test)]
mod bridge;
#[cfg(test)]
mod commands;
#[cfg(test)]
mod demo_world;
#[cfg(test)]
mod erase;
#[cfg(test)]
mod explore;
#[cfg(test)]
mod import;
#[cfg(test)]
mod listeners;
#[cfg(test)]
mod readings;
#[cfg(test)]
mod site;
