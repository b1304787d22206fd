//! The end-to-end suites. Each file is one subject; each test reads as a sentence of the specification.

mod interop;
mod library;
mod poison;
mod shop;
