//! Clients of PostgreSQL at a real socket, over a small site.

#[cfg(test)]
mod clients;
#[cfg(test)]
mod site;
#[cfg(test)]
mod statements;
