//! Item sizes and capacity units, after *DynamoDB item sizes and formats* in the DynamoDB developer guide. Computed
//! here because emulators answer a flat number, and so that a budget can be held in tests.

use aws_sdk_dynamodb::types::AttributeValue;

use crate::item::Attributes;

/// Bytes that the item counts for.
pub fn bytes(item: &Attributes) -> usize {
    item.iter().map(|(name, value)| name.len() + value_bytes(value)).sum()
}

fn value_bytes(value: &AttributeValue) -> usize {
    match value {
        AttributeValue::S(text) => text.len(),
        AttributeValue::N(number) => number_bytes(number),
        AttributeValue::B(blob) => blob.as_ref().len(),
        AttributeValue::Ss(set) => set.iter().map(String::len).sum(),
        AttributeValue::Ns(set) => set.iter().map(|number| number_bytes(number)).sum(),
        AttributeValue::Bs(set) => set.iter().map(|blob| blob.as_ref().len()).sum(),
        AttributeValue::L(list) => 3 + list.iter().map(|value| 1 + value_bytes(value)).sum::<usize>(),
        AttributeValue::M(map) => {
            3 + map.iter().map(|(name, value)| 1 + name.len() + value_bytes(value)).sum::<usize>()
        }
        _ => 1, // true, false, null
    }
}

/// One byte per two significant digits, and one more.
fn number_bytes(number: &str) -> usize {
    let digits = number.trim_start_matches('-').replace('.', "");
    digits.trim_matches('0').len().div_ceil(2) + 1
}

/// Units of writing an item of `bytes`.
pub fn write_units(bytes: usize) -> f64 {
    bytes.div_ceil(1024).max(1) as f64
}

/// Units of reading `bytes` at once.
pub(crate) fn read_units(bytes: usize, consistent: bool) -> f64 {
    bytes.div_ceil(4096).max(1) as f64 * if consistent { 1.0 } else { 0.5 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_of_the_developer_guide() {
        let item: Attributes = [
            ("pk".to_owned(), AttributeValue::S("LINK#cat".to_owned())),
            ("n".to_owned(), AttributeValue::N("1700000000000".to_owned())),
            ("l".to_owned(), AttributeValue::L(vec![AttributeValue::Bool(true)])),
        ]
        .into();
        assert_eq!(bytes(&item), (2 + 8) + (1 + 2) + (1 + 3 + 2));
        assert_eq!((write_units(1024), write_units(1025), write_units(0)), (1.0, 2.0, 1.0));
        assert_eq!((read_units(1, false), read_units(4097, true)), (0.5, 2.0));
    }
}
