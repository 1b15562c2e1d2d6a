//! Backups of a small site on a real disk.

#[cfg(test)]
mod damage;
#[cfg(test)]
mod rounds;
#[cfg(test)]
mod site;
