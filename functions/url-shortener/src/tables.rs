//! Lists as CSV (RFC 4180), for spreadsheets.

use types::Fault;

use crate::domain::DayStats;
use crate::view::Summary;

/// Links, one to a row.
///
/// # Errors
/// Our failure.
pub fn links(links: &[Summary]) -> Result<String, Fault> {
    let header = ["code", "domain", "short_url", "url", "state", "created_at", "expires_at", "title", "tags"];
    let rows = links.iter().map(|link| {
        let state = serde_json::to_value(link.state).ok().and_then(|state| state.as_str().map(str::to_owned));
        vec![
            link.code.clone(),
            link.domain.clone().unwrap_or_default(),
            link.short_url.clone(),
            link.url.clone(),
            state.unwrap_or_default(),
            link.created_at.to_string(),
            link.expires_at.map(|at| at.to_string()).unwrap_or_default(),
            link.title.clone().unwrap_or_default(),
            link.tags.join(" "),
        ]
    });
    write(header.map(str::to_owned).to_vec(), rows)
}

/// Days, one to a row.
///
/// # Errors
/// Our failure.
pub fn days<'a>(days: impl IntoIterator<Item = &'a DayStats>) -> Result<String, Fault> {
    let rows = days.into_iter().map(|day| vec![day.date.clone(), day.clicks.to_string(), day.visitors.to_string()]);
    write(["date", "clicks", "visitors"].map(str::to_owned).to_vec(), rows)
}

fn write(header: Vec<String>, rows: impl Iterator<Item = Vec<String>>) -> Result<String, Fault> {
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    let failed = |error: &dyn std::fmt::Display| Fault::permanent(format!("writing CSV: {error}"));
    for row in std::iter::once(header).chain(rows) {
        writer.write_record(row.iter().map(|cell| harmless(cell))).map_err(|e| failed(&e))?;
    }
    let bytes = writer.into_inner().map_err(|e| failed(&e))?;
    String::from_utf8(bytes).map_err(|e| failed(&e))
}

/// A spreadsheet takes a cell that begins like this for a formula, whoever wrote it (OWASP, *CSV Injection*).
fn harmless(cell: &str) -> String {
    let formula = cell.starts_with(['=', '+', '-', '@', '\t', '\r']);
    if formula { format!("'{cell}") } else { cell.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_quoted_and_no_formula_runs() {
        let row = |cells: [&str; 2]| cells.map(str::to_owned).to_vec();
        let table = write(row(["a", "b"]), [row(["x,\"y\"", "=1+1"]), row(["ü\n", "@SUM"])].into_iter()).unwrap();
        assert_eq!(table, "a,b\r\n\"x,\"\"y\"\"\",'=1+1\r\n\"ü\n\",'@SUM\r\n");
    }
}
