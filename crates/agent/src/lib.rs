//! The host agent: the host API served over images, runtime and content.
