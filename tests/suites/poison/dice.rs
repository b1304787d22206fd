//! Chance that comes out the same for the same seed.

/// A generator of numbers.
#[derive(Debug, Clone)]
pub(super) struct Dice(u64);

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Any number.
    pub(super) fn any(&mut self) -> u64 {
        // SplitMix64.
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number from `least` to `most`.
    pub(super) fn from(&mut self, least: usize, most: usize) -> usize {
        let span = u64::try_from(most - least + 1).expect("a small span");
        least + usize::try_from(self.any() % span).expect("a small number")
    }

    /// One of these.
    pub(super) fn one<T: Clone>(&mut self, of: &[T]) -> T {
        of[self.from(0, of.len() - 1)].clone()
    }

    /// Any bytes.
    pub(super) fn bytes(&mut self, least: usize, most: usize) -> Vec<u8> {
        (0..self.from(least, most)).map(|_| self.any().to_le_bytes()[0]).collect()
    }

    /// Bytes that are no UTF-8, as many as a short string holds.
    pub(super) fn no_utf8(&mut self) -> Vec<u8> {
        let mut bytes = self.bytes(0, 40);
        let at = self.from(0, bytes.len());
        // A byte that stands nowhere in UTF-8.
        bytes.insert(at, 0xFF);
        bytes
    }
}
