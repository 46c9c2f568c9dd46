//! The lines of a scenario.

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

/// One line.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Line {
    /// `clock +60s`
    Clock(std::time::Duration),
    /// `queue count_clicks 3`, `queue count_clicks twice`
    Queue(String, Work),
    /// `stream roll_up_clicks`
    Stream(String, Work),
    /// `schedule sweep_expired`
    Schedule(String),
    /// `invoke issue_key {…}  {…}`: an event and a part of the answer, which may be left out.
    Invoke(String, String, String),
    /// `budget chosen code`: what the last line's Lambda did is one of the system's budgets.
    Budget(String),
    /// `header cache-control private, max-age=0`: a header of the last answer.
    Header(String, String),
    /// `upload $url ada bob`: puts a file of these lines to a URL that was answered.
    Upload(String, String),
    /// `calls 1`: requests to AWS that the last line's Lambda made.
    Calls(u32),
    /// `alice POST /links {…} [Header: value]  201 {…}`
    Request(Box<Request>),
}

/// What is expected of a worker's line.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Work {
    pub twice: bool,
    pub count: Option<usize>,
}

/// A request and what is expected of its answer.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Request {
    pub actor: String,
    /// `alice/free`: another tier than `pro`.
    pub tier: String,
    /// `alice(links:read)`: scopes instead of the system's all.
    pub scopes: Option<String>,
    pub method: String,
    pub target: String,
    pub body: Option<String>,
    pub headers: Vec<(String, String)>,
    pub status: u16,
    /// A location for 3xx, a problem's last segment for 4xx and 5xx, a part of the body for 2xx.
    pub expected: String,
}

/// Reads one line; `None` for a blank one or a comment.
pub(crate) fn parse(line: &str) -> Result<Option<Line>> {
    let line = line.trim();
    if line.is_empty() || line.starts_with('#') {
        return Ok(None);
    }
    let words: Vec<&str> = line.split_whitespace().collect();
    let work = |rest: &[&str]| -> Result<Work> {
        let mut work = Work::default();
        for word in rest {
            match *word {
                "twice" => work.twice = true,
                number => work.count = Some(number.parse().with_context(|| format!("not a count: {number}"))?),
            }
        }
        Ok(work)
    };
    Ok(Some(match words.as_slice() {
        ["clock", span] => Line::Clock(duration(span)?),
        ["queue", handler, rest @ ..] => Line::Queue((*handler).to_owned(), work(rest)?),
        ["stream", handler, rest @ ..] => Line::Stream((*handler).to_owned(), work(rest)?),
        ["schedule", handler] => Line::Schedule((*handler).to_owned()),
        ["invoke", handler, _, ..] => {
            let rest = line.split_once(*handler).map(|(_, rest)| rest.trim_start()).unwrap_or_default();
            let (event, expected) = balanced(rest, '{', '}')?;
            Line::Invoke((*handler).to_owned(), event.to_owned(), expected.to_owned())
        }
        ["budget", ..] => Line::Budget(words[1..].join(" ")),
        ["header", name, value @ ..] => Line::Header((*name).to_owned(), value.join(" ")),
        ["upload", url, lines @ ..] => Line::Upload((*url).to_owned(), lines.join("\n")),
        ["calls", count] => Line::Calls(count.parse()?),
        _ => Line::Request(Box::new(request(line)?)),
    }))
}

fn request(line: &str) -> Result<Request> {
    let mut rest = line;
    let mut word = || {
        let (word, after) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
        rest = after.trim_start();
        word.to_owned()
    };
    let (actor, method, target) = (word(), word(), word());
    let (actor, scopes) = match actor.split_once('(') {
        Some((actor, scopes)) => (actor.to_owned(), Some(scopes.trim_end_matches(')').replace(',', " "))),
        None => (actor, None),
    };
    let (actor, tier) = match actor.split_once('/') {
        Some((actor, tier)) => (actor.to_owned(), tier.to_owned()),
        None => (actor, "pro".to_owned()),
    };
    let mut request = Request { actor, tier, scopes, method, target, ..Request::default() };
    loop {
        if rest.starts_with('{') {
            let (body, after) = balanced(rest, '{', '}')?;
            (request.body, rest) = (Some(body.to_owned()), after);
        } else if rest.starts_with('[') {
            let (header, after) = balanced(rest, '[', ']')?;
            let header = &header[1..header.len() - 1];
            let (name, value) = header.split_once(':').context("a header is [Name: value]")?;
            request.headers.push((name.trim().to_owned(), value.trim().to_owned()));
            rest = after;
        } else {
            break;
        }
    }
    let (status, expected) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
    request.status = status.parse().with_context(|| format!("expected a status where there is {rest:?}"))?;
    request.expected = expected.trim().to_owned();
    Ok(request)
}

fn balanced(text: &str, open: char, close: char) -> Result<(&str, &str)> {
    let mut depth = 0;
    for (index, c) in text.char_indices() {
        depth += i32::from(c == open) - i32::from(c == close);
        if depth == 0 {
            let (part, rest) = text.split_at(index + c.len_utf8());
            return Ok((part, rest.trim_start()));
        }
    }
    bail!("{text}: no closing {close}")
}

fn duration(text: &str) -> Result<std::time::Duration> {
    let span = text.strip_prefix('+').context("a clock moves forward: +60s, +5m, +2h, +31d")?;
    let (number, unit) = span.split_at(span.len().saturating_sub(1));
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86_400,
        _ => bail!("{text}: s, m, h or d"),
    };
    Ok(std::time::Duration::from_secs(number.parse::<u64>()? * seconds))
}

/// Reads `{code: cat, tags: [a]}` as YAML's flow form, which is JSON without most quotes.
pub(crate) fn value(text: &str) -> Result<Value> {
    yaml_serde::from_str(text).with_context(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_line() -> Result<()> {
        let line = "alice(links:read) POST /links {code: cat, url: https://a.example/, deep: {a: 1}} \
                    [X-A: b c]  201 {code: cat}";
        let Some(Line::Request(request)) = parse(line)? else { bail!("no request") };
        assert_eq!((request.actor.as_str(), request.scopes.as_deref()), ("alice", Some("links:read")));
        assert_eq!((request.status, request.expected.as_str()), (201, "{code: cat}"));
        assert_eq!(request.headers, [("X-A".to_owned(), "b c".to_owned())]);
        let body = value(request.body.as_deref().unwrap_or_default())?;
        assert_eq!(body, serde_json::json!({"code": "cat", "url": "https://a.example/", "deep": {"a": 1}}));
        Ok(())
    }

    #[test]
    fn what_is_no_line() {
        assert!(parse("alice GET /links").is_err());
        assert!(parse("alice POST /links {code: cat 201").is_err());
        assert!(parse("clock 60s").is_err());
        assert!(parse("queue count_clicks often").is_err());
    }
}
