//! An audience file: users' names, one on a line, in an object that nobody reads whole.
//!
//! A shard is a range of its bytes and has the lines that begin there, which needs no look at the file before it is
//! divided. A position is any byte; the line that it leads to is the first that begins there or later. So a worker goes
//! on from where the last page ended, were it in the middle of a line that has no end.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::domain::notification;

/// Most bytes of a file: a hundred million names of twenty letters.
pub const MOST_FILE_BYTES: u64 = 2 << 30;
/// How far ahead a broadcast may begin: its file is deleted 30 days after it was put (the bucket's rule).
pub const MOST_AHEAD_OF_FILE: Duration = Duration::from_secs(7 * 86_400);
/// Users of a page.
pub const FILE_PAGE: usize = 100;
/// Bytes that are read for a page: longer than its lines can be.
pub const WINDOW: u64 = 16 * 1024;
/// Bytes of a shard, unless there are [`MOST_FILE_SHARDS`]: some 10,000 names (the shards of the guides).
const SHARD_BYTES: u64 = 256 * 1024;
/// Shards that are worked through at once: one broadcast never has the queue to itself.
const MOST_FILE_SHARDS: u64 = 64;
/// A line longer than this names nobody.
const MOST_LINE: usize = 1024;

/// A file as it was when the broadcast was accepted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AudienceFile {
    /// Its id.
    pub id: String,
    /// What S3 tells its content by.
    pub etag: String,
    /// Its length.
    pub bytes: u64,
}

impl AudienceFile {
    /// Into how many shards it is divided.
    pub fn shards(&self) -> u16 {
        self.bytes.div_ceil(SHARD_BYTES).clamp(1, MOST_FILE_SHARDS) as u16
    }

    /// Where a shard begins, and where it ends.
    pub fn range(&self, shard: u16) -> (u64, u64) {
        let at = |shard: u64| self.bytes * shard / u64::from(self.shards());
        (at(u64::from(shard)), at(u64::from(shard) + 1))
    }

    /// Where the bytes of a page begin: one before its position, by which is seen whether a line begins there.
    pub fn window(position: u64) -> u64 {
        position.saturating_sub(1)
    }

    /// The lines from a position to the end of a shard, as many as make a page. `window` are the file's bytes from
    /// [`AudienceFile::window`] on, [`WINDOW`] of them, or as many as there are.
    pub fn lines(&self, window: &[u8], position: u64, end: u64) -> Lines {
        let base = Self::window(position);
        let (mut lines, window_end) = (Lines::default(), base + window.len() as u64);
        let later = |at: u64| Some(at).filter(|&at| at < end && at < self.bytes);
        let first = if position == 0 { Some(0) } else { newline(window).map(|at| at + 1) };
        let Some(mut at) = first else {
            lines.next = later(window_end);
            return lines;
        };
        loop {
            let start = base + at as u64;
            if later(start).is_none() {
                return lines;
            }
            let rest = window.get(at..).unwrap_or_default();
            let line = match newline(rest) {
                _ if lines.users.len() == FILE_PAGE => {
                    lines.next = Some(start);
                    return lines;
                }
                Some(length) => &rest[..length],
                None if window_end >= self.bytes => rest,
                None if rest.len() > MOST_LINE => {
                    lines.refuse();
                    lines.next = later(window_end);
                    return lines;
                }
                None => {
                    lines.next = Some(start);
                    return lines;
                }
            };
            at += line.len() + 1;
            lines.read(if start == 0 { line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line) } else { line });
        }
    }
}

/// What a page is made of.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lines {
    /// Users that are named.
    pub users: Vec<String>,
    /// Lines that name nobody.
    pub bad: u64,
    /// The number of the first of them, from 1 at the beginning of the page.
    pub first_bad: Option<u64>,
    /// Where the next page begins; none at the end of the shard.
    pub next: Option<u64>,
    seen: u64,
}

impl Lines {
    fn read(&mut self, line: &[u8]) {
        let Ok(text) = std::str::from_utf8(line) else { return self.refuse() };
        match notification::user(text.trim()) {
            _ if text.trim().is_empty() => self.seen += 1,
            Ok(user) => {
                self.seen += 1;
                self.users.push(user);
            }
            Err(_) => self.refuse(),
        }
    }

    fn refuse(&mut self) {
        self.seen += 1;
        self.bad += 1;
        self.first_bad.get_or_insert(self.seen);
    }
}

fn newline(bytes: &[u8]) -> Option<usize> {
    bytes.iter().position(|&byte| byte == b'\n')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn file(text: &[u8]) -> AudienceFile {
        AudienceFile { id: "f".into(), etag: "e".into(), bytes: text.len() as u64 }
    }

    /// All pages of a file that is cut at these places.
    fn read(text: &[u8], cuts: &[usize]) -> (Vec<String>, u64) {
        let (file, mut users, mut bad) = (file(text), Vec::new(), 0);
        let mut ends: Vec<u64> = cuts.iter().map(|&cut| cut as u64).chain([file.bytes]).collect();
        ends.sort_unstable();
        let mut from = 0;
        for end in ends {
            let mut position = Some(from).filter(|&from| from < end);
            while let Some(at) = position {
                let window = AudienceFile::window(at) as usize;
                let window = &text[window..text.len().min(window + WINDOW as usize)];
                let lines = file.lines(window, at, end);
                assert!(lines.next.is_none_or(|next| next > at), "it goes on");
                assert!(lines.users.len() <= FILE_PAGE);
                users.extend(lines.users);
                bad += lines.bad;
                position = lines.next;
            }
            from = end;
        }
        (users, bad)
    }

    fn line() -> impl Strategy<Value = (String, bool)> {
        prop_oneof![
            8 => "[a-z0-9]{1,128}".prop_map(|user| (user, true)),
            1 => Just((String::new(), false)),
            1 => "[a-z]{1,4} [#,]".prop_map(|text| (text, false)),
            1 => (1_000_usize..40_000).prop_map(|length| ("x".repeat(length), false)),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        /// However a file is divided, each of its lines is in one shard.
        #[test]
        fn each_line_is_read_once(
            lines in prop::collection::vec(line(), 0..400),
            cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..9),
            ends in any::<bool>(), returns in any::<bool>(),
        ) {
            let newline = if returns { "\r\n" } else { "\n" };
            let texts: Vec<&str> = lines.iter().map(|(text, _)| text.as_str()).collect();
            let mut text = texts.join(newline);
            text.push_str(if ends { newline } else { "" });
            let cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(text.len() + 1)).collect();
            let (users, bad) = read(text.as_bytes(), &cuts);
            let named: Vec<&String> = lines.iter().filter(|(_, good)| *good).map(|(text, _)| text).collect();
            prop_assert_eq!(users.iter().collect::<Vec<_>>(), named);
            let wrong = lines.iter().filter(|(text, good)| !good && !text.is_empty()).count() as u64;
            prop_assert_eq!(bad, wrong);
        }
    }

    #[test]
    fn a_page_says_what_is_wrong_with_it() {
        let text = b"\xef\xbb\xbfada\n\n name,age \n\xff\nbob";
        let lines = file(text).lines(text, 0, u64::MAX);
        assert_eq!((lines.users, lines.bad, lines.first_bad), (vec!["ada".to_owned(), "bob".to_owned()], 2, Some(3)));
    }

    #[test]
    fn shards_have_some_ten_thousand_names_and_are_not_more_than_can_be_worked_through() {
        let shards = |bytes: u64| AudienceFile { bytes, ..file(b"") }.shards();
        assert_eq!((shards(1), shards(256 * 1024), shards(256 * 1024 + 1)), (1, 1, 2));
        assert_eq!(shards(MOST_FILE_BYTES), 64);
        let file = AudienceFile { bytes: 1_000_003, ..file(b"") };
        let ranges: Vec<_> = (0..file.shards()).map(|shard| file.range(shard)).collect();
        assert_eq!((ranges[0].0, ranges[ranges.len() - 1].1), (0, 1_000_003));
        assert!(ranges.windows(2).all(|pair| pair[0].1 == pair[1].0));
    }
}
