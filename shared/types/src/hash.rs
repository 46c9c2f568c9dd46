//! Where a name belongs: the partition, the shard, the sub-account.

/// FNV-1a of 64 bits, which is the same in every process and every version, unlike the standard library's hashes. No
/// secret and no defence: who chooses names can choose where they belong.
pub fn fnv1a(name: &str) -> u64 {
    name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Vectors of draft-eastlake-fnv: what is stored by it is found by it.
    #[test]
    fn it_is_fnv_1a() {
        for (name, hash) in
            [("", 0xcbf2_9ce4_8422_2325), ("a", 0xaf63_dc4c_8601_ec8c), ("foobar", 0x8594_4171_f739_67e8)]
        {
            assert_eq!(fnv1a(name), hash, "{name}");
        }
    }
}
