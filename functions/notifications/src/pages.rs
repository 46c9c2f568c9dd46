//! What a person sees who follows a link in a mail. Following it changes nothing: scanners of mails follow links too.

use web::{IntoResponse, Operation, Output, Response, header};

/// An HTML page. Its policy allows its one style, and a form that is sent here.
#[derive(Debug)]
pub struct Page(String);

const POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:36rem;margin:15vh auto;padding:0 1rem}\
                     button{font:inherit;padding:.4rem .8rem}";

impl Page {
    fn new(title: &str, body: &str) -> Self {
        Self(format!(
            "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title}</title>\
             <meta name=\"viewport\" content=\"width=device-width\"><meta name=\"robots\" content=\"noindex\">\
             <style>{STYLE}</style></head><body><h1>{title}</h1>{body}</body></html>\n"
        ))
    }

    /// Asks whether to end mails of a type (`kind` has no characters that a page minds).
    pub fn ask_to_unsubscribe(kind: &str) -> Self {
        let form = "<form method=\"post\"><input type=\"hidden\" name=\"List-Unsubscribe\" value=\"One-Click\">\
                    <button>Unsubscribe</button></form>";
        Self::new("Unsubscribe", &format!("<p>No more mail of the type <strong>{kind}</strong>?</p>{form}"))
    }

    /// Says that they are ended.
    pub fn unsubscribed(kind: &str) -> Self {
        Self::new("Unsubscribed", &format!("<p>You will get no more mail of the type <strong>{kind}</strong>.</p>"))
    }

    /// Asks whether an address is the reader's.
    pub fn ask_to_verify() -> Self {
        Self::new(
            "Confirm your address",
            "<p>Is this address yours, and may notifications be sent to it?</p>\
             <form method=\"post\"><button>Confirm</button></form>",
        )
    }

    /// Says that it is confirmed.
    pub fn verified() -> Self {
        Self::new("Confirmed", "<p>Notifications can be sent to this address now.</p>")
    }
}

impl IntoResponse for Page {
    fn into_response(self) -> Response {
        let headers = [(header::CONTENT_TYPE, "text/html; charset=utf-8"), (header::CONTENT_SECURITY_POLICY, POLICY)];
        (headers, self.0).into_response()
    }
}

impl Output for Page {
    fn describe(operation: &mut Operation<'_>) {
        operation.content(200, "A page for a person.", &["text/html"]);
    }
}
