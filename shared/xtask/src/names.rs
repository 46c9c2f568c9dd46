//! The names of one thing in different places: `create_link`, `create-link`, `CreateLink`.

/// `create_link` → `create-link`.
pub fn kebab(name: &str) -> String {
    name.replace('_', "-")
}

/// `url-shortener` → `url_shortener`.
pub fn snake(name: &str) -> String {
    name.replace('-', "_")
}

/// `create_link` or `url-shortener` → `CreateLink`, `UrlShortener`.
pub fn camel(name: &str) -> String {
    let capital =
        |part: &str| part.get(..1).unwrap_or_default().to_ascii_uppercase() + part.get(1..).unwrap_or_default();
    name.split(['_', '-']).map(capital).collect()
}

/// Whether `name` is lower-case words joined by `joint`, the first beginning with a letter.
pub fn is_words(name: &str, joint: char) -> bool {
    name.starts_with(|c: char| c.is_ascii_lowercase())
        && name
            .split(joint)
            .all(|word| !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()))
}

/// Where `word` stands in `text` as a word of its own: `link` is not in `links` nor in `my_link`.
pub fn word_at(text: &str, word: &str) -> Option<usize> {
    let part = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(word).map(|(at, _)| at).find(|&at| {
        !text[..at].chars().next_back().is_some_and(part) && !text[at + word.len()..].chars().next().is_some_and(part)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms() {
        assert_eq!((kebab("create_link"), camel("create_link")), ("create-link".into(), "CreateLink".into()));
        assert_eq!((snake("url-shortener"), camel("url-shortener")), ("url_shortener".into(), "UrlShortener".into()));
        assert!(is_words("url-shortener", '-') && is_words("get_s3_url", '_'));
        assert!(!is_words("Url", '-') && !is_words("a--b", '-') && !is_words("", '-') && !is_words("3d", '-'));
    }

    #[test]
    fn words_stand_alone() {
        assert_eq!(word_at("my_link links link", "link"), Some(14));
        assert_eq!(word_at("create_link_is_written", "create_link"), None);
    }
}
