//! A manifest that is wrong is found.
