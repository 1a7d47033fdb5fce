//! Livery's own REST API: types and client.
