//! Owners: whom a key speaks for.

use types::MOST_TENANT_BYTES;

/// Owners become parts of keys, so they hold none of the characters that separate those.
pub(super) fn is_owner(owner: &str) -> bool {
    (1..=MOST_TENANT_BYTES).contains(&owner.len()) && owner.bytes().all(|byte| is_plain(byte) || byte == b'%')
}

fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b":._@|-".contains(&byte)
}

/// The owner that a token's subject is. Users and owners that keys were issued for are told apart by the prefix; what
/// an owner may not hold is percent-encoded.
pub fn user(subject: &str) -> Option<String> {
    let mut owner = "user:".to_owned();
    for byte in subject.bytes() {
        if is_plain(byte) {
            owner.push(char::from(byte));
        } else {
            owner.push_str(&format!("%{byte:02X}"));
        }
    }
    is_owner(&owner).then_some(owner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_subject_is_an_owner_of_its_own(one in "[ -~é]{1,40}", other in "[ -~é]{1,40}") {
            prop_assert!(user(&one).is_some_and(|owner| is_owner(&owner)));
            prop_assert_eq!(user(&one) == user(&other), one == other);
        }
    }
}
