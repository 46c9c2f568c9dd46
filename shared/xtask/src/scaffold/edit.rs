//! Insertions into files that people keep: they add lines and change none.

/// Puts `line` among the lines `name…` of the section that follows `header`, in alphabetical order as far as there is
/// one.
pub(super) fn insert_sorted(text: &str, header: &str, line: &str) -> Option<String> {
    let mut lines: Vec<&str> = text.lines().collect();
    let start = lines.iter().position(|line| *line == header)? + 1;
    let is_entry = |line: &&str| !line.trim().is_empty() && !line.starts_with('[') && !line.starts_with('#');
    let length = lines[start..].iter().take_while(|line| is_entry(line) || line.starts_with('#')).count();
    let before = lines[start..start + length].iter().position(|other| is_entry(other) && *other > line);
    lines.insert(start + before.unwrap_or(length), line);
    Some(lines.join("\n") + "\n")
}

/// Where the resources of a template stand: `(first line, line behind the last)` of each, comments above it included.
pub(super) fn resources(text: &str) -> Vec<(String, usize, usize)> {
    let lines: Vec<&str> = text.lines().collect();
    let section = lines.iter().position(|line| line.trim_end() == "Resources:").map_or(lines.len(), |at| at + 1);
    let length = lines[section..].iter().take_while(|line| line.is_empty() || line.starts_with([' ', '#'])).count();
    let mut found: Vec<(String, usize, usize)> = Vec::new();
    for at in section..section + length {
        let Some(id) = lines[at].strip_prefix("  ").filter(|rest| !rest.starts_with([' ', '#']) && !rest.is_empty())
        else {
            continue;
        };
        let comments = lines[section..at].iter().rev().take_while(|line| line.starts_with("  #")).count();
        if let Some((.., end)) = found.last_mut() {
            *end = at - comments;
        }
        let id = id.split(':').next().unwrap_or_default().to_owned();
        found.push((id, at - comments, section + length));
    }
    // Blank lines belong to nobody.
    for (_, start, end) in &mut found {
        while *end > *start && lines[*end - 1].trim().is_empty() {
            *end -= 1;
        }
    }
    found
}

/// Puts `block` before line `at`, parted by one blank line from what stands before and behind it.
pub(super) fn insert_block(text: &str, at: usize, block: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let (before, after) = lines.split_at(at.min(lines.len()));
    let (before, after) = (before.join("\n"), after.join("\n"));
    let parts = [before.trim_end(), block.trim_end(), after.trim_start_matches('\n')];
    let parted = |part: &&str| !part.is_empty();
    // The header of the section and its first resource stand together.
    let joint = if before.trim_end().ends_with("Resources:") { "\n" } else { "\n\n" };
    let (head, rest) = (parts[0], parts[1..].iter().copied().filter(parted).collect::<Vec<_>>().join("\n\n"));
    format!("{head}{joint}{rest}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_finds_its_place() {
        let text = "[a]\nx = 1\n\n[dependencies]\nalpha = 1\n# why\nzeta = 1\n\n[b]\ny = 1\n";
        let with = |line: &str| insert_sorted(text, "[dependencies]", line).unwrap_or_default();
        assert!(with("beta = 1").contains("alpha = 1\n# why\nbeta = 1\nzeta = 1\n\n[b]"));
        assert!(with("zz = 1").contains("zeta = 1\nzz = 1\n\n[b]"));
        assert_eq!(insert_sorted(text, "[c]", "x"), None);
    }

    #[test]
    fn blocks_keep_comments_and_blank_lines() {
        let text = "Resources:\n  A:\n    x: 1\n\n  # about B\n  B:\n    y: 1\n\nOutputs:\n  Z: 1\n";
        let found = resources(text);
        assert_eq!(found, [("A".to_owned(), 1, 3), ("B".to_owned(), 4, 7)]);
        let after = insert_block(text, found[1].2, "  C:\n    z: 1\n");
        assert_eq!(after, text.replace("y: 1\n", "y: 1\n\n  C:\n    z: 1\n"));
        let between = insert_block(text, found[1].1, "  C:\n    z: 1\n");
        assert_eq!(between, text.replace("  # about", "  C:\n    z: 1\n\n  # about"));
        assert_eq!(insert_block("Resources:\n", 1, "  C: 1\n"), "Resources:\n  C: 1\n");
    }
}
