//! What generated codes look like, and the guides' four ways of making one.

use std::str::FromStr;

use types::secret::PurposeKey;

use super::Code;

/// The base62 digits without those that look alike in one font or another: 0 O o, 1 I i l L, J j.
const UNAMBIGUOUS: &[u8] = b"23456789ABCDEFGHKMNPQRSTUVWXYZabcdefghkmnpqrstuvwxyz";

/// The digits of generated codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Alphabet {
    /// `0-9A-Za-z`, in this order (guides 000, 001 and 003 have three different ones).
    Base62,
    /// 52 of them that nobody takes for another when reading a code aloud.
    Unambiguous,
}

/// How a code is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strategy {
    /// A leased number through the stage's keyed permutation: no collision, and not to be guessed.
    Permuted,
    /// The leased number itself (guides 001, 003): the next code can be guessed.
    Counter,
    /// Random digits, again where taken (guide 000: three tries).
    Random,
    /// A keyed hash of owner and URL, another part of it where taken (guides 001, 003, 004).
    Hash,
}

impl FromStr for Alphabet {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        match text {
            "base62" => Ok(Self::Base62),
            "unambiguous" => Ok(Self::Unambiguous),
            _ => Err(()),
        }
    }
}

impl FromStr for Strategy {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        match text {
            "permuted" => Ok(Self::Permuted),
            "counter" => Ok(Self::Counter),
            "random" => Ok(Self::Random),
            "hash" => Ok(Self::Hash),
            _ => Err(()),
        }
    }
}

/// Alphabet and length of generated codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    alphabet: Alphabet,
    length: u32,
}

impl Shape {
    /// Codes of `length` digits, 4 to 10. Seven of base62 are 3.5 × 10^12, of which the guides' 182.5 × 10^9 links of
    /// five years take 5.2 %; six, as guide 004 has it, are 56.8 × 10^9: not enough for them.
    pub fn new(alphabet: Alphabet, length: u32) -> Self {
        Self { alphabet, length: length.clamp(4, 10) }
    }

    fn digits(self) -> &'static [u8] {
        match self.alphabet {
            Alphabet::Base62 => types::base62::ALPHABET,
            Alphabet::Unambiguous => UNAMBIGUOUS,
        }
    }

    /// How many codes there are.
    pub fn size(self) -> u64 {
        (self.digits().len() as u64).pow(self.length)
    }

    /// The code of a number; numbers are taken modulo [`Shape::size`].
    pub fn code(self, number: u64) -> Code {
        Code::generated(types::base62::encode_in(self.digits(), number % self.size(), self.length as usize))
    }

    /// The code of `attempt` for this owner and URL: the same every time, and another for the next attempt.
    pub fn hashed(self, key: &PurposeKey, owner: &str, url: &str, attempt: u8) -> Code {
        let mac = key.mac(format!("{owner}\n{url}\n{attempt}").as_bytes());
        self.code(u64::from_be_bytes([mac[0], mac[1], mac[2], mac[3], mac[4], mac[5], mac[6], mac[7]]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const BASE62: Shape = Shape { alphabet: Alphabet::Base62, length: 7 };

    #[test]
    fn guide_003_says_125_is_27_but_it_is_21() {
        assert_eq!(BASE62.code(125).as_str(), "0000021");
    }

    #[test]
    fn guide_004_says_six_characters_are_enough_but_five_years_of_003_are_more() {
        let links_of_five_years = 100_000_000_u64 * 365 * 5;
        assert!(Shape::new(Alphabet::Base62, 6).size() < links_of_five_years);
        assert!(BASE62.size() > 19 * links_of_five_years);
        assert!(Shape::new(Alphabet::Unambiguous, 7).size() > 5 * links_of_five_years);
    }

    #[test]
    fn no_digit_of_the_second_alphabet_looks_like_another() {
        assert_eq!(UNAMBIGUOUS.len(), 52);
        assert!(UNAMBIGUOUS.is_sorted() && b"0Oo1IilLJj".iter().all(|digit| !UNAMBIGUOUS.contains(digit)));
    }

    proptest! {
        #[test]
        fn a_generated_code_is_a_code(number in any::<u64>(), length in 0..20_u32, plain in any::<bool>()) {
            let alphabet = if plain { Alphabet::Base62 } else { Alphabet::Unambiguous };
            let shape = Shape::new(alphabet, length);
            let code = shape.code(number);
            prop_assert_eq!(code.as_str().len(), length.clamp(4, 10) as usize);
            prop_assert_eq!(code.as_str().parse::<Code>(), Ok(code.clone()));
        }

        #[test]
        fn a_hashed_code_is_its_urls_own(url in "[a-z]{5,20}", attempt in 0..4_u8) {
            let key = types::Secret::new("0123456789abcdef0123456789abcdef").unwrap().key("hashes");
            let code = |owner, attempt| BASE62.hashed(&key, owner, &url, attempt);
            prop_assert_eq!(code("alice", attempt), code("alice", attempt));
            prop_assert_ne!(code("alice", attempt), code("bob", attempt));
            prop_assert_ne!(code("alice", attempt), code("alice", attempt + 1));
        }
    }
}
