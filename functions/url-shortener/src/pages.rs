//! The two pages that a visitor may see instead of being sent on: the form for a password, and a link's preview.

use url::Url;

use crate::domain::Link;

/// An HTML page. Its policy allows its one style and nothing else: no script, no picture, no frame around it.
#[derive(Debug)]
pub struct Page {
    /// 200, or 403 where something is missing.
    pub status: u16,
    /// The document.
    pub html: String,
}

/// Of every page; a form may be sent here, and Chrome holds a form's redirect to `form-action` too, so there is none.
pub const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'";

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:36rem;margin:15vh auto;padding:0 1rem}\
                     input,button{font:inherit;padding:.4rem .8rem}code{word-break:break-all}";

impl Page {
    fn new(status: u16, title: &str, body: &str) -> Self {
        let title = escape(title);
        let html = format!(
            "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title}</title>\
             <meta name=\"viewport\" content=\"width=device-width\"><meta name=\"robots\" content=\"noindex\">\
             <style>{STYLE}</style></head><body>{body}</body></html>\n"
        );
        Self { status, html }
    }

    /// Asks for a link's password, for the first time or again. The form goes to the link itself: where its path goes
    /// along, what followed the code is lost.
    pub fn password(code: &str, path: &str, wrong: bool) -> Self {
        let up = "../".repeat(if path.is_empty() { 0 } else { path.split('/').count() });
        let told = if wrong { "That was not it." } else { "This link opens with a password." };
        let form = format!(
            "<h1>Password</h1><p>{told}</p><form method=\"post\" action=\"{up}{}\">\
             <input type=\"password\" name=\"password\" aria-label=\"Password\" autocomplete=\"off\" \
             required autofocus> <button>Open</button></form>",
            escape(code)
        );
        Self::new(403, "Password", &form)
    }

    /// Shows where a link leads, without going there. What a password or a number of clicks guards
    /// stays hidden.
    pub fn preview(link: &Link, short_url: &str) -> Self {
        let title = "Where this link leads"; // its own title is its owner's
        let url = escape(link.url.as_str());
        let host = Url::parse(link.url.as_str()).ok().and_then(|url| url.host_str().map(str::to_owned));
        let lead = match (&link.password, link.max_clicks) {
            (Some(_), _) => "<p>It opens with a password.</p>".to_owned(),
            (None, Some(_)) => "<p>It opens a limited number of times.</p>".to_owned(),
            (None, None) => format!(
                "<p>To <strong>{}</strong>:</p>\
                 <p><a href=\"{url}\" rel=\"noreferrer nofollow\"><code>{url}</code></a></p>",
                escape(host.as_deref().unwrap_or_default())
            ),
        };
        let rules = if link.rules.is_empty() { "" } else { "<p>For some visitors it leads elsewhere.</p>" };
        let body = format!("<h1>{}</h1>{lead}{rules}<p><code>{}</code></p>", escape(title), escape(short_url));
        Self::new(200, title, &body)
    }
}

/// Text as HTML, in elements and in quoted attributes.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn no_text_becomes_markup(text in ".{0,60}") {
            let escaped = escape(&text);
            prop_assert!(!escaped.contains(['<', '>', '"', '\'']));
        }
    }
}
