//! producers/shoppers
