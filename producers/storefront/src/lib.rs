//! producers/storefront
