//! The walls, kept by a test: floors, fences, sizes, names.
