//! Files by content: manifests, the content store, safe trees.
