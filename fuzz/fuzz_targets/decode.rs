//! Bytes for a delivery: its content header, screened and parsed as a consumer's connection does it, its reading, its
//! decoding as a message of the shop, and its copies for the retry ladder and the dead letters.

#![no_main]

use contracts::storefront::CheckoutSubmitted;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| garenne::try_out::<CheckoutSubmitted>(bytes));
