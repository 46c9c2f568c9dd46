//! The SYSTEM table of a system, read from the builder in its `lib.rs`.

use anyhow::{Context as _, Result, bail};

use crate::source::{arguments, closing, code_of};

/// The rows, and where in the file the builder stands.
#[derive(Debug, Clone)]
pub struct Rows {
    /// One for each Lambda, in order.
    pub rows: Vec<Row>,
    /// Offset just behind the last row.
    pub end: usize,
}

/// One Lambda.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The template's `Handler`.
    pub handler: String,
    /// What invokes it.
    pub trigger: Trigger,
    /// Whether the runtime answers itself, so that there is no handler file.
    pub built_in: bool,
    /// Offset of the row's dot.
    pub start: usize,
}

/// What invokes a Lambda, as the row says.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Trigger {
    Http { method: String, path: String, public: bool },
    Unrouted,
    Queue(String),
    PriorityQueue(String, Vec<String>),
    Bucket(String),
    Socket { route: String, public: bool },
    Stream,
    Logs,
    Schedule,
    Invoke,
}

/// Reads the chain of rows behind `System::named(…)`.
///
/// # Errors
/// When there is none, or a row's handler or path is no literal.
pub fn read(lib: &str) -> Result<Rows> {
    let code = code_of(lib);
    let named = code.find("System::named").context("it has no System::named(…)")?;
    let open = code[named..].find('(').context("System::named is not called")?;
    let mut rows = Rows { rows: Vec::new(), end: closing(&code, named + open).context("a bracket is not closed")? };
    loop {
        let start = rows.end + blank(&code[rows.end..]);
        let Some(chained) = code[start..].strip_prefix('.') else { return Ok(rows) };
        let open = start + 1 + chained.find('(').context("the builder ends in the middle of a row")?;
        let call = chained.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default();
        rows.end = closing(&code, open).context("a bracket is not closed")?;
        let arguments: Vec<&str> =
            arguments(&code, open + 1, rows.end - 1).into_iter().map(|(from, to)| lib[from..to].trim()).collect();
        if let Some(trigger) = trigger(call, &arguments).with_context(|| format!("the row .{call}({arguments:?})"))? {
            let built_in = ["openapi", "docs", "unrouted"].contains(&call);
            rows.rows.push(Row { handler: literal(&arguments, 0)?, trigger, built_in, start });
        }
    }
}

fn blank(code: &str) -> usize {
    code.len() - code.trim_start().len()
}

fn trigger(call: &str, arguments: &[&str]) -> Result<Option<Trigger>> {
    Ok(Some(match call {
        "http" => {
            let [_, method, _, access, ..] = arguments else { bail!("needs a method, a path and an access") };
            let method = method.rsplit("::").next().unwrap_or(method).to_owned();
            Trigger::Http { method, path: literal(arguments, 2)?, public: access.ends_with("Public") }
        }
        "openapi" => built_in("/openapi.json"),
        "docs" => built_in("/docs"),
        "unrouted" => Trigger::Unrouted,
        "queue" => Trigger::Queue(literal(arguments, 1)?),
        "priority_queue" => Trigger::PriorityQueue(literal(arguments, 1)?, priorities(arguments.get(2).copied())?),
        "bucket" => Trigger::Bucket(literal(arguments, 1)?),
        "socket" => {
            let public = arguments.get(2).context("needs a route and an access")?.ends_with("Public");
            Trigger::Socket { route: literal(arguments, 1)?, public }
        }
        "stream" => Trigger::Stream,
        "logs" => Trigger::Logs,
        "schedule" => Trigger::Schedule,
        "invoke" => Trigger::Invoke,
        _ => return Ok(None),
    }))
}

fn built_in(path: &str) -> Trigger {
    Trigger::Http { method: "GET".to_owned(), path: path.to_owned(), public: true }
}

/// `&[Priority::High, Low]` as the ends of queues' names.
fn priorities(argument: Option<&str>) -> Result<Vec<String>> {
    let list = argument.and_then(|list| list.strip_prefix("&[")?.strip_suffix(']'));
    let list = list.context("the priorities must be a literal: &[Priority::High, Priority::Low]")?;
    let names = list.split(',').map(str::trim).filter(|name| !name.is_empty());
    Ok(names.map(|name| name.rsplit("::").next().unwrap_or(name).to_lowercase()).collect())
}

fn literal(arguments: &[&str], index: usize) -> Result<String> {
    let argument = arguments.get(index).context("an argument is missing")?;
    let inside = argument.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    Ok(inside.with_context(|| format!("{argument} must be a literal"))?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIB: &str = r#"
        //! System::named("wrong").http("no_row", …)
        pub fn system() -> System<App> {
            System::named("zoo")
                .http("feed_cat", Method::POST, "/cats/{id}/meals", Access::Scope("cats:write"), endpoint!(feed_cat))
                // a comment between rows (with a bracket
                .http("get_cat", GET, "/cats/{id}", web::Access::Public, get_cat::handle,)
                .queue::<Meal, _, _>("count_meals", "meals", count_meals::handle)
                .priority_queue("deliver", "deliveries", &[Priority::High, Low], deliver::handle)
                .bucket("on_upload", "media", on_upload::handle)
                .socket("on_connect", "$connect", Access::Scope("cats:read"), on_connect::handle)
                .socket("on_disconnect", "$disconnect", Access::Public, on_disconnect::handle)
                .stream("publish_changes", publish_changes::handle)
                .logs("take_lines", take_lines::handle)
                .schedule("sweep", sweep::handle)
                .invoke("authorize", |app, ask| authorize::handle(app, ask))
                .openapi("get_openapi")
                .unrouted("reject_request")
        }
    "#;

    #[test]
    fn every_kind_of_row_is_read() {
        let rows = read(LIB).unwrap();
        let http =
            |method: &str, path: &str, public| Trigger::Http { method: method.into(), path: path.into(), public };
        let expected = [
            ("feed_cat", http("POST", "/cats/{id}/meals", false)),
            ("get_cat", http("GET", "/cats/{id}", true)),
            ("count_meals", Trigger::Queue("meals".into())),
            ("deliver", Trigger::PriorityQueue("deliveries".into(), vec!["high".into(), "low".into()])),
            ("on_upload", Trigger::Bucket("media".into())),
            ("on_connect", Trigger::Socket { route: "$connect".into(), public: false }),
            ("on_disconnect", Trigger::Socket { route: "$disconnect".into(), public: true }),
            ("publish_changes", Trigger::Stream),
            ("take_lines", Trigger::Logs),
            ("sweep", Trigger::Schedule),
            ("authorize", Trigger::Invoke),
            ("get_openapi", http("GET", "/openapi.json", true)),
            ("reject_request", Trigger::Unrouted),
        ];
        let read: Vec<_> = rows.rows.iter().map(|row| (row.handler.as_str(), row.trigger.clone())).collect();
        assert_eq!(read, expected);
        let built_in = rows.rows.iter().filter(|row| row.built_in).map(|row| row.handler.as_str());
        assert_eq!(built_in.collect::<Vec<_>>(), ["get_openapi", "reject_request"]);
        assert!(LIB[..rows.end].ends_with(".unrouted(\"reject_request\")"));
        assert!(rows.rows.iter().all(|row| LIB[row.start..].starts_with('.')));
    }

    #[test]
    fn what_cannot_be_read_says_why() {
        assert!(read("fn system() {}").unwrap_err().to_string().contains("System::named"));
        let error = read(r#"System::named("zoo").http("a", GET, PATH, Access::Public, a::handle)"#).unwrap_err();
        assert!(format!("{error:#}").contains("PATH must be a literal"), "{error:#}");
        assert!(read(r#"System::named("zoo").http("a", GET"#).is_err());
    }
}
