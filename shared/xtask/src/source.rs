//! Rust source as text, without a parser: enough to find what is code, what is a comment, and which bracket closes
//! which. It must read files that do not compile yet, which is when a rule's message helps most.

/// The source with comments and the contents of literals blanked, byte for byte as long as it was.
pub fn code_of(source: &str) -> String {
    let bytes = source.as_bytes();
    let mut code = bytes.to_vec();
    let mut at = 0;
    while at < bytes.len() {
        let rest = &bytes[at..];
        let (from, to) = if rest.starts_with(b"//") {
            (0, rest.iter().position(|&byte| byte == b'\n').unwrap_or(rest.len()))
        } else if rest.starts_with(b"/*") {
            (0, block_comment(rest))
        } else if let Some((open, length)) = raw_string(rest).filter(|_| at == 0 || !is_name(bytes[at - 1])) {
            (open, length)
        } else if rest[0] == b'"' {
            (1, quoted(rest, b'"'))
        } else if rest[0] == b'\'' && is_character(&source[at..]) {
            (1, quoted(rest, b'\''))
        } else {
            at += 1;
            continue;
        };
        let last = if from == 0 { to } else { to.saturating_sub(1) };
        for byte in &mut code[at + from..(at + last).max(at + from)] {
            if *byte != b'\n' {
                *byte = b' ';
            }
        }
        at += to.max(1);
    }
    String::from_utf8_lossy(&code).into_owned()
}

fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

fn block_comment(rest: &[u8]) -> usize {
    let (mut depth, mut at) = (0_usize, 0);
    while at < rest.len() {
        match &rest[at..rest.len().min(at + 2)] {
            b"/*" => (depth, at) = (depth + 1, at + 2),
            b"*/" if depth == 1 => return at + 2,
            b"*/" => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
    }
    rest.len()
}

/// Where the contents of a raw string begin, and its length up to its closing quote. Its hashes stay: they confuse
/// nobody.
fn raw_string(rest: &[u8]) -> Option<(usize, usize)> {
    let prefix = if rest.starts_with(b"br") { 2 } else { usize::from(rest.first() == Some(&b'r')) };
    let hashes = rest.get(prefix..)?.iter().take_while(|&&byte| byte == b'#').count();
    if prefix == 0 || rest.get(prefix + hashes) != Some(&b'"') {
        return None;
    }
    let open = prefix + hashes + 1;
    let end = [b"\"".as_slice(), &b"#".repeat(hashes)].concat();
    let length = rest[open..].windows(end.len()).position(|window| window == end);
    Some((open, length.map_or(rest.len(), |length| open + length + 1)))
}

/// The length of a literal in quotes, both included.
fn quoted(rest: &[u8], quote: u8) -> usize {
    let mut at = 1;
    while at < rest.len() && rest[at] != quote {
        at += if rest[at] == b'\\' { 2 } else { 1 };
    }
    (at + 1).min(rest.len())
}

/// Whether a `'` opens a character, not a lifetime.
fn is_character(rest: &str) -> bool {
    let mut characters = rest.chars().skip(1);
    match characters.next() {
        Some('\\') => true,
        Some(_) => characters.next() == Some('\''),
        None => false,
    }
}

/// The offset just behind the bracket that closes the one at `open`.
pub fn closing(code: &str, open: usize) -> Option<usize> {
    let mut depth = 0_usize;
    for (at, byte) in code.bytes().enumerate().skip(open) {
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    return Some(at + 1);
                }
            }
            _ => {}
        }
    }
    None
}

/// The offsets of the parts of `code[from..to]` between commas that stand in no bracket.
pub fn arguments(code: &str, from: usize, to: usize) -> Vec<(usize, usize)> {
    let (mut parts, mut depth, mut start) = (Vec::new(), 0_i32, from);
    for (at, byte) in code.bytes().enumerate().take(to).skip(from) {
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth -= 1,
            b',' if depth == 0 => {
                parts.push((start, at));
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push((start, to));
    parts.retain(|&(from, to)| !code[from..to].trim().is_empty());
    parts
}

/// The line of an offset, from 1.
pub fn line_of(text: &str, at: usize) -> usize {
    text.as_bytes()[..at.min(text.len())].iter().filter(|&&byte| byte == b'\n').count() + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_literals_are_blanked_in_place() {
        for (source, code) in [
            ("a // b\nc", "a     \nc"),
            ("a /* b /* c */ */ d", "a                 d"),
            (r#"f("x, (\" y", 'z')"#, r#"f("        ", ' ')"#),
            (r##"f(r#"a "b" c"#, d)"##, r##"f(r#"       "#, d)"##),
            ("fn f<'a>(x: &'a str) { '\\'' }", "fn f<'a>(x: &'a str) { '  ' }"),
            ("\"ü\" 'ü' x", "\"  \" '  ' x"),
            ("for\"x\"", "for\" \""),
            ("\"", "\""),
            ("/* x", "    "),
        ] {
            assert_eq!(code_of(source), code, "{source}");
        }
    }

    #[test]
    fn brackets_and_arguments() {
        let code = "f(a, g(b, c), [d, e])";
        assert_eq!(closing(code, 1), Some(code.len()));
        assert_eq!(closing("f(a", 1), None);
        let parts = arguments(code, 2, code.len() - 1);
        assert_eq!(parts.iter().map(|&(a, b)| code[a..b].trim()).collect::<Vec<_>>(), ["a", "g(b, c)", "[d, e]"]);
    }
}
