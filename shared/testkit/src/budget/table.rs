//! The table of budgets in a README, between two marks.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};

use super::Budget;

const BEGIN: &str = "<!-- budgets: begin (measured; `make budgets` writes it) -->\n";
const END: &str = "<!-- budgets: end -->";
const COLUMNS: [&str; 10] = [
    "Lambda",
    "Operation",
    "Calls to AWS",
    "Round trips",
    "Read units",
    "Write units",
    "Of indexes",
    "Messages",
    "Bytes",
    "$ for a million",
];
const BYTES: usize = 8;

type Row = [String; COLUMNS.len()];

/// The README with these budgets, and what is different in words.
pub(super) fn updated(readme: &str, budgets: &[Budget], prices: &str) -> Result<(String, Vec<String>)> {
    let missing = || format!("it needs the lines {BEGIN}and {END}");
    let (before, rest) = readme.split_once(BEGIN).with_context(missing)?;
    let (standing, after) = rest.split_once(END).with_context(missing)?;
    let mut standing: BTreeMap<(String, String), Row> =
        standing.lines().filter_map(row).map(|row| ((row[0].clone(), row[1].clone()), row)).collect();
    let mut differences = Vec::new();
    let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    let mut text = line(&COLUMNS.map(str::to_owned)) + &line(&COLUMNS.map(|_| "---".to_owned()));
    for budget in budgets {
        let mut row = cells(budget);
        match standing.remove(&(row[0].clone(), row[1].clone())) {
            None => differences.push(format!("{}, {}: is not in the table", row[0], row[1])),
            Some(old) => {
                if about(&old[BYTES], &row[BYTES]) {
                    row[BYTES].clone_from(&old[BYTES]);
                }
                let changed = (2..COLUMNS.len()).filter(|&column| old[column] != row[column]);
                differences.extend(changed.map(|column| {
                    let (old, new) = (&old[column], &row[column]);
                    format!("{}, {}: {} {} from {old} to {new}", row[0], row[1], COLUMNS[column], went(old, new))
                }));
            }
        }
        text += &line(&row);
    }
    differences.extend(standing.into_keys().map(|(handler, of)| format!("{handler}, {of}: is measured no more")));
    Ok((format!("{before}{BEGIN}{text}\nDollars: {prices}.\n{END}{after}"), differences))
}

fn cells(budget: &Budget) -> Row {
    let calls = if budget.calls.is_empty() { "none".to_owned() } else { budget.calls.clone() };
    [
        format!("`{}`", budget.handler),
        if budget.operation.is_empty() { "any" } else { &budget.operation }.to_owned(),
        calls,
        if budget.varies { "varies".to_owned() } else { budget.round_trips.to_string() },
        budget.read_units.to_string(),
        budget.write_units.to_string(),
        budget.index_units.to_string(),
        budget.messages.to_string(),
        budget.bytes.to_string(),
        format!("{:.2}", budget.dollars),
    ]
}

fn row(line: &str) -> Option<Row> {
    let cells = line.strip_prefix("| `")?.strip_suffix(" |")?;
    let mut cells: Vec<String> = cells.split(" | ").map(str::to_owned).collect();
    cells[0].insert(0, '`');
    cells.try_into().ok()
}

/// Lengths of numbers and ids vary by a few bytes from run to run; that is no change.
fn about(old: &str, new: &str) -> bool {
    let (Ok(old), Ok(new)) = (old.parse::<f64>(), new.parse::<f64>()) else { return false };
    (old - new).abs() <= (old / 50.0).max(16.0)
}

fn went(old: &str, new: &str) -> &'static str {
    match (old.parse::<f64>(), new.parse::<f64>()) {
        (Ok(old), Ok(new)) if new > old => "grew",
        (Ok(_), Ok(_)) => "shrank",
        _ => "changed",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn budget(operation: &str, round_trips: u32, bytes: u64) -> Budget {
        Budget {
            handler: "feed_cat",
            operation: operation.to_owned(),
            calls: "1 `GetItem`".to_owned(),
            round_trips,
            varies: false,
            read_units: 0.5,
            write_units: 0.0,
            index_units: 0.0,
            messages: 0,
            bytes,
            dollars: 1.2625,
        }
    }

    #[test]
    fn a_table_is_written_and_what_differs_is_told() -> Result<()> {
        let empty = format!("# Zoo\n\n{BEGIN}{END}\n\nAfter.\n");
        let standing = [budget("by day", 1, 1000), budget("by night", 2, 1000)];
        let (written, differences) = updated(&empty, &standing, "prices")?;
        assert!(written.contains("| `feed_cat` | by day | 1 `GetItem` | 1 | 0.5 | 0 | 0 | 0 | 1000 | 1.26 |\n"));
        assert_eq!(differences.len(), 2);
        assert_eq!(updated(&written, &standing, "prices")?, (written.clone(), Vec::new()));
        // A few bytes are no change, and the table keeps its figure.
        let (same, _) = updated(&written, &[budget("by day", 1, 1019), budget("by night", 2, 985)], "prices")?;
        assert_eq!(same, written);
        let (_, differences) = updated(&written, &[budget("by day", 2, 1100)], "prices")?;
        assert_eq!(
            differences,
            [
                "`feed_cat`, by day: Round trips grew from 1 to 2",
                "`feed_cat`, by day: Bytes grew from 1000 to 1100",
                "`feed_cat`, by night: is measured no more"
            ]
        );
        let (_, differences) = updated(&written, &[budget("by day", 1, 1000), budget("by night", 1, 1000)], "prices")?;
        assert_eq!(differences, ["`feed_cat`, by night: Round trips shrank from 2 to 1"]);
        Ok(())
    }

    #[test]
    fn a_readme_without_the_marks_is_refused() {
        assert!(updated("# Zoo\n", &[], "prices").is_err());
    }
}
