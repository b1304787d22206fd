//! framework/garenne
