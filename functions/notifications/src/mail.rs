//! Mails, as RFC 5322 and MIME have them.

use mail_builder::MessageBuilder;
use mail_builder::headers::raw::Raw;
use types::{Fault, Instant};

/// A mail to one person.
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub struct Mail<'a> {
    /// `Name <address>`, or an address.
    pub from: &'a str,
    pub to: &'a str,
    pub subject: &'a str,
    pub text: &'a str,
    pub html: Option<&'a str>,
    /// Where one click ends such mails (RFC 8058); none for mails that nobody subscribed to.
    pub unsubscribe: Option<&'a str>,
    /// The left half of its Message-ID.
    pub id: &'a str,
    pub at: Instant,
}

impl Mail<'_> {
    /// The mail as it is handed to SES, which signs it (DKIM): `List-Unsubscribe` and `List-Unsubscribe-Post` are among
    /// what it signs, as RFC 8058 asks.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn mime(&self) -> Result<Vec<u8>, Fault> {
        let (name, from) = sender(self.from);
        let domain = from.rsplit('@').next().unwrap_or("localhost");
        let mut message = MessageBuilder::new()
            .message_id(format!("{}@{domain}", self.id))
            .date(self.at.seconds())
            .to(self.to)
            .subject(self.subject)
            .text_body(self.text);
        message = match name {
            Some(name) => message.from((name, from)),
            None => message.from(from),
        };
        if let Some(html) = self.html {
            message = message.html_body(html);
        }
        if let Some(url) = self.unsubscribe {
            message = message
                .header("List-Unsubscribe", Raw::new(format!("<{url}>")))
                .header("List-Unsubscribe-Post", Raw::new("List-Unsubscribe=One-Click"));
        }
        // It would answer to nobody.
        message = message.header("Auto-Submitted", Raw::new("auto-generated"));
        message.write_to_vec().map_err(|e| Fault::permanent("writing a mail").caused_by(e))
    }
}

/// Name and address of `Name <address>`.
pub fn sender(from: &str) -> (Option<&str>, &str) {
    match from.trim().strip_suffix('>').and_then(|from| from.rsplit_once('<')) {
        Some((name, address)) => (Some(name.trim().trim_matches('"')).filter(|name| !name.is_empty()), address.trim()),
        None => (None, from.trim()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mail(subject: &str) -> String {
        let mail = Mail {
            from: "Almanac Ünit <news@a.example>",
            to: "ada@b.example",
            subject,
            text: "Grüße\r\n.\r\nFrom here",
            html: Some("<p>Grüße</p>"),
            unsubscribe: Some("https://n.example/unsubscribe/abc"),
            id: "n1",
            at: Instant::from_seconds(1_800_000_000),
        };
        String::from_utf8(mail.mime().unwrap()).unwrap()
    }

    #[test]
    fn a_mail_has_both_bodies_and_one_click() {
        let text = mail("Ihr Paket");
        for part in [
            "Message-ID: <n1@a.example>",
            "To: <ada@b.example>",
            "multipart/alternative",
            "List-Unsubscribe: <https://n.example/unsubscribe/abc>",
            "List-Unsubscribe-Post: List-Unsubscribe=One-Click",
            "Date: Fri, 15 Jan 2027 08:00:00",
        ] {
            assert!(text.contains(part), "{part} in\n{text}");
        }
        assert!(text.is_ascii() && text.lines().all(|line| line.len() <= 998), "RFC 5322, 2.1.1");
    }

    #[test]
    fn no_subject_makes_a_header() {
        let text = mail("hello\r\nBcc: eve@c.example");
        assert!(!text.lines().any(|line| line.starts_with("Bcc")), "{text}");
    }

    #[test]
    fn senders() {
        assert_eq!(sender("Ada <a@b.example>"), (Some("Ada"), "a@b.example"));
        assert_eq!(sender("\"Ada L.\" <a@b.example>"), (Some("Ada L."), "a@b.example"));
        assert_eq!(sender("a@b.example"), (None, "a@b.example"));
    }
}
