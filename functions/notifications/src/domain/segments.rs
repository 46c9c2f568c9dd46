//! How many text messages a text is.

/// GSM 03.38's basic alphabet, of which a message holds 160 (153 of several).
const BASIC: &str = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?\
                     ¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà";
/// Characters that take two of them.
const EXTENSION: &str = "\u{c}^{}\\[~]|€";

/// Messages that a phone's owner gets and the sender pays for: 160 characters of GSM 03.38 are one, or 70 of UCS-2, and
/// of several each holds 153 or 67 (3GPP TS 23.038 and 23.040).
pub fn segments(text: &str) -> u32 {
    let gsm = text.chars().try_fold(0_usize, |sum, c| {
        if BASIC.contains(c) { Some(sum + 1) } else { EXTENSION.contains(c).then_some(sum + 2) }
    });
    let (length, one, many) = match gsm {
        Some(length) => (length, 160, 153),
        None => (text.encode_utf16().count(), 70, 67),
    };
    let messages = if length <= one { 1 } else { length.div_ceil(many) };
    u32::try_from(messages).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::segments;

    #[test]
    fn a_text_is_as_many_messages_as_its_alphabet_makes_it() {
        for (text, messages) in [
            (String::new(), 1),
            ("a".repeat(160), 1),
            ("a".repeat(161), 2),
            ("a".repeat(306), 2),
            ("a".repeat(307), 3),
            ("€".repeat(80), 1),
            ("€".repeat(81), 2),
            ("я".repeat(70), 1),
            ("я".repeat(71), 2),
            ("😀".repeat(35), 1),
            ("😀".repeat(36), 2),
        ] {
            assert_eq!(segments(&text), messages, "{} characters", text.chars().count());
        }
    }
}
