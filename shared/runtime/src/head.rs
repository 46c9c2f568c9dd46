//! The first lines of a handler's file, `//! GET /links: …`: the summary of its route. Cut out at compile time, so that
//! a `bootstrap` does not carry its source.

/// The handler `$name` of the module of that name, with the first lines of its file.
#[macro_export]
macro_rules! endpoint {
    ($name:ident) => {
        $crate::Endpoint {
            head: {
                const SOURCE: &str = include_str!(concat!("handlers/", stringify!($name), ".rs"));
                const HEAD: [u8; $crate::length(SOURCE)] = $crate::cut(SOURCE);
                &HEAD
            },
            run: $name::handle,
        }
    };
}

/// Bytes of the lines `//! …` that a source begins with.
pub const fn length(source: &str) -> usize {
    let bytes = source.as_bytes();
    let mut at = 0;
    while at + 2 < bytes.len() && bytes[at] == b'/' && bytes[at + 1] == b'/' && bytes[at + 2] == b'!' {
        while at < bytes.len() && bytes[at] != b'\n' {
            at += 1;
        }
        if at < bytes.len() {
            at += 1;
        }
    }
    at
}

/// The first `N` bytes.
pub const fn cut<const N: usize>(source: &str) -> [u8; N] {
    let (bytes, mut head, mut at) = (source.as_bytes(), [0; N], 0);
    while at < N {
        head[at] = bytes[at];
        at += 1;
    }
    head
}

/// Summary (the first sentence) and description (the rest) of a head: what invokes the handler is left out.
pub(crate) fn summary(head: &[u8]) -> (String, String) {
    let head = String::from_utf8_lossy(head);
    let lines = head.lines().map(|line| line.trim_start_matches("//!").trim());
    let text = lines.collect::<Vec<_>>().join(" ");
    let text = text.split_once(": ").map_or(text.as_str(), |(_, text)| text).trim();
    let (first, rest) = text.split_once(". ").unwrap_or((text.trim_end_matches('.'), ""));
    (capitalised(first), rest.to_owned())
}

fn capitalised(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map_or_else(String::new, |first| first.to_uppercase().chain(characters).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_what_the_file_begins_with() {
        const SOURCE: &str = "//! GET /cats: list\n//! the cats. By age.\n\nuse cat;\n//! no";
        const HEAD: [u8; length(SOURCE)] = cut(SOURCE);
        assert_eq!(summary(&HEAD), ("List the cats".to_owned(), "By age.".to_owned()));
        assert_eq!((length(""), length("//!"), length("use x;")), (0, 3, 0));
        assert_eq!(summary(b""), (String::new(), String::new()));
    }
}
