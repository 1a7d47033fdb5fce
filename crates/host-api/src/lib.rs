//! The host agent's API over any byte stream: types, server, client.
