//! A new row in a `lib.rs`: the module, the import and the builder's line.

use anyhow::{Context as _, Result};

use crate::names::word_at;
use crate::rows::{self, Trigger};
use crate::source::{closing, code_of};

/// Declares the module `handler` among the handlers.
pub(super) fn with_module(text: &str, handler: &str) -> Result<String> {
    let code = code_of(text);
    let (open, close) = match code.find("mod handlers {") {
        Some(at) => {
            let open = at + "mod handlers ".len();
            (open + 1, closing(&code, open).context("mod handlers { is not closed")? - 1)
        }
        // The file of the module itself: its declarations begin behind the documentation.
        None => (0, text.len()),
    };
    let declared: Vec<(usize, &str)> = code[open..close]
        .match_indices("pub mod ")
        .map(|(at, prefix)| (open + at, code[open + at + prefix.len()..].split(';').next().unwrap_or_default()))
        .collect();
    let line = format!("pub mod {handler};");
    let mut text = text.to_owned();
    match (declared.iter().find(|(_, name)| *name > handler), declared.last()) {
        (Some((at, _)), _) => text.insert_str(*at, &format!("{line}\n{}", indent(&code, *at))),
        (None, Some((at, name))) => {
            let end = at + "pub mod ;".len() + name.len();
            text.insert_str(end, &format!("\n{}{line}", indent(&code, *at)));
        }
        (None, None) if open == 0 => text = format!("{}\n{line}\n", text.trim_end()),
        (None, None) => text.insert_str(open, &format!("\n    {line}\n")),
    }
    Ok(text)
}

fn indent(code: &str, at: usize) -> &str {
    let line = code[..at].rfind('\n').map_or(0, |newline| newline + 1);
    &code[line..at]
}

/// Imports the handler beside the others, if they are imported, and says how a row names it.
pub(super) fn with_import(text: &str, handler: &str) -> (String, String) {
    let code = code_of(text);
    let Some(start) = code.find("use handlers::").or_else(|| code.find("use crate::handlers::")) else {
        return (text.to_owned(), format!("handlers::{handler}::handle"));
    };
    let end = start + code[start..].find(';').unwrap_or(0);
    let (path, list) = code[start..end].split_once("handlers::").unwrap_or_default();
    let mut names: Vec<&str> = list.split(['{', '}', ',']).map(str::trim).filter(|name| !name.is_empty()).collect();
    names.push(handler);
    names.sort_unstable();
    let import = format!("{path}handlers::{{{}}}", names.join(", "));
    let import = if import.len() < 120 { import } else { wrapped(path, &names) };
    (format!("{}{import}{}", &text[..start], &text[end..]), format!("{handler}::handle"))
}

/// As rustfmt wraps a list of names.
fn wrapped(path: &str, names: &[&str]) -> String {
    let (mut lines, mut line) = (Vec::new(), String::new());
    for name in names {
        if line.len() + name.len() + 6 > 120 {
            lines.push(std::mem::take(&mut line));
        }
        line.push_str(if line.is_empty() { "    " } else { " " });
        line.push_str(name);
        line.push(',');
    }
    lines.push(line);
    format!("{path}handlers::{{\n{}\n}}", lines.join("\n"))
}

/// Adds a row before `.unrouted(…)`, or at the end of the builder.
pub(super) fn with_row(text: &str, row: &str) -> Result<String> {
    let rows = rows::read(text)?;
    let code = code_of(text);
    let indent = rows.rows.first().map_or("        ", |first| indent(&code, first.start));
    let indent = if indent.trim().is_empty() { indent } else { "        " };
    let mut text = text.to_owned();
    match rows.rows.iter().find(|row| row.trigger == Trigger::Unrouted) {
        Some(unrouted) => text.insert_str(unrouted.start, &format!("{row}\n{indent}")),
        None => text.insert_str(rows.end, &format!("\n{indent}{row}")),
    }
    Ok(text)
}

/// Whether a `use` line brings `name` into scope.
pub(super) fn imports(text: &str, name: &str) -> bool {
    let code = code_of(text);
    code.split("use ").skip(1).filter_map(|rest| rest.split(';').next()).any(|import| word_at(import, name).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIB: &str = "mod handlers {
    pub mod a;
    pub mod c;
}

use handlers::{a, c};

fn system() {
    System::named(\"x\")
        .stream(\"a\", a::handle)
        .unrouted(\"r\")
        .stream(\"c\", c::handle)
}
";

    #[test]
    fn a_module_stands_in_order() -> Result<()> {
        assert!(with_module(LIB, "b")?.contains("    pub mod a;\n    pub mod b;\n    pub mod c;\n}"));
        assert!(with_module(LIB, "d")?.contains("    pub mod c;\n    pub mod d;\n}"));
        assert_eq!(with_module("mod handlers {}", "a")?, "mod handlers {\n    pub mod a;\n}");
        assert_eq!(with_module("//! Handlers.\n", "a")?, "//! Handlers.\npub mod a;\n");
        Ok(())
    }

    #[test]
    fn an_import_joins_the_others() {
        let (text, path) = with_import(LIB, "b");
        assert!(text.contains("use handlers::{a, b, c};"), "{text}");
        assert_eq!(path, "b::handle");
        assert!(with_import("use handlers::a;", "b").0.contains("use handlers::{a, b};"));
        assert_eq!(with_import("fn f() {}", "b").1, "handlers::b::handle");
        let long = with_import(LIB, &"b".repeat(100)).0;
        assert!(long.contains(&format!("use handlers::{{\n    a, {}, c,\n}};", "b".repeat(100))), "{long}");
    }

    #[test]
    fn a_row_stands_before_the_unrouted_one() -> Result<()> {
        let row = ".stream(\"b\", b::handle)";
        assert!(
            with_row(LIB, row)?.contains("a::handle)\n        .stream(\"b\", b::handle)\n        .unrouted(\"r\")")
        );
        let without = LIB.replace("\n        .unrouted(\"r\")", "");
        assert!(with_row(&without, row)?.contains("c::handle)\n        .stream(\"b\", b::handle)\n}"));
        Ok(())
    }
}
