//! A keyed bijection of the numbers below the number of codes (62^7 unless configured): consecutive ids go in, codes
//! that look random come out, and no two ids give the same code. So a code needs no look-up before it is used, and
//! nobody can guess the next one (guide 004 asks for that; the counters of 001 and 003 do not give it).

use types::secret::PurposeKey;

/// Luby and Rackoff need four rounds against an adversary who may ask both ways; small halves want more.
const ROUNDS: u8 = 8;

/// The bijection of one key.
#[derive(Debug, Clone)]
pub struct Permutation {
    key: PurposeKey,
    size: u64,
    half_bits: u32,
}

impl Permutation {
    /// The bijection of the numbers below `size` that `key` selects.
    pub fn new(key: PurposeKey, size: u64) -> Self {
        let bits = u64::BITS - size.saturating_sub(1).leading_zeros();
        Self { key, size: size.max(1), half_bits: bits.div_ceil(2).max(1) }
    }

    /// Where `id` goes; ids are taken modulo the size. The Feistel network permutes the next power of four, 2^42 for
    /// the 62^7 codes: it is walked until it lands on a code, 1.25 times on average (fewer than four for any size).
    pub fn apply(&self, id: u64) -> u64 {
        let mut number = id % self.size;
        loop {
            number = self.network(number);
            if number < self.size {
                return number;
            }
        }
    }

    fn network(&self, number: u64) -> u64 {
        let (mut left, mut right) = (number >> self.half_bits, number & self.mask());
        for round in 0..ROUNDS {
            (left, right) = (right, left ^ self.round(round, right));
        }
        (left << self.half_bits) | right
    }

    fn mask(&self) -> u64 {
        (1 << self.half_bits) - 1
    }

    fn round(&self, round: u8, half: u64) -> u64 {
        let mut input = [round; 9];
        input[1..].copy_from_slice(&half.to_be_bytes());
        let mac = self.key.mac(&input);
        u64::from_be_bytes([mac[0], mac[1], mac[2], mac[3], mac[4], mac[5], mac[6], mac[7]]) & self.mask()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    const CODES: u64 = 62_u64.pow(7);

    fn permutation(root: &str) -> Permutation {
        Permutation::new(types::Secret::new(root).unwrap().key("codes"), CODES)
    }

    #[test]
    fn a_network_of_two_halves_undone_gives_the_number_back() {
        let this = permutation("0123456789abcdef0123456789abcdef");
        for number in [0, 1, CODES - 1, (1 << 42) - 1, 123_456_789] {
            let (mut left, mut right) = (this.network(number) >> 21, this.network(number) & this.mask());
            for round in (0..ROUNDS).rev() {
                (left, right) = (right ^ this.round(round, left), left);
            }
            assert_eq!((left << 21) | right, number);
        }
    }

    #[test]
    fn codes_of_consecutive_ids_look_random() {
        // Chi-squared of the first base-62 digit over 40,000 consecutive ids: 61 degrees of freedom, so above 112 has a
        // chance of 1 in 10,000; the key is fixed, so the outcome is too.
        let this = permutation("a fixed key of enough characters");
        let mut buckets = [0_f64; 62];
        let mut rising = 0_u32;
        let (ids, mut last) = (40_000_u64, 0);
        for id in 0..ids {
            let code = this.apply(id);
            buckets[usize::try_from(code / 62_u64.pow(6)).unwrap()] += 1.0;
            rising += u32::from(code > last);
            last = code;
        }
        let expected = ids as f64 / 62.0;
        let chi_squared: f64 = buckets.iter().map(|seen| (seen - expected).powi(2) / expected).sum();
        assert!(chi_squared < 112.0, "{chi_squared}");
        assert!((19_600..20_400).contains(&rising), "{rising}"); // ±4 standard deviations of 100
    }

    proptest! {
        #[test]
        fn it_is_a_bijection(root in "[a-z]{32}", start in 0..CODES) {
            let this = permutation(&root);
            let codes: HashSet<u64> = (start..start + 200).map(|id| this.apply(id)).collect();
            prop_assert_eq!(codes.len(), 200);
            prop_assert!(codes.iter().all(|&code| code < CODES));
        }

        #[test]
        fn it_is_one_for_any_number_of_codes(size in 1..2000_u64) {
            let key = types::Secret::new("0123456789abcdef0123456789abcdef").unwrap().key("codes");
            let this = Permutation::new(key, size);
            let codes: HashSet<u64> = (0..size).map(|id| this.apply(id)).collect();
            prop_assert_eq!(codes.len() as u64, size);
            prop_assert!(codes.iter().all(|&code| code < size));
        }

        #[test]
        fn another_key_gives_other_codes(id in 0..CODES) {
            let one = permutation("0123456789abcdef0123456789abcdef");
            let two = permutation("0123456789abcdef0123456789abcdeg");
            prop_assert!((0..3).any(|next| one.apply(id + next) != two.apply(id + next)));
        }
    }
}
