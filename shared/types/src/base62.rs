//! Base62 with the alphabet `0-9A-Za-z` (guide 001; guides 000 and 003 order it `0-9a-zA-Z`: codes are opaque, so one
//! order serves).

/// The digits in ascending order, which is also their ASCII order: equal-length codes sort as their numbers do.
pub const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// `number` as exactly `width` digits, zero-padded; digits above `width` are cut off.
pub fn encode(number: u64, width: usize) -> String {
    encode_in(ALPHABET, number, width)
}

/// The same with other digits.
pub fn encode_in(digits: &[u8], mut number: u64, width: usize) -> String {
    let base = digits.len() as u64;
    let mut text = vec![digits[0]; width];
    for place in text.iter_mut().rev() {
        *place = digits[(number % base) as usize];
        number /= base;
    }
    text.iter().map(|&digit| char::from(digit)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guide_003_says_125_is_27_but_it_is_21() {
        assert_eq!(encode(125, 2), "21");
    }

    #[test]
    fn guide_004_says_62_pow_6_is_zzzzzz_but_that_is_one_less() {
        assert_eq!(encode(56_800_235_584, 7), "1000000");
        assert_eq!(encode(56_800_235_583, 6), "zzzzzz");
    }
}
