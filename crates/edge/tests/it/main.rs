//! Listeners of every kind, with real sockets and clients of others.

#[cfg(test)]
mod authority;
#[cfg(test)]
mod device;
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod limits;
#[cfg(test)]
mod listeners;
#[cfg(test)]
mod site;
#[cfg(test)]
mod tls;
#[cfg(test)]
mod web_client;
#[cfg(test)]
mod websocket;
#[cfg(test)]
mod within;
