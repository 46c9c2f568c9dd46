//! Unpredictable bytes from the operating system, through AWS-LC.

use aws_lc_rs::rand::{SecureRandom, SystemRandom};

use crate::base62::ALPHABET;

/// `N` unpredictable bytes.
///
/// # Panics
/// When the operating system's random source fails, which leaves nothing safe to do.
#[allow(clippy::expect_used)]
pub fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    SystemRandom::new().fill(&mut bytes).expect("the operating system's random source works");
    bytes
}

/// `length` random base62 characters (5.95 bits each), without modulo bias.
pub fn base62(length: usize) -> String {
    let mut text = String::with_capacity(length);
    while text.len() < length {
        // 248 is the largest multiple of 62 below 256.
        let fresh = bytes::<32>().into_iter().filter(|&byte| byte < 248).map(|byte| ALPHABET[usize::from(byte % 62)]);
        text.extend(fresh.take(length - text.len()).map(char::from));
    }
    text
}

/// A random (version 4) UUID.
#[allow(clippy::disallowed_methods)]
pub fn uuid() -> uuid::Uuid {
    uuid::Builder::from_random_bytes(bytes()).into_uuid()
}
