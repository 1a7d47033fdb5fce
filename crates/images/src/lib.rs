//! Container images from OCI registries, OCI layouts and archives, unpacked into layers.
